#![doc = include_str!("../README.md")]

mod client;
mod discovery;
mod retry;
mod unanswered;

pub use client::{Client, InvalidEndpoint};
pub use discovery::Discovery;
pub use retry::Retry;
pub use unanswered::Unanswered;
