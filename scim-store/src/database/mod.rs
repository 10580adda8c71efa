//! Access to a database: the traits [`Database`] and [`Transaction`], and their implementations for drivers. Nothing
//! here depends on the tables.

mod blocking;
mod error;
mod migration;
mod open;
mod open_error;
mod param;
#[cfg(feature = "tokio-postgres-0_7")]
mod postgres;
#[cfg(any(feature = "sqlx-0_8", feature = "tokio-postgres-0_7"))]
mod postgres_common;
mod rows;
#[cfg(feature = "rusqlite-0_37")]
mod sqlite;
#[cfg(feature = "sqlx-0_8")]
mod sqlx_postgres;
mod statement;

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::async_trait;
use scim_sql::Dialect;

pub(crate) use blocking::run_blocking;
pub use error::{DatabaseError, Source};
pub(crate) use migration::{MigrationStep, Migrations, OnlineIndex};
pub use open::open;
pub(crate) use open::open_with_migrations;
pub use open_error::OpenError;
pub use param::Param;
pub(crate) use param::params;
#[cfg(feature = "tokio-postgres-0_7")]
pub use postgres::Postgres;
#[cfg(feature = "tokio-postgres-0_7")]
pub(crate) use postgres::PostgresTransaction;
pub use rows::{Row, Rows};
#[cfg(feature = "rusqlite-0_37")]
pub use sqlite::Sqlite;
#[cfg(feature = "rusqlite-0_37")]
pub(crate) use sqlite::SqliteTransaction;
#[cfg(feature = "sqlx-0_8")]
pub use sqlx_postgres::SqlxPostgres;
#[cfg(feature = "sqlx-0_8")]
pub(crate) use sqlx_postgres::SqlxTransaction;
pub use statement::{Mode, Statement};

/// A database. There is an implementation for each driver; implement it for another driver or pool.
///
/// The future of a transaction may be dropped at any time, when a client disconnects. The transaction must then be
/// rolled back, and its connection be good for the next transaction.
#[async_trait]
pub trait Database: fmt::Debug + Send + Sync {
    /// The dialect of the statements.
    fn dialect(&self) -> Dialect;

    /// Takes a connection for a transaction, and begins the transaction, now or with its first statement. Waits for a
    /// connection for some seconds at most.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Unavailable`] if there is no connection.
    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError>;

    /// The connections of the pool at this moment, for metrics; `None` if the driver does not count them.
    fn pool_status(&self) -> Option<PoolStatus> {
        None
    }
}

/// The connections of a pool; see [`Database::pool_status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// How many connections there can be.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of them are not in use.
    pub idle: usize,
}

impl PoolStatus {
    /// The numbers of connections.
    pub fn new(max: usize, open: usize, idle: usize) -> Self {
        Self { max, open, idle }
    }
}

/// A transaction. Dropping it without a commit rolls it back.
///
/// Transactions that write must keep other transactions from changing rows that `SELECT .. FOR UPDATE` has read
/// (PostgreSQL: `READ COMMITTED` or stricter), or must run alone (SQLite: `BEGIN IMMEDIATE`).
#[async_trait]
pub trait Transaction: Send {
    /// Runs statements in their order, and returns the rows of each. A driver that can sends all before the first
    /// is answered, which saves round trips; so no statement can depend on the rows of another.
    ///
    /// # Errors
    ///
    /// The error of the first statement that fails. The transaction can then only be dropped.
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError>;

    /// Runs statements in their order, and returns how many rows each changed.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError>;

    /// Runs statements like [`query`](Self::query), and commits. A driver that can sends the COMMIT with the statements.
    ///
    /// # Errors
    ///
    /// After an error nothing is committed, except that [`DatabaseError::CommitUnknown`] means that it may be.
    async fn commit(self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError>;

    /// Runs the statements of this transaction on the thread that polls their futures, which then must be one where
    /// blocking is allowed; this saves a driver that blocks a change of the thread for each statement. `None` if the
    /// driver does not block, so that nothing changes. The caller keeps the value while it waits for that thread;
    /// dropping the value cancels the statements.
    ///
    /// With [`Mode::WriteInGroup`], a commit then does not wait for the group: wait for the
    /// [`dependencies`](Self::dependencies), on another thread.
    fn block_calling_thread(&mut self) -> Option<CancelOnDrop> {
        None
    }

    /// For [`Mode::WriteInGroup`]: the transactions on which this one depends, and its own commit; `None` if there are none.
    /// Take it after the transaction has begun, and wait for it when the transaction has ended, before anything that it has
    /// found out is told to anybody.
    fn dependencies(&self) -> Option<Dependencies> {
        None
    }

    /// The value of the driver, for an application that runs statements of its own in the transaction.
    fn driver(&mut self) -> &mut dyn Any;
}

/// Cancels the statements of a transaction when it is dropped; see [`Transaction::block_calling_thread`].
#[must_use]
pub struct CancelOnDrop(#[expect(dead_code, reason = "it is held to be dropped")] Box<dyn Any + Send>);

impl CancelOnDrop {
    /// Holds a value of the driver whose `Drop` cancels the statements.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for CancelOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelOnDrop")
    }
}

/// Transactions that are not committed yet, on which another depends; see [`Transaction::dependencies`].
#[must_use]
pub struct Dependencies(Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send>>);

impl Dependencies {
    /// Waits by this future, which ends when the transactions are committed, or with an error.
    pub fn new(committed: impl Future<Output = Result<(), DatabaseError>> + Send + 'static) -> Self {
        Self(Box::pin(committed))
    }

    /// Waits until the transactions are committed.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Unavailable`] if they could not be committed.
    pub async fn committed(self) -> Result<(), DatabaseError> {
        self.0.await
    }
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dependencies")
    }
}

#[async_trait]
impl<T: Database + ?Sized> Database for Arc<T> {
    fn dialect(&self) -> Dialect {
        (**self).dialect()
    }

    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        (**self).begin(mode).await
    }

    fn pool_status(&self) -> Option<PoolStatus> {
        (**self).pool_status()
    }
}
