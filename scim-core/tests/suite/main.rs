//! The provider suite: the memory provider passes it, right hosts that have less do so too, and a
//! provider that breaks a sentence of the contract fails the check that proves it.
#![cfg(feature = "testing")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod fair;
mod hard;
mod set_up;
mod twisted;

use scim_core::MemoryProvider;
use scim_core::testing::Suite;

#[test]
fn the_memory_provider_passes() {
    let report = Suite::new(MemoryProvider::new()).report();
    println!("{report}");
    assert!(report.failed.is_empty(), "{report}");
    assert!(report.skipped.is_empty() && report.left_out.is_empty(), "{report}");
    Suite::new(MemoryProvider::new()).single_tenant().run();
}
