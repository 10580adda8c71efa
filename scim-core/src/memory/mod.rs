//! A provider that keeps everything in memory.
//!
//! `table`, `members` and `tenant` hold the data. `create`, `retrieve`, `update`, `delete` and `query` implement one
//! method of [`Provider`](crate::Provider) each, for a single tenant. `provider` adds the locks and the public type.

mod candidates;
mod create;
mod delete;
mod members;
mod membership;
mod provider;
mod query;
mod references;
mod retrieve;
mod rules;
mod table;
mod tenant;
mod update;
mod working_copy;

pub use provider::MemoryProvider;
