//! A test suite for implementations of [`Provider`](crate::Provider) (feature `testing`).
//!
//! The suite builds a [`ScimService`](crate::ScimService) on the provider, sends requests to it and checks the
//! responses. Each check proves one rule of the contract that [`Provider`](crate::Provider) documents.
//!
//! # Running it
//!
//! Enable the feature for tests, and run the suite in one:
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
//! [`Suite::run`] panics if a check fails, with the report as its message. The checks that send requests from many
//! threads take longest, a few seconds each.
//!
//! Each check creates its resources in new tenants; [`Suite::identities`] sets the identities that select them. If the
//! provider has no tenants, call [`Suite::single_tenant`]. The store must then be empty at the start, and the suite
//! deletes all resources after each check. If the provider needs an async runtime, pass its `block_on`:
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
//! | stored values | `kept`, `valid`, `elements`, `hostile`, `secrets` |
//! | one resource | `create`, `retrieve`, `replace`, `patch`, `atomic`, `no-op`, `delete`, `projection` |
//! | versions and unique values | `precondition`, `uniqueness`, `race`, `precondition race`, `unique race` |
//! | tenants | `tenants` |
//! | queries | `order`, `index paging`, `cursor paging`, `sort`, `filter`, `paths` |
//! | groups | `memberships`, `unknown members`, `repeated members`, `listed members`, `group versions`, `groups`, `cascade`, `circles` |
//!
//! Checks of a capability that the provider does not [announce](crate::Provider::capabilities) are skipped, and the
//! report lists them.
//!
//! # Reading a failure
//!
//! All checks run, even after one has failed or panicked. For each failure the report names the check, the rule that
//! is broken, what was sent, expected and received, and a hint what to change:
//!
//! ```text
//! provider suite: 32 passed, 1 failed
//! attributes that the provider does not keep: nickName
//! no-op failed: the version changes exactly when the resource changes: sent the same PATCH twice, expected the same
//! version and `meta.lastModified` as in {"id":"7",..}, got {"id":"7",..}
//!     hint: if `AppliedUpdate::changed` is false, write nothing and return the old version
//! ```
//!
//! Start with the first failure: the checks `kept`, `valid` and `create` run first, and a fault that they find often
//! makes later checks fail too. A failure named `set-up` means that the options of the suite are invalid, or that no
//! service could be built. To debug one check, run it alone:
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
//! An application rarely has a column for every attribute of the standard schemas. Tell the suite what it supports:
//!
//! - [`Suite::resource_types`] takes the resource types that the application serves. The suite sends only values that
//!   they allow: canonical values where no others are allowed, texts up to
//!   [`max_length`](scim_schema::Attribute::max_length), and one element for a list with
//!   [`keep_only_type`](scim_schema::Attribute::keep_only_type).
//! - [`Suite::references`] names attributes whose value must be the id of an existing resource. The suite creates
//!   resources for them to refer to.
//! - [`Suite::flat_groups`] is for groups that cannot contain groups.
//!
//! If the provider does not store an attribute, or stores it changed, the checks do not use it, and
//! [`Report::not_kept`] lists it. Only the naming attribute, such as `userName`, must be stored. If the provider refuses
//! a second element of a list with 400, no check sends two. If it accepts the request but drops an element, the check
//! `elements` fails.
//!
//! ```
//! use scim_core::{MemoryProvider, testing::Suite};
//!
//! let suite = Suite::new(MemoryProvider::new()).references("manager", "User");
//! let report = suite.only(["kept", "filter"]).report();
//! assert!(report.failed.is_empty() && report.not_kept.is_empty(), "{report}");
//! ```
//!
//! # Testing a provider directly
//!
//! The suite does not test what else an application does, for example when a user is created. To test that, call the
//! provider without a service, with a context from [`Context::builder`](crate::Context::builder):
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
//! # Public items
//!
//! [`Suite`], the [`Report`] that it returns, and the [`Task`] that a runtime runs. The checks are private, so that later
//! versions can check more.

mod check;
mod checks;
mod client;
mod environment;
mod findings;
mod group_scene;
mod named_resource;
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
