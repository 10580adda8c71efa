#![doc = include_str!("../README.md")]

mod bulk;
mod client;
mod discovery;
mod pages;
mod refused;
mod retry;
mod unanswered;

pub use bulk::{BulkLimits, BulkRequest, BulkResult};
pub use client::{Client, InvalidEndpoint};
pub use discovery::Discovery;
pub use pages::{ListQuery, Page, Pages};
pub use refused::{Refused, RequestError};
pub use retry::Retry;
pub use unanswered::Unanswered;
