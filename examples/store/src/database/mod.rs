//! The little that the store needs of a database: transactions, statements, rows.
//!
//! Statements are written once, as SQLite takes them; `postgres/syntax.rs` turns them into PostgreSQL's
//! form: the parameters, `json(..)`, and `json_each(..) e`, which makes a row `e.value` of each element of
//! a JSON array.
//!
//! Nothing in this folder knows which tables there are.

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
pub(crate) use statement::{Asked, Mode, Statement};

/// An open database.
pub(crate) enum Database {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Pool),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Pool),
}

/// A transaction. Unless it is committed it has no effect.
pub(crate) enum Transaction {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Transaction),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Transaction>),
}

impl Database {
    /// Opens the database that a URL names, and brings its tables up to date.
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

    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => Ok(Transaction::Sqlite(pool.begin(mode).await?)),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => Ok(Transaction::Postgres(Box::new(Box::pin(pool.begin(mode)).await?))),
        }
    }
}

/// Ends the statements of a transaction when it is dropped; see [`Transaction::cancel_on_drop`].
#[cfg(feature = "sqlite")]
pub(crate) type CancelOnDrop = sqlite::CancelOnDrop;
#[cfg(not(feature = "sqlite"))]
pub(crate) type CancelOnDrop = std::convert::Infallible;

impl Transaction {
    /// `Some` if the database runs statements that only read on the thread that calls it, which must then
    /// be a blocking thread. The caller keeps the value while it waits for them; dropping it ends them.
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

    /// The clause for the end of a statement that locks its rows; empty for SQLite, which lets only one
    /// transaction write at a time.
    pub(crate) fn lock(&self, clause: &'static str) -> &'static str {
        if self.dialect() == Dialect::Sqlite { "" } else { clause }
    }

    /// Runs a statement and reads its rows.
    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
    ) -> Result<Rows, DatabaseError> {
        Ok(self.rows_of(vec![(sql.into(), params)]).await?.pop().unwrap_or_default())
    }

    /// Runs statements of which none needs the rows of another, in their order, and reads the rows of
    /// each; all are on their way before the first is answered.
    pub(crate) async fn rows_of(&mut self, asked: Vec<Asked>) -> Result<Vec<Rows>, DatabaseError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.rows_of(asked).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.rows_of(asked).await,
        }
    }

    /// Runs statements that return nothing, one after the other. The last one must change something;
    /// if it does not, another transaction was in the way.
    pub(crate) async fn execute(&mut self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.execute(statements, false).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.execute(statements, false).await,
        }
    }

    /// Runs statements as [`execute`](Self::execute) does, and commits.
    pub(crate) async fn commit(self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(mut transaction) => transaction.execute(statements, true).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(mut transaction) => transaction.execute(statements, true).await,
        }
    }
}
