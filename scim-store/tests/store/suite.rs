//! Runs the provider suite of scim-core on every database.

use crate::support;
use scim_core::Identity;
use scim_core::testing::Suite;

#[test]
fn the_store_passes_the_provider_suite() {
    for database in support::databases() {
        let runtime = support::runtime();
        let store = support::open(&runtime, &database);
        let run = support::tenant();
        let report = Suite::new(store)
            .identities(move |n| Identity::new("suite").in_tenant(format!("{run}-{n}")))
            .block_on(move |task| runtime.block_on(task))
            .report();
        println!("{}\n{report}", database.url);
        assert!(report.failed.is_empty(), "{}\n{report}", database.url);
        assert!(report.skipped.is_empty(), "{}\n{report}", database.url);
    }
}
