//! The suite that every provider must pass (feature `testing`).
//!
//! It drives the provider through a [`ScimService`](crate::ScimService), as requests do, and checks
//! each sentence of the [`Provider`] contract; what the provider does not claim in its
//! [capabilities](Provider::capabilities) is neither announced nor tested.
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! Suite::new(MemoryProvider::new()).run();
//! ```
//!
//! A provider that needs a runtime brings it along, and one that knows no tenants says so:
//!
//! ```no_run
//! # use scim_core::{MemoryProvider as MyStore, testing::Suite};
//! # struct Runtime;
//! # impl Runtime { fn block_on<F: Future>(&self, _: F) {} }
//! # let runtime = Runtime;
//! Suite::new(MyStore::new()).single_tenant().block_on(move |future| runtime.block_on(future)).run();
//! ```
//!
//! # Over tables that are there already
//!
//! An application rarely has a place for all that the standard schemas name. It says what it has, and
//! the suite goes by that:
//!
//! - [`Suite::types`] takes the resource types that the application serves. The suite sends nothing
//!   that they do not allow: only the canonical values where there are no others, no text longer than
//!   its [`max_length`](scim_schema::Attribute::max_length), one element of a list that is
//!   [`single`](scim_schema::Attribute::single).
//! - An attribute that comes back changed, or not at all, is not used and is listed in
//!   [`Report::left_out`]; only the name must be kept. Of a list that refuses a second element no
//!   second one is asked for; one that drops it without a word is a failure.
//! - [`Suite::references`] names attributes whose value must be the id of a resource, which the suite
//!   then creates.
//! - [`Suite::flat_groups`] is for groups that hold no groups.
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! let suite = Suite::new(MemoryProvider::new()).references("manager", "User");
//! let report = suite.only(["kept", "filter"]).report();
//! assert!(report.failed.is_empty() && report.left_out.is_empty(), "{report}");
//! ```
//!
//! Every check runs, whatever becomes of the others, and one that panics has failed.
//!
//! What the suite does not know, such as what else an application does when a user is created, a
//! test of its own finds out: it calls the provider with a context from
//! [`Context::builder`](crate::Context::builder), without a service.

mod check;
mod checks;
mod client;
mod environment;
mod findings;
mod group_scene;
mod options;
mod probe;
mod query_model;
mod random;
mod random_filter;
mod reference_ids;
mod report;
mod runtime;
mod sample_resources;
mod suite;
mod tested_type;
mod values;
mod verdict;

pub use report::Report;
pub use runtime::Task;
pub use suite::Suite;
