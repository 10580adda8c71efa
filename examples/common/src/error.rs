//! The error for invalid settings.

use std::fmt;

/// A setting is invalid. A host that gets this error prints it and exits with code 2.
#[derive(Debug)]
pub struct InvalidSettings(String);

impl InvalidSettings {
    /// The error for a reason, which names the variable.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSettings {}
