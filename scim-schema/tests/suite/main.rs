//! The rules of the crate as cases in `testdata/schema/`, and as properties of random data.
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
