//! Runs the transcripts of `testdata` on every database. Each is a test whose name is the database and the file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "this program uses only a part of it")]
#[path = "../store/support/mod.rs"]
mod support;
/// Builds the services that transcripts require; the tests of scim-core use the same functions.
#[expect(dead_code, reason = "this program does not use the service in memory")]
#[path = "../../../scim-core/tests/transcript_service/mod.rs"]
mod transcript_service;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use scim_core::Identity;
use scim_store::Store;
use support::Database;
use testdata::transcript::{Anonymous, Transcript};
use tokio::runtime::Runtime;
use transcript_service::{BASE_URL, service_with_provider};

/// A database. The first transcript that runs on it opens the store.
struct TestDatabase {
    database: Database,
    runtime: Runtime,
    store: OnceLock<Store>,
}

impl TestDatabase {
    fn store(&self) -> Store {
        self.store.get_or_init(|| support::open(&self.runtime, &self.database)).clone()
    }

    fn name(&self) -> &'static str {
        match &*self.database.url {
            "sqlite::memory:" => "sqlite-memory",
            url if url.starts_with("sqlite:") => "sqlite-file",
            _ => "postgres",
        }
    }
}

fn main() -> ExitCode {
    let mut transcripts = Transcript::load_all();
    // These transcripts are about a store without passwords; this store always has them.
    transcripts.retain(|transcript| transcript.switches["hash_passwords"] != false);
    assert!(transcripts.len() > 80, "transcripts are missing");
    let mut trials = Vec::new();
    for database in support::databases() {
        let database =
            Arc::new(TestDatabase { database, runtime: support::runtime(), store: OnceLock::new() });
        for transcript in &transcripts {
            let name = format!("{}/{}", database.name(), transcript.test_name());
            let (database, transcript) = (database.clone(), transcript.clone());
            trials.push(Trial::test(name, move || run(&database, &transcript)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs a transcript in a new tenant, since each expects an empty store.
fn run(database: &TestDatabase, transcript: &Transcript) -> Result<(), Failed> {
    let store = configure(database.store(), transcript);
    let service = service_with_provider(store, &transcript.profile, &transcript.switches);
    let tenant = support::tenant();
    transcript.run(BASE_URL, &mut |mut request| {
        if request.extensions().get::<Anonymous>().is_none() {
            request.extensions_mut().insert(Identity::new("tests").in_tenant(&tenant));
        }
        database.runtime.block_on(service.handle(request))
    })?;
    Ok(())
}

/// Configures the store as a transcript requires.
fn configure(mut store: Store, transcript: &Transcript) -> Store {
    if transcript.switches["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if transcript.switches["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    store
}
