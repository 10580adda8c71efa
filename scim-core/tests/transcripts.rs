//! The transcripts of `testdata/http` and `testdata/idp`, in process: each is a test, named as its file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod host;

use std::process::ExitCode;

use host::{BASE, service};
use libtest_mimic::{Arguments, Failed, Trial};
use scim_core::Identity;
use testdata::transcript::{Anonymous, Transcript};

fn main() -> ExitCode {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 80, "the transcripts are there");
    let trials = transcripts.into_iter().map(|t| Trial::test(t.test_name(), move || hold(&t)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Talks to a service of its own.
fn hold(transcript: &Transcript) -> Result<(), Failed> {
    let service = service(&transcript.profile, &transcript.host);
    transcript.run(BASE, &mut |mut request| {
        if request.extensions().get::<Anonymous>().is_none() {
            request.extensions_mut().insert(Identity::new("tests"));
        }
        pollster::block_on(service.handle(request))
    })?;
    Ok(())
}
