//! The suite: it takes the options, runs the checks and reports.

use std::fmt;

use scim_schema::ResourceType;

use super::check::Check;
use super::checks::CHECKS;
use super::environment::Environment;
use super::options::Options;
use super::probe::probe;
use super::report::Report;
use super::runtime::Task;
use crate::{Identity, Provider};

/// A test suite for a provider. The documentation of the [module](crate::testing) explains its use.
#[must_use = "a suite does nothing until `run` or `report` is called"]
pub struct Suite {
    options: Options,
    only: Option<Vec<String>>,
}

impl Suite {
    /// Creates a suite for a provider that serves the standard users and groups.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self { options: Options::new(provider), only: None }
    }

    /// Sets the resource types that the provider serves. Most checks use the first one; it must have a required string
    /// attribute, such as `userName`.
    pub fn resource_types(mut self, resource_types: impl IntoIterator<Item = ResourceType>) -> Self {
        self.options.resource_types = resource_types.into_iter().collect();
        self
    }

    /// Sets the function that makes the identities of requests. It must return an identity of a different tenant for each
    /// number. By default the tenants are named `suite-0`, `suite-1` and so on.
    pub fn identities(mut self, identities: impl Fn(usize) -> Identity + Send + Sync + 'static) -> Self {
        self.options.identities = Box::new(identities);
        self
    }

    /// For a provider without tenants: all checks use the same identity, and all resources are deleted after each check.
    pub fn single_tenant(mut self) -> Self {
        self.options.single_tenant = true;
        self
    }

    /// For a provider whose groups can contain resources of the first type, but no groups. The check `circles` then
    /// expects that a group as a member is refused with 400, and the check `groups` expects only direct groups.
    pub fn flat_groups(mut self) -> Self {
        self.options.flat_groups = true;
        self
    }

    /// For a provider that compares texts without regard to case by a function of its database, such as `lower()`, which is
    /// exact for ASCII only. The checks of filters, sorting and uniqueness then send ASCII texts only; the check `hostile`
    /// still stores all others.
    pub fn ascii_texts(mut self) -> Self {
        self.options.ascii_texts = true;
        self
    }

    /// Declares that the value of an attribute of the first type must be the id of an existing resource of the named type.
    /// The suite then creates resources of that type and sends their ids instead of random words.
    ///
    /// `attribute` is the path of the attribute. The URI of an extension can be omitted if no other attribute has the
    /// same name: `references("manager", "User")`. The id is the value of the attribute itself, or of its
    /// sub-attribute `value`. The attribute must not be required.
    pub fn references(mut self, attribute: impl Into<String>, resource_type: impl Into<String>) -> Self {
        self.options.references.push((attribute.into(), resource_type.into()));
        self
    }

    /// Runs only the checks with these names, which are those in the report.
    pub fn only<T: Into<String>>(mut self, checks: impl IntoIterator<Item = T>) -> Self {
        self.only = Some(checks.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the function that runs futures to their end, for providers that need an async runtime. It is called from
    /// several threads at the same time.
    pub fn block_on(mut self, block_on: impl for<'a> Fn(Task<'a>) + Send + Sync + 'static) -> Self {
        self.options.block_on = Box::new(block_on);
        self
    }

    /// Runs the checks and returns the report. It never panics.
    pub fn report(self) -> Report {
        let mut report = Report::default();
        let mut env = match Environment::new(self.options) {
            Ok(env) => env,
            Err(reason) => {
                report.failed.push(("set-up", reason));
                return report;
            }
        };
        let findings = probe(&env);
        env.learn(findings);
        report.failed.extend(env.option_errors.iter().map(|reason| ("set-up", reason.clone())));
        report.not_kept.clone_from(&env.tested.not_kept);
        let only = self.only.as_ref();
        let unknown_names =
            only.into_iter().flatten().filter(|name| !CHECKS.iter().any(|check| check.name == *name));
        report.failed.extend(unknown_names.map(|name| ("set-up", format!("there is no check `{name}`"))));
        let is_selected = |check: &&Check| only.is_none_or(|only| only.iter().any(|name| name == check.name));
        for check in CHECKS.iter().filter(is_selected) {
            if !check.applies(&env) {
                report.skipped.push(check.name);
                continue;
            }
            match check.run(&env) {
                Ok(()) => report.passed.push(check.name),
                Err(reason) => report.failed.push((check.name, check.explain(&reason))),
            }
        }
        report
    }

    /// Runs the checks and prints the report.
    ///
    /// # Panics
    ///
    /// If a check fails, with the report as the message.
    pub fn run(self) {
        let report = self.report();
        println!("{report}");
        #[expect(clippy::panic, reason = "a test fails by panicking")]
        if !report.failed.is_empty() {
            panic!("the provider breaks the contract of `Provider`:\n{report}");
        }
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource_types: Vec<&str> = self.options.resource_types.iter().map(ResourceType::name).collect();
        f.debug_struct("Suite")
            .field("resource_types", &resource_types)
            .field("single_tenant", &self.options.single_tenant)
            .field("flat_groups", &self.options.flat_groups)
            .field("ascii_texts", &self.options.ascii_texts)
            .field("references", &self.options.references)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
