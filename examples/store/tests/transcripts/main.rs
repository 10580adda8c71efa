//! The transcripts of `testdata`, on every database: each is a test, named as the database and its file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "the other tests of the store need more of it")]
#[path = "../store/support/mod.rs"]
mod support;
/// The services that transcripts ask for, as they are made for the tests of the core.
#[expect(dead_code, reason = "the service in memory is of no use here")]
#[path = "../../../../scim-core/tests/transcript_service/mod.rs"]
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

/// A database, opened by the first transcript that runs on it.
struct Opened {
    database: Database,
    runtime: Runtime,
    store: OnceLock<Store>,
}

impl Opened {
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
    // Some are about a store that does not keep passwords; this one does, as hashes.
    transcripts.retain(|transcript| transcript.switches["hash_passwords"] != false);
    assert!(transcripts.len() > 80, "the transcripts are there");
    let mut trials = Vec::new();
    for database in support::databases() {
        let opened = Arc::new(Opened { database, runtime: support::runtime(), store: OnceLock::new() });
        for transcript in &transcripts {
            let name = format!("{}/{}", opened.name(), transcript.test_name());
            let (opened, transcript) = (opened.clone(), transcript.clone());
            trials.push(Trial::test(name, move || hold(&opened, &transcript)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Each file starts from an empty store, and so does a new tenant.
fn hold(opened: &Opened, transcript: &Transcript) -> Result<(), Failed> {
    let store = adjusted(opened.store(), transcript);
    let service = service_with_provider(store, &transcript.profile, &transcript.switches);
    let tenant = support::tenant();
    transcript.run(BASE_URL, &mut |mut request| {
        if request.extensions().get::<Anonymous>().is_none() {
            request.extensions_mut().insert(Identity::new("tests").in_tenant(&tenant));
        }
        opened.runtime.block_on(service.handle(request))
    })?;
    Ok(())
}

/// The store as a transcript asks for it.
fn adjusted(mut store: Store, transcript: &Transcript) -> Store {
    if transcript.switches["unique_group_names"] != false {
        store = store.unique("Group", "displayName");
    }
    if transcript.switches["keep_unknown_members"] == true {
        store = store.keep_unknown_members();
    }
    store
}
