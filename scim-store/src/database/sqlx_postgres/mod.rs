//! PostgreSQL by `sqlx`.

mod error;
mod transaction;
mod values;

use scim_core::async_trait;
use scim_sql::Dialect;
use sqlx::PgPool;

use super::error::DatabaseError;
use super::statement::Mode;
use super::{Database, PoolStatus, Transaction};
pub(crate) use transaction::SqlxTransaction;

/// A pool of connections to a PostgreSQL server, by `sqlx`.
///
/// The pool and its connections keep the settings of the application: how long a request waits for a connection
/// (`acquire_timeout`), and how many prepared statements each connection keeps (`statement_cache_capacity`).
///
/// `sqlx` cannot cancel a statement. If a client disconnects while a statement runs, the transaction is rolled back, and
/// the pool has its connection again, when the statement ends. So set `statement_timeout` and `lock_timeout`:
///
/// ```no_run
/// # async fn example() -> Result<(), sqlx::Error> {
/// use scim_store::SqlxPostgres;
/// use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
///
/// let options: PgConnectOptions = "postgres://user:password@host/database".parse()?;
/// let options = options.options([("statement_timeout", "30s"), ("lock_timeout", "10s")]);
/// let pool = PgPoolOptions::new().max_connections(16).connect_with(options).await?;
/// let database = SqlxPostgres::new(pool);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqlxPostgres(PgPool);

impl SqlxPostgres {
    /// Uses the pool of the application. Call it, and everything else, in a Tokio runtime.
    pub fn new(pool: PgPool) -> Self {
        Self(pool)
    }
}

#[async_trait]
impl Database for SqlxPostgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    /// A transaction on a connection of the pool.
    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        Ok(Box::new(SqlxTransaction::begin(&self.0, mode).await?))
    }

    fn pool_status(&self) -> Option<PoolStatus> {
        let max = usize::try_from(self.0.options().get_max_connections()).ok()?;
        let open = usize::try_from(self.0.size()).ok()?;
        Some(PoolStatus::new(max, open, self.0.num_idle()))
    }
}
