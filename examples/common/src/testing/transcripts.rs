//! The transcripts of `testdata`, over a socket.

use std::sync::Mutex;

use scim_core::ScimService;
use scim_store::Store;
use serde_json::Value;
use testdata::transcript::Transcript;

use super::{MEMORY, Program, Running};
use crate::Database;

/// The services that transcripts ask for, as they are made for the tests in process.
#[path = "../../../../scim-core/tests/host/mod.rs"]
mod switches;

/// Runs every transcript that the program's store can follow against a host of its own, over a socket.
///
/// # Panics
///
/// If one fails; all that fail are listed.
pub fn transcripts(program: &Program) {
    let mut transcripts = Transcript::load_all();
    // The memory provider alone can do without passwords.
    transcripts.retain(|transcript| program.database == MEMORY || transcript.host["hash_passwords"] != false);
    let (queue, results) = (Mutex::new(transcripts.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no thread panics").next();
                    let Some(transcript) = next else { break };
                    let result = transcript_on(program, transcript);
                    results.lock().expect("no thread panics").push(result);
                }
            });
        }
    });
    let results = results.into_inner().expect("no thread panicked");
    assert_eq!(results.len(), transcripts.len());
    let steps: usize = results.iter().flatten().sum();
    let mut failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    failures.sort();
    assert!(failures.is_empty(), "{} transcripts fail:\n{}", failures.len(), failures.join("\n\n"));
    println!("{}: {steps} steps of {} transcripts", program.database, transcripts.len());
}

fn transcript_on(program: &Program, transcript: &Transcript) -> Result<usize, String> {
    let switches = transcript.host.to_string();
    let host =
        Running::start(program, &[("SCIM_PROFILE", transcript.profile.as_str()), (SWITCHES, &switches)]);
    // What clients see is the base URL; where they connect is the host's affair.
    transcript.run(switches::BASE, &mut |mut request| {
        let url = request.uri().to_string().replacen(switches::BASE, &host.base, 1);
        *request.uri_mut() = url.parse().expect("it is a URL as before");
        host.send(request)
    })
}

/// The variable that makes a host under test serve what a transcript asks for; no other host reads it.
const SWITCHES: &str = "SCIM_TEST_SWITCHES";

/// What a transcript asks the host to serve, if it is one that runs for a transcript.
pub(crate) async fn service(database: &Database) -> Option<ScimService> {
    let switches = std::env::var(SWITCHES).ok()?;
    let switches: Value = serde_json::from_str(&switches).expect("the test sends JSON");
    let profile = std::env::var("SCIM_PROFILE").expect("the test sets it");
    let Database::Url(url) = database else { return Some(switches::service(&profile, &switches)) };
    let mut store = Store::open(url).await.expect("the test names a database");
    if switches["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if switches["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    Some(switches::service_on(store, &profile, &switches))
}
