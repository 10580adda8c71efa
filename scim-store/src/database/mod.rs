//! Transactions, statements and rows, the same for SQLite and PostgreSQL.
//!
//! Statements are written once, in the syntax of SQLite. For PostgreSQL, `postgres/syntax.rs` translates the
//! parameters `?1`, the function `json(..)`, and `json_each(..) e`, which yields a row `e.value` for each element of
//! a JSON array.
//!
//! Nothing in this folder depends on the tables.

mod error;
mod migration;
mod param;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;

use std::borrow::Cow;

use scim_sql::Dialect;

pub use error::OpenError;
pub(crate) use error::{DatabaseError, Source};
pub(crate) use migration::Migrations;
pub(crate) use param::{Param, params};
pub(crate) use rows::{Row, Rows};
pub(crate) use statement::{Mode, RowQuery, Statement};

/// An open database.
pub(crate) enum Database {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Pool),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Pool),
}

/// A transaction. Dropping it without a commit rolls it back.
pub(crate) enum Transaction {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Transaction),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Transaction>),
}

impl Database {
    /// Opens the database that a URL names, and upgrades its tables.
    pub(crate) async fn open(url: &str, migrations: Migrations) -> Result<Self, OpenError> {
        let opened = match url.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = path.strip_prefix("//").unwrap_or(path);
                sqlite::Pool::open(path, migrations).await.map(Self::Sqlite)
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => {
                postgres::Pool::open(url, migrations).await.map(Self::Postgres)
            }
            Some((scheme, _)) => return Err(OpenError::unknown_scheme(scheme)),
            None => return Err(OpenError::no_scheme()),
        };
        opened.map_err(OpenError::from)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Takes a connection and begins a transaction on it.
    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin(mode).await?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Ok(Transaction::Postgres(Box::new(Box::pin(pool.begin(mode)).await?))),
        }
    }
}

/// Cancels the statements of a transaction when it is dropped; see [`Transaction::cancel_on_drop`].
#[cfg(feature = "sqlite")]
pub(crate) type CancelOnDrop = sqlite::CancelOnDrop;
#[cfg(not(feature = "sqlite"))]
pub(crate) type CancelOnDrop = std::convert::Infallible;

impl Transaction {
    /// `Some` if the database runs the statements of a read on the calling thread, which then must be a blocking
    /// thread. The caller keeps the value while it waits for that thread; dropping the value cancels the statements.
    pub(crate) fn cancel_on_drop(&self) -> Option<CancelOnDrop> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => Some(transaction.cancel_on_drop()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The clause at the end of a query that locks its rows. Empty for SQLite, which needs none: only one
    /// transaction can write at a time.
    pub(crate) fn lock(&self, clause: &'static str) -> &'static str {
        if self.dialect() == Dialect::Sqlite { "" } else { clause }
    }

    /// Runs a query and returns its rows.
    pub(crate) async fn query(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
    ) -> Result<Rows, DatabaseError> {
        Ok(self.query_all(vec![(sql.into(), params)]).await?.pop().unwrap_or_default())
    }

    /// Runs queries in their order, and returns the rows of each. All are sent before the first is answered, which
    /// saves round trips; so no query can depend on the rows of another.
    pub(crate) async fn query_all(&mut self, queries: Vec<RowQuery>) -> Result<Vec<Rows>, DatabaseError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.query_all(queries).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.query_all(queries).await,
        }
    }

    /// Runs statements that return no rows, in their order.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Conflict`] if the last statement changes no row. Callers put the statement last that would
    /// find no row if another transaction interfered.
    pub(crate) async fn execute(&mut self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.execute(statements, false).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.execute(statements, false).await,
        }
    }

    /// Runs statements like [`execute`](Self::execute), and commits.
    pub(crate) async fn commit(self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(mut transaction) => transaction.execute(statements, true).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(mut transaction) => transaction.execute(statements, true).await,
        }
    }
}
