//! The result of a translation: SQL, the values of its parameters, and its cost.

use std::fmt;

use crate::BindValue;

/// A condition in SQL, in parentheses, with the values of its parameters.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Fragment {
    /// The SQL. It contains placeholders, never a value that a client sent.
    pub sql: String,
    /// The values of the parameters, in the order of their numbers.
    pub bind_values: Vec<BindValue>,
    /// Whether an index serves the condition.
    pub cost: Cost,
}

/// How a database finds the rows for which a condition holds, according to the indexes that the mapping declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cost {
    /// By an index.
    Indexed,
    /// By reading all rows. A host may refuse such a filter with 400 `tooMany`.
    Scan,
}

impl Cost {
    pub(crate) fn from_indexed(indexed: bool) -> Self {
        if indexed { Self::Indexed } else { Self::Scan }
    }
}

/// The reason why a query cannot be translated to SQL. A service answers it with 400 `invalidFilter`, or with
/// `invalidValue` for `sortBy` (RFC 7644 table 9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The mapping has no column for the attribute with this path.
    Unmapped(String),
    /// The statement would need more parameters, or more parts of a UNION, than the database allows.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped(path) => write!(f, "`{path}` cannot be used in a filter or in `sortBy`"),
            Self::TooLong => f.write_str("the filter has too many terms"),
        }
    }
}

impl std::error::Error for Error {}
