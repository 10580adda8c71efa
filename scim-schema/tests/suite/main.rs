//! Tests of the crate. Most run the cases in `testdata/schema/`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod auto_traits;
mod compare;
mod normalize;
mod projection;
mod resolve;
mod schemas;
mod support;
mod typed;
mod validate;
mod values;
