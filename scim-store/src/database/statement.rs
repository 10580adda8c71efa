//! Statements, and the modes of transactions.

use std::borrow::Cow;

use super::param::Param;

/// The mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One query.
    Single,
    /// Several queries that see the same state of the database.
    Read,
    /// Queries, and statements that write.
    Write,
}

/// A statement that returns rows, with its parameters.
pub(crate) type RowQuery = (Cow<'static, str>, Vec<Param>);

/// A statement that returns no rows, with its parameters.
pub(crate) type Statement = (&'static str, Vec<Param>);
