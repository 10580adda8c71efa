//! Benchmarks of the hot paths: a list of named cases. Criterion (`benches/all.rs`) and the comparison with bars
//! (`src/bin/bars.rs`) both run them. README.md explains the results.

#![expect(clippy::expect_used, reason = "a case that cannot be prepared cannot be measured")]

mod case;
mod filter;
mod patch;
mod processor_time;
mod schema;
mod service;

pub use case::Case;
pub use processor_time::processor_time;

use serde_json::{Map, Value};

/// All cases, in groups. A group is prepared just before it runs, since many resources in the heap slow down other
/// allocations.
pub const GROUPS: [fn() -> Vec<Case>; 7] = [
    filter::cases,
    schema::cases,
    patch::cases,
    service::cases,
    || patch::group_cases(1_000),
    || patch::group_cases(10_000),
    || patch::group_cases(100_000),
];

/// The yardstick of all cases without their own: parsing a full enterprise user from JSON.
pub fn yardstick() -> Case {
    let text = Value::Object(user()).to_string();
    Case::repeated("Y", None, move || serde_json::from_slice::<Value>(text.as_bytes()))
}

/// A full enterprise user.
fn user() -> Map<String, Value> {
    testdata::load("bench/user.json")
}
