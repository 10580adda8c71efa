//! Errors of a database.

use std::fmt;

/// An error of a database. The variants are the cases that a store treats differently.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The database does not answer at the moment: it is busy, out of connections, read-only or too slow.
    Unavailable(Source),
    /// The connection broke during a COMMIT, so it is unknown whether the transaction was committed.
    CommitUnknown(Source),
    /// Another transaction interfered; this transaction may succeed if it is run again.
    Conflict(Source),
    /// A unique index refused a row. `constraint` is the name of the constraint in PostgreSQL, and its columns in
    /// SQLite: `table.column, table.column`.
    UniqueViolation {
        /// The name of the constraint, or its columns.
        constraint: String,
        /// The error of the driver.
        source: Source,
    },
    /// A column that is NOT NULL refused NULL.
    NotNullViolation {
        /// The name of the column.
        column: String,
        /// The error of the driver.
        source: Source,
    },
    /// A foreign key refused a change: the row is referred to, or refers to a row that does not exist.
    ForeignKeyViolation {
        /// The name of the constraint; empty in SQLite, which does not tell it.
        constraint: String,
        /// The error of the driver.
        source: Source,
    },
    /// The database cannot store a value: it is too long, or contains a character that cannot be stored.
    InvalidValue(Source),
    /// Any other error: a bug, or a damaged database.
    Unexpected(Source),
}

/// The error of a driver.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

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
            | Self::ForeignKeyViolation { source, .. }
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

impl std::error::Error for DatabaseError {}
