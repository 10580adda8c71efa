//! Statements, and the modes of transactions.

use std::borrow::Cow;

use super::param::Param;

/// The mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// One query.
    Single,
    /// Several queries that see the same state of the database.
    Read,
    /// Queries, and statements that write.
    Write,
    /// As [`Write`](Self::Write), but the driver may commit the transaction together with others. What it reads and what its
    /// errors say may then depend on transactions that are not committed yet; see
    /// [`Transaction::dependencies`](crate::Transaction::dependencies).
    WriteInGroup,
}

/// A statement in the SQL of the database, with the values of its parameters.
///
/// ```
/// use scim_store::{Param, Statement};
///
/// // The parameters are `?1`, `?2` in SQLite, and `$1`, `$2` in PostgreSQL.
/// let statement = Statement::new("UPDATE people SET seats = $1 WHERE id = $2", [Param::from(2), "7".into()]);
/// assert_eq!(statement.params.len(), 2);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statement {
    /// The SQL.
    pub sql: Cow<'static, str>,
    /// The values of the parameters, in the order of their numbers.
    pub params: Vec<Param>,
}

impl Statement {
    /// A statement with its parameters.
    pub fn new(sql: impl Into<Cow<'static, str>>, params: impl IntoIterator<Item = Param>) -> Self {
        Self { sql: sql.into(), params: params.into_iter().collect() }
    }
}
