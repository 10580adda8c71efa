//! Services over the memory provider, asked in process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod auto_traits;
mod client;
mod cooperation;
mod custom_type_in_memory;
/// The services that transcripts ask for.
#[path = "../host/mod.rs"]
mod host;
mod hostile_requests;
mod limits;
mod memory_patches;
mod monitor;
mod policies;
mod rendering_cache;
mod setup;
#[cfg(feature = "tracing")]
mod traces;
