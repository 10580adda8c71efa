//! Runs each transcript of `testdata/http` and `testdata/idp` as a test, on a service in this process. The name of the test
//! is that of the file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod transcript_service;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use scim_core::Identity;
use testdata::transcript::{Anonymous, Transcript};
use transcript_service::{BASE_URL, service_in_memory};

fn main() -> ExitCode {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 80, "only {} transcripts were found", transcripts.len());
    let trials = transcripts.into_iter().map(|t| Trial::test(t.test_name(), move || run_transcript(&t)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Sends the requests of a transcript to a new service.
fn run_transcript(transcript: &Transcript) -> Result<(), Failed> {
    let service = service_in_memory(&transcript.profile, &transcript.switches);
    transcript.run(BASE_URL, &mut |mut request| {
        if request.extensions().get::<Anonymous>().is_none() {
            request.extensions_mut().insert(Identity::new("tests"));
        }
        pollster::block_on(service.handle(request))
    })?;
    Ok(())
}
