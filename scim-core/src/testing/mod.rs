//! The suite that every provider must pass (feature `testing`).
//!
//! It drives the provider through a [`ScimService`], as requests do, and checks each sentence of the
//! [`Provider`] contract; what the provider does not claim in its
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

mod client;
mod lifecycle;
mod paths;
mod queries;
mod race;
mod random;
mod reference;
mod relations;
mod shape;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};
use std::thread::Thread;

use scim_schema::{ResourceType, standard};

use crate::{Capabilities, Identity, Provider, ScimService};
use client::Client;
use shape::Shape;

/// A future that a runtime runs to its end in place.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

type BlockOn = dyn for<'a> Fn(Task<'a>) + Send + Sync;
type Identities = dyn Fn(usize) -> Identity + Send + Sync;

/// What a check does: nothing to say, or what is wrong.
type Verdict = std::result::Result<(), String>;

/// The base URL that the suite uses.
const BASE: &str = "https://suite.example.com/scim/v2";

/// A check: its name, the sentence of the contract that it proves, and how.
struct Check {
    name: &'static str,
    sentence: &'static str,
    run: Run,
}

enum Run {
    Task(for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>),
    Threads(fn(&Bench) -> Verdict),
}

/// Lists the checks, in the order in which they run.
macro_rules! checks {
    ($($name:literal, $sentence:literal, $function:path;)+ threads: $($race:literal, $claim:literal, $many:path;)+) => {
        const CHECKS: &[Check] = &[
            $(Check { name: $name, sentence: $sentence, run: Run::Task(|bench| Box::pin($function(bench))) },)+
            $(Check { name: $race, sentence: $claim, run: Run::Threads($many) },)+
        ];
    };
}

checks! {
    "create", "a created resource is stored as it was sent, with an id, times and a version", lifecycle::create;
    "retrieve", "a resource that does not exist is none, whatever the id", lifecycle::retrieve;
    "replace", "PUT replaces what it names and clears the rest", lifecycle::replace;
    "patch", "PATCH changes what it names and keeps the rest", lifecycle::patch;
    "atomic", "an update that fails changes nothing", lifecycle::atomic;
    "no-op", "a version changes exactly when the resource does", lifecycle::no_op;
    "precondition", "an update or a deletion that expects another version is refused", lifecycle::precondition;
    "uniqueness", "a value that must be unique is refused, in any case, on create and on update", lifecycle::uniqueness;
    "delete", "a deleted resource is gone, its name is free, and its id is never used again", lifecycle::delete;
    "projection", "what is asked for is returned whole, whatever else is left out", lifecycle::projection;
    "secrets", "a writeOnly value is never returned, and writing one changes the version", lifecycle::secrets;
    "hostile", "hostile values are stored as they are or refused, and never fail the store", lifecycle::hostile;
    "tenants", "whatever belongs to another tenant does not exist", lifecycle::tenants;
    "order", "the order of resources is the same in every query", queries::order;
    "index paging", "pages by index show each resource once, and the total is exact", queries::index_paging;
    "cursor paging", "pages by position show each resource once, also when others come and go", queries::cursor_paging;
    "sort", "sorted queries are in order, those without a value last", queries::sort;
    "filter", "a filter finds exactly what it describes", queries::filter;
    "paths", "whatever is searched or sorted by, the answer is right or a refusal", paths::paths;
    "memberships", "members are kept by value, added and removed one by one", relations::members;
    "unknown members", "a member that does not exist is refused, and nothing changes", relations::unknown;
    "groups", "a member's groups are filled from memberships, direct and indirect", relations::groups;
    "cascade", "deleting a member takes it out of its groups and moves their versions", relations::cascade;
    "circles", "a group is never a member of itself", relations::circles;
    threads:
    "race", "no update is lost, however many come at once", race::updates;
    "unique race", "of many who want the same unique value at once, one gets it", race::uniqueness;
}

/// The suite, ready to be run against a provider.
pub struct Suite {
    provider: Arc<dyn Provider>,
    types: Vec<ResourceType>,
    identities: Box<Identities>,
    single_tenant: bool,
    only: Option<Vec<String>>,
    block_on: Box<BlockOn>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// The checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that did not apply, since the provider does not claim the capability.
    pub skipped: Vec<&'static str>,
    /// The checks that failed, with what is wrong.
    pub failed: Vec<(&'static str, String)>,
    /// Attributes that the provider does not keep, which the random resources go without.
    pub left_out: Vec<String>,
}

impl Suite {
    /// The suite for a provider that serves the standard users and groups.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            types: vec![standard::user_type(), standard::group_type()],
            identities: Box::new(|n| Identity::new("suite").in_tenant(format!("suite-{n}"))),
            single_tenant: false,
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
        let bench = match Bench::new(self) {
            Ok(bench) => bench,
            Err(reason) => {
                let failed = vec![("suite", reason)];
                return Report { passed: Vec::new(), skipped: Vec::new(), failed, left_out: Vec::new() };
            }
        };
        let mut report =
            Report { passed: Vec::new(), skipped: Vec::new(), failed: Vec::new(), left_out: Vec::new() };
        report.left_out.clone_from(&bench.shape.left_out);
        let wanted =
            |check: &&Check| only.as_ref().is_none_or(|only| only.iter().any(|name| name == check.name));
        for check in CHECKS.iter().filter(wanted) {
            if !bench.applies(check.name) {
                report.skipped.push(check.name);
                continue;
            }
            let mut verdict = Ok(());
            match check.run {
                Run::Task(run) => (bench.block_on)(Box::pin(async { verdict = run(&bench).await })),
                Run::Threads(run) => verdict = run(&bench),
            }
            (bench.block_on)(Box::pin(bench.clean_up()));
            match verdict {
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "provider suite: {} passed, {} failed", self.passed.len(), self.failed.len())?;
        if !self.skipped.is_empty() {
            writeln!(f, "not claimed and not tested: {}", self.skipped.join(", "))?;
        }
        if !self.left_out.is_empty() {
            writeln!(f, "not kept by the provider: {}", self.left_out.join(", "))?;
        }
        for (name, reason) in &self.failed {
            writeln!(f, "{name} fails: {reason}")?;
        }
        Ok(())
    }
}

/// What the checks work with.
struct Bench {
    service: ScimService,
    types: Vec<ResourceType>,
    capabilities: Capabilities,
    shape: Shape,
    identities: Box<Identities>,
    single_tenant: bool,
    block_on: Box<BlockOn>,
    tenants: AtomicUsize,
}

impl Bench {
    fn new(suite: Suite) -> std::result::Result<Self, String> {
        let mut builder = ScimService::builder().base_url(BASE).page_size(1_000, 1_000).max_payload(64 << 20);
        for resource_type in &suite.types {
            builder = builder.resource(resource_type.clone(), suite.provider.clone());
        }
        let service = builder.build().map_err(|error| error.to_string())?;
        let capabilities = service.capabilities();
        let first = suite.types.first().ok_or("there is no resource type")?;
        let shape = Shape::of(first).ok_or("the first resource type has no required string attribute")?;
        let mut bench = Self {
            service,
            types: suite.types,
            capabilities,
            shape,
            identities: suite.identities,
            single_tenant: suite.single_tenant,
            block_on: suite.block_on,
            tenants: AtomicUsize::new(0),
        };
        let mut left_out = Err(String::new());
        (bench.block_on)(Box::pin(async {
            left_out = bench.shape.not_kept(&bench.client()).await;
            bench.clean_up().await;
        }));
        bench.shape.leave_out(left_out?);
        let needed = ["userName", "active", "emails"];
        match bench.shape.left_out.iter().find(|path| needed.contains(&path.as_str())) {
            Some(path) => {
                Err(format!("the provider does not keep `{path}`, which every identity provider sends"))
            }
            None => Ok(bench),
        }
    }

    /// A client in a tenant of its own.
    fn client(&self) -> Client<'_> {
        let number = if self.single_tenant { 0 } else { self.tenants.fetch_add(1, Ordering::Relaxed) };
        self.client_in(number)
    }

    fn client_in(&self, tenant: usize) -> Client<'_> {
        Client::new(&self.service, (self.identities)(tenant), &self.types)
    }

    /// Whether the provider claims what a check is about.
    fn applies(&self, check: &str) -> bool {
        let relations = self.capabilities.memberships() && self.relation().is_some();
        match check {
            "filter" => self.capabilities.filter(),
            "sort" => self.capabilities.sort(),
            "paths" => self.capabilities.filter() || self.capabilities.sort(),
            "cursor paging" => self.capabilities.cursor(),
            "tenants" => !self.single_tenant,
            "secrets" => self.shape.secret.is_some(),
            "memberships" | "unknown members" | "groups" | "cascade" | "circles" => relations,
            _ => true,
        }
    }

    async fn clean_up(&self) {
        if self.single_tenant {
            self.client_in(0).delete_everything().await;
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
