//! The suite: it is told about a provider, runs the checks and reports.

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

/// The suite, ready to be run against a provider. The documentation of the [module](crate::testing) says how.
pub struct Suite {
    options: Options,
    only: Option<Vec<String>>,
}

impl Suite {
    /// The suite for a provider that serves the standard users and groups.
    pub fn new(provider: impl Provider + 'static) -> Self {
        Self { options: Options::new(provider), only: None }
    }

    /// Sets the resource types that the provider serves. The first is the one that most checks
    /// use; it needs a required string attribute that is unique, such as `userName`.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = ResourceType>) -> Self {
        self.options.resource_types = types.into_iter().collect();
        self
    }

    /// Sets the identities that requests come with: a different tenant for each number. Each check
    /// works in tenants of its own.
    #[must_use]
    pub fn identity(mut self, identity: impl Fn(usize) -> Identity + Send + Sync + 'static) -> Self {
        self.options.identities = Box::new(identity);
        self
    }

    /// For a provider that knows no tenants: all checks work in the same one, and clean up.
    #[must_use]
    pub fn single_tenant(mut self) -> Self {
        self.options.single_tenant = true;
        self
    }

    /// For a provider whose groups hold resources of the first type and no groups: a group as a member
    /// must be refused with 400 (the check `circles`), and all groups of a member are direct ones.
    #[must_use]
    pub fn flat_groups(mut self) -> Self {
        self.options.flat_groups = true;
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
        self.options.references.push((attribute.into(), resource_type.into()));
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
        self.options.block_on = Box::new(block_on);
        self
    }

    /// Runs every check and reports.
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
        report.left_out.clone_from(&env.tested.left_out);
        let only = self.only.as_ref();
        let unknown =
            only.into_iter().flatten().filter(|name| !CHECKS.iter().any(|check| check.name == *name));
        report.failed.extend(unknown.map(|name| ("set-up", format!("there is no check `{name}`"))));
        let wanted = |check: &&Check| only.is_none_or(|only| only.iter().any(|name| name == check.name));
        for check in CHECKS.iter().filter(wanted) {
            if !check.applies(&env) {
                report.skipped.push(check.name);
                continue;
            }
            match check.run(&env) {
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

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<&str> = self.options.resource_types.iter().map(ResourceType::name).collect();
        f.debug_struct("Suite")
            .field("types", &types)
            .field("single_tenant", &self.options.single_tenant)
            .field("flat_groups", &self.options.flat_groups)
            .field("references", &self.options.references)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
