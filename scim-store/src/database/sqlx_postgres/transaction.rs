//! A transaction of PostgreSQL on a connection of `sqlx`.

use std::any::Any;

use scim_core::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgTransactionManager};
use sqlx::{Executor, PgPool, Postgres, Statement as _, TransactionManager};
use tokio::runtime::Handle;

use super::super::Transaction;
use super::super::error::DatabaseError;
use super::super::rows::Rows;
use super::super::statement::{Mode, Statement};
use super::values::{arguments, convert_rows};

/// A transaction. Transactions that write are READ COMMITTED.
pub(crate) struct SqlxTransaction {
    /// `None` when the transaction is dropped.
    connection: Option<PoolConnection<Postgres>>,
    /// The runtime on which the pool takes the connection back.
    runtime: Handle,
}

impl SqlxTransaction {
    /// Takes a connection, and sends the BEGIN. If this future is dropped, `sqlx` rolls back.
    pub(super) async fn begin(pool: &PgPool, mode: Mode) -> Result<Self, DatabaseError> {
        let runtime = Handle::try_current().map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let mut transaction = Self { connection: Some(pool.acquire().await?), runtime };
        let begin = match mode {
            Mode::Single => return Ok(transaction),
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Write | Mode::WriteInGroup => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        // The manager of `sqlx` counts the transactions of a connection. So if the application begins another one on
        // this connection, `sqlx` makes it a savepoint.
        PgTransactionManager::begin(transaction.connection()?, Some(begin.into())).await?;
        Ok(transaction)
    }

    /// The connection; also for statements of the application.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, DatabaseError> {
        self.connection.as_deref_mut().ok_or_else(|| DatabaseError::unexpected("the transaction has ended"))
    }
}

#[async_trait]
impl Transaction for SqlxTransaction {
    /// Runs the statements one after the other, since `sqlx` cannot send several at once.
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let connection = self.connection()?;
        let mut results = Vec::with_capacity(statements.len());
        for Statement { sql, params } in statements {
            // The connection keeps prepared statements, so only the first use asks the server.
            let prepared = connection.prepare(&sql).await?;
            let query = prepared.query_with(arguments(&prepared, &params)?);
            results.push(convert_rows(&query.fetch_all(&mut *connection).await?)?);
        }
        Ok(results)
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        let connection = self.connection()?;
        let mut changed = Vec::with_capacity(statements.len());
        for Statement { sql, params } in statements {
            let prepared = connection.prepare(&sql).await?;
            let query = prepared.query_with(arguments(&prepared, &params)?);
            changed.push(query.execute(&mut *connection).await?.rows_affected());
        }
        Ok(changed)
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let found = self.query(statements).await?;
        // If the server reports that a deferred constraint is violated, or that another transaction interfered, nothing
        // was committed. After any other error it is unknown whether the transaction was committed.
        PgTransactionManager::commit(self.connection()?).await.map_err(|error| match error.into() {
            DatabaseError::Unavailable(source) | DatabaseError::Unexpected(source) => {
                DatabaseError::CommitUnknown(source)
            }
            other => other,
        })?;
        Ok(found)
    }

    fn driver(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for SqlxTransaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // Queues a ROLLBACK, unless the transaction was committed.
        PgTransactionManager::start_rollback(&mut connection);
        // The pool takes the connection back in a task, which waits until the server has answered all statements. To
        // start the task, the pool needs a runtime, and this may be dropped on a thread without one.
        let _entered = self.runtime.enter();
        drop(connection);
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    #[tokio::test]
    async fn a_transaction_of_the_application_is_a_savepoint() {
        // Without a server, the tests in `tests` say that they are skipped.
        let Ok(url) = std::env::var("SCIM_TEST_POSTGRES") else { return };
        let pool = PgPool::connect(&url).await.unwrap();
        let table = format!("savepoint_{}", scim_core::new_id().replace('-', "_"));
        pool.execute(format!("CREATE TABLE {table} (id int8)").as_str()).await.unwrap();
        let insert = format!("INSERT INTO {table} VALUES (1)");
        let count = format!("SELECT count(*) FROM {table}");
        for is_committed in [false, true] {
            let mut outer = SqlxTransaction::begin(&pool, Mode::Write).await.unwrap();
            let mut inner = outer.connection().unwrap().begin().await.unwrap();
            inner.execute(insert.as_str()).await.unwrap();
            inner.commit().await.unwrap();
            let mut inner = outer.connection().unwrap().begin().await.unwrap();
            inner.execute(insert.as_str()).await.unwrap();
            drop(inner);
            if is_committed {
                Box::new(outer).commit(Vec::new()).await.unwrap();
            } else {
                drop(outer);
            }
            let found: i64 = sqlx::query_scalar(&count).fetch_one(&pool).await.unwrap();
            assert_eq!(found, i64::from(is_committed));
        }
        pool.execute(format!("DROP TABLE {table}").as_str()).await.unwrap();
    }
}
