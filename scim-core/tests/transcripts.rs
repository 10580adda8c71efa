//! The transcripts of `testdata/http` and `testdata/idp`, in process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod host;

use host::{BASE, service};
use scim_core::Identity;
use testdata::transcript::{Anonymous, Transcript};

#[test]
fn transcripts_hold_in_process() {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 80, "the transcripts are there");
    let mut steps = 0;
    let mut failures = Vec::new();
    for transcript in &transcripts {
        let service = service(&transcript.profile, &transcript.host);
        let result = transcript.run(BASE, &mut |mut request| {
            if request.extensions().get::<Anonymous>().is_none() {
                request.extensions_mut().insert(Identity::new("tests"));
            }
            pollster::block_on(service.handle(request))
        });
        match result {
            Ok(count) => steps += count,
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{} transcripts fail:\n{}", failures.len(), failures.join("\n\n"));
    println!("{steps} steps of {} transcripts", transcripts.len());
}
