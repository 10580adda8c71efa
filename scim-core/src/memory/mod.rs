//! A provider that keeps everything in memory.
//!
//! The data is at the bottom (`table`, `members`, `tenant`); on it work the operations, one file for each method
//! of a provider; `provider` holds the locks and is what users see.

mod create;
mod delete;
mod members;
mod membership;
mod provider;
mod query;
mod references;
mod related_attributes;
mod retrieve;
mod rules;
mod table;
mod tenant;
mod update;
mod working_copy;

pub use provider::MemoryProvider;
