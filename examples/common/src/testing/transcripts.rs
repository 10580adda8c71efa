//! Runs the transcripts of `testdata` against a host, over a socket.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use scim_core::ScimService;
use scim_store::Store;
use serde_json::Value;
use testdata::transcript::Transcript;

use super::{HostProgram, MEMORY, RunningHost, SQLITE};
use crate::Database;

/// Builds the service that a transcript requires; the tests in process use the same functions.
#[path = "../../../../scim-core/tests/transcript_service/mod.rs"]
mod transcript_service;

/// The main function of a test program that runs each transcript against a new host, on the memory provider and on
/// SQLite. Each transcript is a test whose name is the database and the name of its file. Accepts the usual arguments of
/// test programs.
#[must_use]
pub fn transcripts(program: &'static str) -> ExitCode {
    let transcripts = Transcript::load_all();
    assert!(transcripts.len() > 80, "transcripts are missing");
    let mut trials = Vec::new();
    for (name, database) in [("memory", MEMORY), ("sqlite", SQLITE)] {
        // Only the memory provider can be without passwords.
        let is_supported = |t: &&Transcript| database == MEMORY || t.switches["hash_passwords"] != false;
        for transcript in transcripts.iter().filter(is_supported) {
            let (program, transcript) = (HostProgram::new(program, database), transcript.clone());
            let name = format!("{name}/{}", transcript.test_name());
            trials.push(Trial::test(name, move || Ok(run_transcript(&program, &transcript)?)));
        }
    }
    let mut arguments = Arguments::from_args();
    // Most of the time is spent waiting for hosts to start.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run_transcript(program: &HostProgram, transcript: &Transcript) -> Result<(), String> {
    let host_options = transcript.switches.to_string();
    let host = RunningHost::start(
        program,
        &[("SCIM_PROFILE", transcript.profile.as_str()), (HOST_OPTIONS, &host_options)],
    );
    // The transcript uses the base URL that responses contain; requests go to the address of the host.
    transcript.run(transcript_service::BASE_URL, &mut |mut request| {
        let url = request.uri().to_string().replacen(transcript_service::BASE_URL, &host.base, 1);
        *request.uri_mut() = url.parse().expect("the result is a URL");
        host.send(request)
    })?;
    Ok(())
}

/// The variable with the host options of a transcript, as JSON. Only hosts that are built for tests read it.
const HOST_OPTIONS: &str = "SCIM_TEST_HOST_OPTIONS";

/// The service that a transcript requires; `None` if the host was not started for a transcript.
pub(crate) async fn service(database: &Database) -> Option<ScimService> {
    let host_options = std::env::var(HOST_OPTIONS).ok()?;
    let host_options: Value = serde_json::from_str(&host_options).expect("the test sets valid JSON");
    let profile = std::env::var("SCIM_PROFILE").expect("the test sets it");
    let Database::Url(url) = database else {
        return Some(transcript_service::service_in_memory(&profile, &host_options));
    };
    let mut store = Store::open(url).await.expect("the database opens");
    if host_options["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if host_options["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    Some(transcript_service::service_with_provider(store, &profile, &host_options))
}
