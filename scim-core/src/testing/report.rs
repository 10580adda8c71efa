//! The result of a run.

use std::fmt;

/// The result of running a [`Suite`](super::Suite); its `Display` form is for people.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The checks that passed.
    pub passed: Vec<&'static str>,
    /// The checks that did not apply, since the provider does not claim the capability.
    pub skipped: Vec<&'static str>,
    /// The checks that failed: the name of each, and what was seen instead of what the contract says.
    pub failed: Vec<(&'static str, String)>,
    /// The paths of the attributes that the provider does not keep, which the checks do not use.
    pub left_out: Vec<String>,
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
