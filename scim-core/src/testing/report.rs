//! The report of a suite.

use std::fmt;

/// The result of running a [`Suite`](super::Suite). Its `Display` form is meant for the output of a test.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that were skipped because the provider does not announce the capability.
    pub skipped: Vec<&'static str>,
    /// The checks that failed: the name of each, and the reason.
    pub failed: Vec<(&'static str, String)>,
    /// The paths of the attributes that the provider does not store as they were sent. The checks do not use them.
    pub not_kept: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "provider suite: {} passed, {} failed", self.passed.len(), self.failed.len())?;
        if !self.skipped.is_empty() {
            writeln!(
                f,
                "skipped, since the provider does not announce the capability: {}",
                self.skipped.join(", ")
            )?;
        }
        if !self.not_kept.is_empty() {
            writeln!(f, "attributes that the provider does not keep: {}", self.not_kept.join(", "))?;
        }
        for (name, reason) in &self.failed {
            writeln!(f, "{name} failed: {reason}")?;
        }
        Ok(())
    }
}
