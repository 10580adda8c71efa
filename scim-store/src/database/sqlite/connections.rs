//! A fixed set of connections, each used by one transaction at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::super::error::DatabaseError;
use super::group::Groups;
use super::interrupt::InterruptibleConnection;
use super::statements::execute;

/// How long the commit of a group waits for the connection before it queues again.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(600);

/// A fixed set of connections. Callers wait until one is idle.
pub(super) struct Connections {
    idle: Mutex<Vec<InterruptibleConnection>>,
    permits: Arc<Semaphore>,
    /// The groups of calls that the only connection commits together.
    groups: Option<Arc<Groups>>,
}

/// A connection that is in use. Dropping it rolls back what was begun and has not ended, and returns it.
pub(super) struct BorrowedConnection {
    connection: Option<Mutex<InterruptibleConnection>>,
    /// Whether a call of a group has begun on the connection and has not ended.
    in_call: AtomicBool,
    /// Whether a transaction that is no group has begun.
    in_transaction: AtomicBool,
    pool: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(connections: Vec<Connection>, groups: Option<Arc<Groups>>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(connections.len()));
        let connections = connections.into_iter().map(InterruptibleConnection::new).collect();
        Arc::new(Self { idle: Mutex::new(connections), permits, groups })
    }

    /// Waits for a connection, but no longer than `timeout`. A group of calls that is open meanwhile stays open for this call.
    pub(super) async fn borrow(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<BorrowedConnection, DatabaseError> {
        let _waiting = self.groups.as_ref().map(|groups| groups.wait());
        self.queue(timeout).await
    }

    /// Waits for a connection like [`borrow`](Self::borrow), but no group stays open for it.
    async fn queue(self: &Arc<Self>, timeout: Duration) -> Result<BorrowedConnection, DatabaseError> {
        let permit = tokio::time::timeout(timeout, self.permits.clone().acquire_owned());
        let permit = permit.await.map_err(|error| DatabaseError::Unavailable(error.into()))?;
        let permit = permit.map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let connection =
            self.idle().pop().ok_or_else(|| DatabaseError::unexpected("no connection is idle"))?;
        Ok(BorrowedConnection {
            connection: Some(Mutex::new(connection)),
            in_call: AtomicBool::new(false),
            in_transaction: AtomicBool::new(false),
            pool: self.clone(),
            _permit: permit,
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<InterruptibleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BorrowedConnection {
    /// Commits the open group when those who wait for the connection have had their turn, since they may give up.
    pub(super) fn commit_group_later(&self) {
        let pool = self.pool.clone();
        drop(tokio::runtime::Handle::current().spawn(async move {
            let connection = loop {
                match pool.queue(COMMIT_TIMEOUT).await {
                    Err(DatabaseError::Unavailable(_)) => {}
                    borrowed => break borrowed,
                }
            };
            let Ok(connection) = connection else { return };
            let commit = move || {
                if let (Ok(locked), Some(groups)) = (connection.lock(), connection.groups()) {
                    groups.commit(locked.uninterrupted());
                }
            };
            // If the runtime is ending, SQLite rolls back when the connection is closed, and nobody waits any more.
            drop(spawn_blocking(commit).await);
        }));
    }

    /// The groups of the connection.
    pub(super) fn groups(&self) -> Option<&Arc<Groups>> {
        self.pool.groups.as_ref()
    }

    /// Notes that a transaction has begun, which is no group.
    pub(super) fn set_in_transaction(&self) {
        self.in_transaction.store(true, Ordering::Relaxed);
    }

    /// Notes that a call of a group has begun, or has ended.
    pub(super) fn set_in_call(&self, in_call: bool) {
        self.in_call.store(in_call, Ordering::Relaxed);
    }

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
        if *self.in_call.get_mut()
            && let Some(groups) = &self.pool.groups
        {
            groups.roll_back_call(uninterrupted);
        } else if *self.in_transaction.get_mut() && !uninterrupted.is_autocommit() {
            // If the rollback fails too, the statements of the next transaction report the reason.
            let _ = execute(uninterrupted, "ROLLBACK");
        }
        self.pool.idle().push(connection);
    }
}
