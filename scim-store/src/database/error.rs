//! Errors of a database.

use std::fmt;

/// An error of a database. The variants are the cases that callers treat differently.
#[derive(Debug)]
pub(crate) enum DatabaseError {
    /// The database does not answer at the moment: it is busy, out of connections, read-only or too slow.
    Unavailable(Source),
    /// The connection broke during a COMMIT, so it is unknown whether the transaction was committed.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "an embedded database has no connection to lose")
    )]
    CommitUnknown(Source),
    /// Another transaction interfered; this transaction may succeed if it is run again.
    Conflict(Source),
    /// A unique index refused a row. `constraint` is the name of the constraint in PostgreSQL, and its columns in
    /// SQLite: `table.column, table.column`.
    UniqueViolation { constraint: String, source: Source },
    /// This column, which is NOT NULL, refused NULL.
    NotNullViolation { column: String, source: Source },
    /// The database cannot store a value: it is too long, or contains a character that cannot be stored.
    InvalidValue(Source),
    /// Any other error: a bug, or a damaged database.
    Unexpected(Source),
}

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

impl DatabaseError {
    /// Another transaction changed a row that this one has read.
    pub(crate) fn changed_meanwhile() -> Self {
        Self::Conflict("another transaction has changed the row since it was read".into())
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

/// Writes the error and its causes, separated by colons.
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
