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

mod bench;
mod checks;
mod client;
mod lifecycle;
mod paths;
mod queries;
mod race;
mod random;
mod reference;
mod relations;
mod report;
mod setup;
mod shape;
mod shown;
mod unknown;
mod values;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Wake, Waker};
use std::thread::Thread;

use scim_schema::{ResourceType, standard};

pub use report::Report;

use crate::{Identity, Provider};
use bench::Bench;
use checks::{CHECKS, Check};

/// A future that a runtime runs to its end in place.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

type BlockOn = dyn for<'a> Fn(Task<'a>) + Send + Sync;
type Identities = dyn Fn(usize) -> Identity + Send + Sync;

/// What a check does: nothing to say, or what is wrong.
type Verdict = std::result::Result<(), String>;

/// The base URL that the suite uses.
const BASE: &str = "https://suite.example.com/scim/v2";

/// The suite, ready to be run against a provider.
pub struct Suite {
    provider: Arc<dyn Provider>,
    types: Vec<ResourceType>,
    identities: Box<Identities>,
    single_tenant: bool,
    flat_groups: bool,
    /// Attributes of the first type, and the names of the types that they refer to.
    references: Vec<(String, String)>,
    only: Option<Vec<String>>,
    block_on: Box<BlockOn>,
}

impl Suite {
    /// The suite for a provider that serves the standard users and groups.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            types: vec![standard::user_type(), standard::group_type()],
            identities: Box::new(|n| Identity::new("suite").in_tenant(format!("suite-{n}"))),
            single_tenant: false,
            flat_groups: false,
            references: Vec::new(),
            only: None,
            block_on: Box::new(block_on),
        }
    }

    /// Sets the resource types that the provider serves. The first is the one that most checks
    /// use; it needs a required string attribute that is unique, such as `userName`.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = ResourceType>) -> Self {
        self.types = types.into_iter().collect();
        self
    }

    /// Sets the identities that requests come with: a different tenant for each number. Each check
    /// works in tenants of its own.
    #[must_use]
    pub fn identity(mut self, identity: impl Fn(usize) -> Identity + Send + Sync + 'static) -> Self {
        self.identities = Box::new(identity);
        self
    }

    /// For a provider that knows no tenants: all checks work in the same one, and clean up.
    #[must_use]
    pub fn single_tenant(mut self) -> Self {
        self.single_tenant = true;
        self
    }

    /// For a provider whose groups hold resources of the first type and no groups: a group as a member
    /// must be refused with 400 (the check `circles`), and all groups of a member are direct ones.
    #[must_use]
    pub fn flat_groups(mut self) -> Self {
        self.flat_groups = true;
        self
    }

    /// Says that an attribute of the first type must be the id of an existing resource of a type. It
    /// then gets the ids of resources that the suite has created, and never a random word.
    ///
    /// The attribute is named by its path, or without the URI of its extension if no other has that
    /// name: `references("manager", "User")`. It holds the id itself, or in its `value`, and must not be
    /// required.
    #[must_use]
    pub fn references(mut self, attribute: impl Into<String>, resource_type: impl Into<String>) -> Self {
        self.references.push((attribute.into(), resource_type.into()));
        self
    }

    /// Runs only the checks of these names, as the report gives them; for looking into one.
    #[must_use]
    pub fn only<T: Into<String>>(mut self, checks: impl IntoIterator<Item = T>) -> Self {
        self.only = Some(checks.into_iter().map(Into::into).collect());
        self
    }

    /// Sets how futures are run, for providers that need a runtime.
    #[must_use]
    pub fn block_on(mut self, block_on: impl for<'a> Fn(Task<'a>) + Send + Sync + 'static) -> Self {
        self.block_on = Box::new(block_on);
        self
    }

    /// Runs every check and reports.
    pub fn report(mut self) -> Report {
        let only = self.only.take();
        let mut report = Report::default();
        let bench = match Bench::new(self) {
            Ok(bench) => bench,
            Err(reason) => {
                report.failed.push(("set-up", reason));
                return report;
            }
        };
        report.failed.extend(bench.misled.iter().map(|reason| ("set-up", reason.clone())));
        report.left_out.clone_from(&bench.shape.left_out);
        let wanted =
            |check: &&Check| only.as_ref().is_none_or(|only| only.iter().any(|name| name == check.name));
        for check in CHECKS.iter().filter(wanted) {
            if !bench.applies(check.name) {
                report.skipped.push(check.name);
                continue;
            }
            match bench.run(check) {
                Ok(()) => report.passed.push(check.name),
                Err(reason) => report.failed.push((check.name, format!("{}: {reason}", check.sentence))),
            }
        }
        report
    }

    /// Runs every check, as a test.
    ///
    /// # Panics
    ///
    /// If any of them fails, with what is wrong.
    pub fn run(self) {
        let report = self.report();
        println!("{report}");
        #[expect(clippy::panic, reason = "that is how a test fails")]
        if !report.failed.is_empty() {
            panic!("the provider does not keep its contract:\n{report}");
        }
    }
}

/// Runs a future on this thread, for providers that need no runtime.
fn block_on(mut task: Task<'_>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = TaskContext::from_waker(&waker);
    while task.as_mut().poll(&mut cx).is_pending() {
        std::thread::park();
    }
}
