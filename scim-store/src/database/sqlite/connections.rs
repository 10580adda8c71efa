//! A fixed set of connections, each used by one transaction at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::error::DatabaseError;
use super::interrupt::InterruptibleConnection;

/// A fixed set of connections. Callers wait until one is idle.
pub(super) struct Connections {
    idle: Mutex<Vec<InterruptibleConnection>>,
    permits: Arc<Semaphore>,
}

/// A connection that is in use. Dropping it rolls back its transaction and returns it.
pub(super) struct BorrowedConnection {
    connection: Option<Mutex<InterruptibleConnection>>,
    pool: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(connections: Vec<Connection>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(connections.len()));
        let connections = connections.into_iter().map(InterruptibleConnection::new).collect();
        Arc::new(Self { idle: Mutex::new(connections), permits })
    }

    /// Waits for a connection, but no longer than `timeout`.
    pub(super) async fn borrow(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<BorrowedConnection, DatabaseError> {
        let permit = tokio::time::timeout(timeout, self.permits.clone().acquire_owned());
        let permit = permit.await.map_err(|error| DatabaseError::Unavailable(error.into()))?;
        let permit = permit.map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let connection =
            self.idle().pop().ok_or_else(|| DatabaseError::unexpected("no connection is idle"))?;
        let connection = Some(Mutex::new(connection));
        Ok(BorrowedConnection { connection, pool: self.clone(), _permit: permit })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<InterruptibleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BorrowedConnection {
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, InterruptibleConnection>, DatabaseError> {
        let connection = self
            .connection
            .as_ref()
            .ok_or_else(|| DatabaseError::unexpected("the connection has been returned"))?;
        Ok(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for BorrowedConnection {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let connection = connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        let uninterrupted = connection.uninterrupted();
        if !uninterrupted.is_autocommit() {
            // If the rollback fails too, the statements of the next transaction report the reason.
            let _ = uninterrupted.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([]));
        }
        self.pool.idle().push(connection);
    }
}
