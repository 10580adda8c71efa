//! Runs against a directory and an endpoint in memory. The cases are in `testdata/sync`.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails that way")]

mod faults;
mod group_events;
mod pages;
mod photos;
mod properties;
mod scenarios;
mod settings;
mod support;
