//! The error for a database that cannot be opened.

use std::fmt;

use super::error::DatabaseError;

/// The reason why a database could not be opened. The text contains no password.
pub struct OpenError(String);

impl OpenError {
    pub(super) fn unknown_scheme(scheme: &str) -> Self {
        Self(match scheme {
            "sqlite" => {
                "enable the feature `sqlite` of scim-store, and write a file after `sqlite:`".to_owned()
            }
            "postgres" | "postgresql" => "enable the feature `postgres` of scim-store".to_owned(),
            _ => format!("a database URL must begin with `sqlite:` or `postgres:`, not `{scheme}:`"),
        })
    }

    pub(crate) fn earlier_version() -> Self {
        Self(
            "the tables are of an earlier version; open the database once with `Store::open`, which upgrades them"
                .to_owned(),
        )
    }

    pub(super) fn no_scheme() -> Self {
        Self(
            "a database URL must begin with `sqlite:` or `postgres:`; for a file, write `sqlite:app.db`"
                .to_owned(),
        )
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

/// As [`Display`](fmt::Display), which a `main` that returns the error prints.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for OpenError {}
