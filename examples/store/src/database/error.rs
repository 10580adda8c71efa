//! How a database can fail, whatever its tables hold.

use std::fmt;

/// How a database can fail, as far as callers treat the failures differently.
#[derive(Debug)]
pub(crate) enum DatabaseError {
    /// The database does not answer now: it is busy, out of connections, read-only or too slow.
    Unavailable(Source),
    /// The connection broke during a COMMIT, so it is unknown whether the transaction happened.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "an embedded database has no connection to lose")
    )]
    CommitUnknown(Source),
    /// Another transaction got in the way; the same transaction may succeed if it is run again.
    Conflict(Source),
    /// A unique index refused a row. PostgreSQL names the constraint, SQLite its columns:
    /// `table.column, table.column`.
    UniqueViolation { constraint: String, source: Source },
    /// This column refused NULL.
    NotNullViolation { column: String, source: Source },
    /// The database cannot hold a value: it is too long, or has a character that cannot be stored.
    InvalidValue(Source),
    /// Anything else, which is a bug or a broken database.
    Unexpected(Source),
}

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

impl DatabaseError {
    /// Another transaction changed what this one has read.
    pub(crate) fn changed_meanwhile() -> Self {
        Self::Conflict("what was read has changed meanwhile".into())
    }

    pub(crate) fn unexpected(reason: &str) -> Self {
        Self::Unexpected(reason.into())
    }

    fn source(&self) -> &Source {
        match self {
            Self::Unavailable(source)
            | Self::CommitUnknown(source)
            | Self::Conflict(source)
            | Self::UniqueViolation { source, .. }
            | Self::NotNullViolation { source, .. }
            | Self::InvalidValue(source)
            | Self::Unexpected(source) => source,
        }
    }
}

/// The error itself and its causes, separated by colons.
impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source())?;
        let mut cause = self.source().source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Why a database could not be opened. Its text holds no passwords.
#[derive(Debug)]
pub struct OpenError(String);

impl OpenError {
    pub(super) fn unknown_scheme(scheme: &str) -> Self {
        Self(format!("`{scheme}:` is not a database that this store is built for"))
    }

    pub(super) fn no_scheme() -> Self {
        Self("a database URL begins with `sqlite:` or `postgres:`".to_owned())
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
