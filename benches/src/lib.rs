//! What the hot paths cost: one list of named cases, which criterion (`benches/all.rs`) and the
//! verdicts (`src/bin/bars.rs`) both run. The README beside it tells what the figures mean.

#![expect(clippy::expect_used, reason = "a case that cannot be prepared cannot be measured")]

mod case;
mod filter;
mod patch;
mod schema;
mod service;

pub use case::Case;

use serde_json::{Map, Value};

/// Every case, in groups that are prepared when their turn comes: many resources in the heap slow
/// down whatever else allocates.
pub const GROUPS: [fn() -> Vec<Case>; 7] = [
    filter::cases,
    schema::cases,
    patch::cases,
    service::cases,
    || patch::group_cases(1_000),
    || patch::group_cases(10_000),
    || patch::group_cases(100_000),
];

/// What cases are compared with that have no other yardstick: reading a full enterprise user from JSON.
pub fn yardstick() -> Case {
    let text = Value::Object(user()).to_string();
    Case::repeated("Y", None, move || serde_json::from_slice::<Value>(text.as_bytes()))
}

/// A full enterprise user.
fn user() -> Map<String, Value> {
    testdata::load("bench/user.json")
}
