//! A check: the rule that it proves, when it applies and how it runs.

use std::future::Future;
use std::pin::Pin;

use super::environment::Environment;
use super::verdict::Verdict;

/// A check of one rule of the contract.
pub(super) struct Check {
    pub(super) name: &'static str,
    /// The rule that the check proves, as a sentence.
    pub(super) rule: &'static str,
    /// What to change in a provider that breaks the rule.
    pub(super) hint: &'static str,
    pub(super) requirement: Requirement,
    pub(super) run: Run,
}

/// What a provider must announce, or its types must have, for a check to apply.
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

/// The function of a check.
pub(super) enum Run {
    /// Runs as a future.
    Task(for<'a> fn(&'a Environment) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>),
    /// Starts threads that run futures, so it must not run inside of a future itself.
    Threads(fn(&Environment) -> Verdict),
}

impl Check {
    /// Whether the check applies to the provider.
    pub(super) fn applies(&self, env: &Environment) -> bool {
        self.requirement.is_met(env)
    }

    /// The text of the report for a failure.
    pub(super) fn explain(&self, reason: &str) -> String {
        format!("{}: {reason}\n    hint: {}", self.rule, self.hint)
    }

    /// Runs the check. A panic is a failure.
    pub(super) fn run(&self, env: &Environment) -> Verdict {
        env.run_guarded(|| match self.run {
            Run::Task(run) => {
                let mut verdict =
                    Err("the function of `Suite::block_on` returned before the future was done".to_owned());
                (env.block_on)(Box::pin(async { verdict = run(env).await }));
                verdict
            }
            Run::Threads(run) => run(env),
        })
    }
}
