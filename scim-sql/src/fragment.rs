//! What comes out: SQL with the values to bind, and how costly it is.

use std::fmt;

use crate::Bind;

/// A piece of SQL that stands by itself: in parentheses, with the values of its parameters.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Fragment {
    /// The SQL. It holds parameters only, never a value that a client sent.
    pub sql: String,
    /// The values of its parameters, in the order of their numbers.
    pub binds: Vec<Bind>,
    /// Whether the database finds the rows by an index.
    pub cost: Cost,
}

/// How a database finds the rows that fulfil a condition, going by what the mapping declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cost {
    /// By an index.
    Indexed,
    /// By looking at all of them. A host may refuse that with 400 `tooMany`.
    Scan,
}

impl Cost {
    pub(crate) fn from_indexed(indexed: bool) -> Self {
        if indexed { Self::Indexed } else { Self::Scan }
    }
}

/// Why a query cannot be written as SQL. To a client it is 400 `invalidFilter`, or `invalidValue` if it is
/// about `sortBy` (RFC 7644 table 9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The mapping lacks this attribute.
    Unmapped(String),
    /// It needs more parameters, or more parts of a union, than the database takes.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped(path) => write!(f, "`{path}` cannot be searched or sorted by"),
            Self::TooLong => f.write_str("the filter has too many terms"),
        }
    }
}

impl std::error::Error for Error {}
