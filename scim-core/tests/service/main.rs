//! Tests of the service and of the memory provider, which send requests within this process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod absent_collections;
mod authentication;
mod auto_traits;
mod bearer_tokens;
mod client;
mod cooperation;
mod custom_type_in_memory;
mod hostile_requests;
mod limits;
mod memory_patches;
mod monitor;
#[cfg(feature = "tower")]
mod mount;
#[path = "../support/overriding.rs"]
mod overriding;
mod policies;
mod provider_ids;
mod rendering_cache;
mod scopes;
mod setup;
mod stored_json;
#[cfg(feature = "tracing")]
mod traces;
#[path = "../transcript_service/mod.rs"]
mod transcript_service;
