//! Tests of the log under load and of the pages, through the public interface.

#![expect(clippy::unwrap_used, reason = "a test fails that way")]

mod pages;
mod queue;
mod unreliable;
