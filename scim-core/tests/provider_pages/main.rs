//! Checks the pages in `docs/`, one for each identity provider: that their tables of deviations are what the transcripts of
//! the provider contain, that their tables of attributes are those of `scim-console/src/providers.json`, and that what they name exists.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod mappings;
mod names;
mod page;
mod quirks;
#[expect(dead_code, reason = "the services of these tests have a monitor and a tolerance of their own")]
#[path = "../transcript_service/mod.rs"]
mod transcript_service;
