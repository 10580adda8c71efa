//! The suite that every provider must pass (feature `testing`).
//!
//! It sends requests to a [`ScimService`](crate::ScimService) over the provider and checks the sentences of the
//! [`Provider`](crate::Provider) contract, each with a check of its own.
//!
//! # Running it
//!
//! Switch the feature on for tests, and call the suite from one:
//!
//! ```toml
//! [dev-dependencies]
//! scim-core = { version = "0.1", features = ["testing"] }
//! ```
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! // In a function with `#[test]`, and with your provider.
//! Suite::new(MemoryProvider::new()).run();
//! ```
//!
//! [`Suite::run`] panics if a check fails, with the report as its message. Some checks need a few seconds, those
//! that race threads the most.
//!
//! Each check works in tenants of its own, which [`Suite::identity`] can name. A provider without tenants says so;
//! it must start empty, and is emptied after each check. A provider that needs a runtime brings it along:
//!
//! ```no_run
//! # use scim_core::{MemoryProvider as MyStore, testing::Suite};
//! # struct Runtime;
//! # impl Runtime { fn block_on<F: Future>(&self, _: F) {} }
//! # let runtime = Runtime;
//! Suite::new(MyStore::new()).single_tenant().block_on(move |future| runtime.block_on(future)).run();
//! ```
//!
//! # What it checks
//!
//! | Subject | Checks |
//! |---|---|
//! | what is stored | `kept`, `valid`, `elements`, `hostile`, `secrets` |
//! | one resource | `create`, `retrieve`, `replace`, `patch`, `atomic`, `no-op`, `delete`, `projection` |
//! | versions and unique values | `precondition`, `uniqueness`, `race`, `precondition race`, `unique race` |
//! | tenants | `tenants` |
//! | queries | `order`, `index paging`, `cursor paging`, `sort`, `filter`, `paths` |
//! | groups | `memberships`, `unknown members`, `repeated members`, `listed members`, `left-out members`, `groups`, `cascade`, `circles` |
//!
//! What the provider does not claim in its [capabilities](crate::Provider::capabilities) is not tested: those
//! checks are listed as skipped.
//!
//! # Reading a failure
//!
//! Every check runs, whatever becomes of the others, and a check that panics has failed. The report tells for each
//! failure the check, the sentence of the contract that it proves, and what was seen instead:
//!
//! ```text
//! provider suite: 29 passed, 1 failed
//! not kept by the provider: nickName
//! no-op fails: a version changes exactly when the resource does: a PATCH that changed nothing moved the version or lastModified
//! ```
//!
//! Begin with the first failure: `kept`, `valid` and `create` run first, and whatever they find wrong makes later
//! checks fail too. The failure `set-up` means that the suite itself was told something that cannot be, or that no
//! service could be built. To look into one check, run it alone and look at the report:
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! let report = Suite::new(MemoryProvider::new()).only(["no-op"]).report();
//! assert_eq!(report.passed, ["no-op"], "{report}");
//! ```
//!
//! # Over existing tables
//!
//! An application rarely has a column for all that the standard schemas name. Tell the suite what it has:
//!
//! - [`Suite::types`] takes the resource types that the application serves. The suite sends nothing that they do
//!   not allow: only the canonical values where there are no others, no text longer than its
//!   [`max_length`](scim_schema::Attribute::max_length), one element of a list that is
//!   [`keep_only_type`](scim_schema::Attribute::keep_only_type).
//! - [`Suite::references`] names attributes whose value must be the id of a resource, which the suite then creates.
//! - [`Suite::flat_groups`] is for groups that hold no groups.
//!
//! An attribute that comes back changed, or not at all, is not used and is listed in [`Report::left_out`]; only the
//! name must be kept. If a list refuses a second element, no check sends two; a list that drops it without refusing
//! the request is a failure.
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! let suite = Suite::new(MemoryProvider::new()).references("manager", "User");
//! let report = suite.only(["kept", "filter"]).report();
//! assert!(report.failed.is_empty() && report.left_out.is_empty(), "{report}");
//! ```
//!
//! # Testing a provider directly
//!
//! The suite does not know what else an application does, for instance when a user is created. Test that by calling
//! the provider without a service, with a context from [`Context::builder`](crate::Context::builder):
//!
//! ```
//! use scim_core::schema::{Projection, standard};
//! use scim_core::{Context, Identity, MemoryProvider, Provider, Resource};
//! use serde_json::json;
//!
//! # fn main() -> scim_core::Result<()> {
//! # pollster::block_on(async {
//! let store = MemoryProvider::new().hash_passwords(|password| format!("{} letters", password.len()));
//! let users = standard::user_type();
//! let request = Context::builder(&users)
//!     .identity(Identity::new("tests").in_tenant("contoso"))
//!     .secret("password", "correct horse");
//! let cx = request.context();
//!
//! let bea = store.create(&cx, Resource::try_from(json!({ "userName": "bea" }))?).await?;
//! assert_eq!(store.password_hash(Some("contoso"), bea.id()).as_deref(), Some("13 letters"));
//! let read = store.retrieve(&cx, bea.id(), &Projection::new(&users)).await?;
//! assert_eq!(read, Some(bea));
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What is public here
//!
//! Only what a test of a provider names: [`Suite`], the [`Report`] that it returns, and the [`Task`] that a runtime
//! runs. The checks are private, so that later versions can check more.

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
