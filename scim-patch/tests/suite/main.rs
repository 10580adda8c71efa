//! Tests of PATCH: the cases of `testdata/patch`, and properties of random patches.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod auto_traits;
mod cases;
mod delta;
mod diff;
mod hostile;
mod kept_types;
mod properties;
mod support;
