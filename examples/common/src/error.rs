//! Settings that a host cannot use.

use std::fmt;

/// Settings that a host cannot use; it ends with exit code 2.
#[derive(Debug)]
pub struct InvalidSettings(String);

impl InvalidSettings {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSettings {}
