//! Tests of the provider suite. The memory provider passes it, and so do providers that keep the contract but support only
//! a part of the standard schemas. A provider that breaks a rule of the contract fails the check of that rule.
#![cfg(feature = "testing")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod altered_provider;
mod obvious_faults;
#[path = "../support/overriding.rs"]
mod overriding;
mod preparation;
mod query_faults;
mod restricted_providers;
mod subtle_faults;

use scim_core::MemoryProvider;
use scim_core::testing::Suite;

#[test]
fn the_memory_provider_passes_all_checks() {
    let report = Suite::new(MemoryProvider::new()).report();
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
    assert!(report.skipped.is_empty() && report.not_kept.is_empty(), "{report}");
    Suite::new(MemoryProvider::new()).single_tenant().run();
}
