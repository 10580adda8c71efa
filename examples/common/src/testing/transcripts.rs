//! The transcripts of `testdata`, over a socket.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use scim_core::ScimService;
use scim_store::Store;
use serde_json::Value;
use testdata::transcript::Transcript;

use super::{MEMORY, Program, Running, SQLITE};
use crate::Database;

/// The services that transcripts ask for, as they are made for the tests in process.
#[path = "../../../../scim-core/tests/transcript_service/mod.rs"]
mod transcript_service;

/// The main function of a test that runs every transcript against a host of its own, over a socket, on
/// databases of each kind. Each is a test, named as the database and its file; arguments are those of
/// other tests.
#[must_use]
pub fn transcripts(program: &'static str) -> ExitCode {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 80, "the transcripts are there");
    let mut trials = Vec::new();
    for (name, database) in [("memory", MEMORY), ("sqlite", SQLITE)] {
        // The memory provider alone can do without passwords.
        let follows = |t: &&Transcript| database == MEMORY || t.switches["hash_passwords"] != false;
        for transcript in transcripts.iter().filter(follows) {
            let (program, transcript) = (Program::new(program, database), transcript.clone());
            let name = format!("{name}/{}", transcript.test_name());
            trials.push(Trial::test(name, move || Ok(transcript_on(&program, &transcript)?)));
        }
    }
    let mut arguments = Arguments::from_args();
    // Most of the time goes by while hosts start.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn transcript_on(program: &Program, transcript: &Transcript) -> Result<(), String> {
    let switches = transcript.switches.to_string();
    let host =
        Running::start(program, &[("SCIM_PROFILE", transcript.profile.as_str()), (SWITCHES, &switches)]);
    // What clients see is the base URL; where they connect is the host's affair.
    transcript.run(transcript_service::BASE_URL, &mut |mut request| {
        let url = request.uri().to_string().replacen(transcript_service::BASE_URL, &host.base, 1);
        *request.uri_mut() = url.parse().expect("it is a URL as before");
        host.send(request)
    })?;
    Ok(())
}

/// The variable that makes a host under test serve what a transcript asks for; no other host reads it.
const SWITCHES: &str = "SCIM_TEST_SWITCHES";

/// What a transcript asks the host to serve, if it is one that runs for a transcript.
pub(crate) async fn service(database: &Database) -> Option<ScimService> {
    let switches = std::env::var(SWITCHES).ok()?;
    let switches: Value = serde_json::from_str(&switches).expect("the test sends JSON");
    let profile = std::env::var("SCIM_PROFILE").expect("the test sets it");
    let Database::Url(url) = database else {
        return Some(transcript_service::service_in_memory(&profile, &switches));
    };
    let mut store = Store::open(url).await.expect("the test names a database");
    if switches["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if switches["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    Some(transcript_service::service_with_provider(store, &profile, &switches))
}
