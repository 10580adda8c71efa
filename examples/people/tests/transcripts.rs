//! Runs the transcripts of `testdata/people` against the host, over a socket, and then compares the rows of its tables.
//! Each transcript is a test whose name is the database and the name of its file.

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::process::ExitCode;

use host_common::testing::RunningHost;
use libtest_mimic::{Arguments, Failed, Trial};
use support::TestDatabase;
use testdata::transcript::Transcript;

/// Makes a new database.
type Create = fn() -> Option<TestDatabase>;

fn main() -> ExitCode {
    let transcripts = Transcript::load_folder("people");
    assert!(transcripts.len() >= 5, "transcripts are missing");
    let mut databases: Vec<(&str, Create)> = vec![("sqlite", || Some(TestDatabase::sqlite()))];
    if TestDatabase::postgres().is_some() {
        databases.push(("postgres", TestDatabase::postgres));
    }
    let mut trials = Vec::new();
    for (name, create) in databases {
        for transcript in &transcripts {
            let (name, transcript) = (format!("{name}/{}", transcript.test_name()), transcript.clone());
            trials.push(Trial::test(name, move || run(create, &transcript)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(create: Create, transcript: &Transcript) -> Result<(), Failed> {
    let database = create().ok_or("there is no database")?;
    let host = RunningHost::start(&database.host(), &[("SCIM_PROFILE", transcript.profile.as_str())]);
    let send = &mut |request| host.send(request);
    transcript.run_and_read_tables(&host.base, send, &mut |table| database.rows(table))?;
    Ok(())
}
