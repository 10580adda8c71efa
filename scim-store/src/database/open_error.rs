//! The error for a database that cannot be opened.

use std::fmt;

use super::error::DatabaseError;

/// The reason why a database could not be opened. The text contains no password.
#[derive(Debug)]
pub struct OpenError(String);

impl OpenError {
    pub(super) fn unknown_scheme(scheme: &str) -> Self {
        Self(format!("this program does not support databases with `{scheme}:` URLs"))
    }

    pub(super) fn no_scheme() -> Self {
        Self("a database URL must begin with `sqlite:` or `postgres:`".to_owned())
    }
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        Self(format!("the database cannot be opened: {error}"))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}
