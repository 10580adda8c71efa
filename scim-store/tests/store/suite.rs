//! Runs the provider suite of scim-core on every database.

use std::sync::Arc;

use scim_core::Identity;
use scim_core::testing::Suite;
use scim_store::{Adoption, Store};

use crate::support;
use crate::support::recording::RecordingDatabase;
use crate::tenants::check_statements;

#[test]
fn the_store_passes_the_provider_suite() {
    for database in support::databases() {
        let runtime = support::runtime();
        let store = support::open(&runtime, &database);
        // Another connection to a database in memory would find another database.
        let recording = (database.url != "sqlite::memory:").then(|| {
            let opened = runtime.block_on(scim_store::open(&database.url)).unwrap();
            RecordingDatabase::new(Arc::new(opened))
        });
        let store = match &recording {
            // With retention, events and a rule for adoptions, so that their statements are checked as well.
            Some(recording) => {
                let store = runtime.block_on(Store::with_database(recording.clone()));
                let store = store.unwrap().retain(1).record_events();
                store.adopt(|_| Box::pin(async { Ok(Adoption::Refuse) }))
            }
            None => store,
        };
        // The statement that reads the version of the tables.
        recording.iter().for_each(RecordingDatabase::forget);
        let outbox = store.outbox();
        runtime.block_on(outbox.events(Some("suite"), 0, 1)).unwrap();
        runtime.block_on(outbox.acknowledge(Some("suite"), "suite", 1)).unwrap();
        assert_eq!(runtime.block_on(outbox.acknowledged(Some("suite"), "suite")).unwrap(), 1);
        let run = support::tenant();
        let report = Suite::new(store)
            .identities(move |n| Identity::new("suite").in_tenant(format!("{run}-{n}")))
            .block_on(move |task| runtime.block_on(task))
            .report();
        println!("{}\n{report}", database.url);
        assert!(report.failed.is_empty(), "{}\n{report}", database.url);
        assert!(report.skipped.is_empty(), "{}\n{report}", database.url);
        if let Some(recording) = &recording {
            check_statements(&database, recording);
        }
    }
}
