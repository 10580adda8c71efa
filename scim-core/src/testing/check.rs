//! One check: what it proves, when it applies and how it is run.

use std::future::Future;
use std::pin::Pin;

use super::environment::Environment;
use super::verdict::Verdict;

/// A check: its name, the sentence of the contract that it proves, and how.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    pub(super) requirement: Requirement,
    pub(super) run: Run,
}

/// What a provider must claim for a check to apply.
#[derive(Clone, Copy)]
pub(super) enum Requirement {
    Nothing,
    Filter,
    Sort,
    FilterOrSort,
    Cursor,
    Tenants,
    /// The tested type has a `writeOnly` attribute.
    Secret,
    Memberships,
}

impl Requirement {
    fn is_met(self, env: &Environment) -> bool {
        match self {
            Self::Nothing => true,
            Self::Filter => env.capabilities.filter(),
            Self::Sort => env.capabilities.sort(),
            Self::FilterOrSort => env.capabilities.filter() || env.capabilities.sort(),
            Self::Cursor => env.capabilities.cursor(),
            Self::Tenants => !env.single_tenant,
            Self::Secret => env.tested.secret.is_some(),
            Self::Memberships => env.capabilities.memberships() && env.membership().is_some(),
        }
    }
}

/// How a check is run.
pub(super) enum Run {
    /// As a future.
    Task(for<'a> fn(&'a Environment) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>),
    /// It starts threads, and so cannot run inside of a future.
    Threads(fn(&Environment) -> Verdict),
}

impl Check {
    /// Whether the provider claims what the check is about.
    pub(super) fn applies(&self, env: &Environment) -> bool {
        self.requirement.is_met(env)
    }

    /// Runs the check; a panic is a failure.
    pub(super) fn run(&self, env: &Environment) -> Verdict {
        env.guarded(|| match self.run {
            Run::Task(run) => {
                let mut verdict = Err("it was not run to its end".to_owned());
                (env.block_on)(Box::pin(async { verdict = run(env).await }));
                verdict
            }
            Run::Threads(run) => run(env),
        })
    }
}
