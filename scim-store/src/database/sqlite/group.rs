//! Groups of calls that are committed together, since each commit waits for the disk.
//!
//! The first call of a group begins its transaction, and each later one runs in a savepoint. When a call ends and others wait for the connection, the transaction stays open, and
//! the next call continues it. It is committed when nobody waits, or when the group is large enough, or at the latest by a
//! task that queues for the connection behind those who wait. A call is answered when its group is committed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::super::error::DatabaseError;
use super::statements::execute;

/// A group of this many calls, or this many bytes in their parameters, is committed although others wait.
const MAX_CALLS: usize = 64;
const MAX_BYTES: usize = 1 << 20;

/// How long a call may take if others wait for its group. A longer one is run again by itself.
pub(super) const MAX_TIME: Duration = Duration::from_millis(50);

/// The open group of a connection, and how many calls wait for the connection.
#[derive(Default)]
pub(super) struct Groups {
    open: Mutex<Option<Arc<Group>>>,
    waiting: AtomicUsize,
}

/// Calls that are committed together.
pub(super) struct Group {
    /// The calls that have ended, and the bytes of their parameters.
    calls: AtomicUsize,
    bytes: AtomicUsize,
    /// The result of the commit.
    end: watch::Sender<Option<Result<(), String>>>,
}

/// Counts a call that waits for the connection, until it is dropped.
pub(super) struct Waiting<'g>(&'g Groups);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Groups {
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<Group>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open group, or a new one. Only the holder of the connection calls this.
    pub(super) fn join(&self) -> Arc<Group> {
        self.open().get_or_insert_with(|| Arc::new(Group::new())).clone()
    }

    /// Whether calls have ended in the open group, so that its transaction must not be rolled back.
    fn has_calls(&self) -> bool {
        self.open().as_ref().is_some_and(|group| group.has_calls())
    }

    /// Begins a call: continues the transaction of the open group, or begins it. The first call needs no savepoint: if it fails,
    /// the whole transaction is rolled back.
    pub(super) fn begin_call(connection: &Connection) -> rusqlite::Result<()> {
        execute(connection, if connection.is_autocommit() { "BEGIN IMMEDIATE" } else { "SAVEPOINT call" })
    }

    /// Rolls back a call that has begun and not ended. The other calls of its group stay.
    pub(super) fn roll_back_call(&self, connection: &Connection) {
        let is_rolled_back = match (connection.is_autocommit(), self.has_calls()) {
            // SQLite has rolled back the transaction, for example since the disk is full.
            (true, has_calls) => return self.end(if has_calls { Err(lost()) } else { Ok(()) }),
            (false, true) => {
                execute(connection, "ROLLBACK TO call").and_then(|()| execute(connection, "RELEASE call"))
            }
            (false, false) => execute(connection, "ROLLBACK"),
        };
        match (is_rolled_back, self.has_calls()) {
            (Ok(()), true) => {}
            (Ok(()), false) => self.end(Ok(())),
            (Err(_), _) => {
                // If this fails too, the statements of the next transaction report the reason.
                let _ = execute(connection, "ROLLBACK");
                self.end(Err(lost()));
            }
        }
    }

    /// Ends the open group.
    fn end(&self, result: Result<(), String>) {
        if let Some(group) = self.open().take() {
            group.end.send_replace(Some(result));
        }
    }

    /// Commits the open group, if calls have ended in it.
    pub(super) fn commit(&self, connection: &Connection) {
        if !self.has_calls() {
            return;
        }
        if connection.is_autocommit() {
            return self.end(Err(lost()));
        }
        let committed = execute(connection, "COMMIT");
        if committed.is_err() && !connection.is_autocommit() {
            // If the rollback fails too, the statements of the next transaction report the reason.
            let _ = execute(connection, "ROLLBACK");
        }
        self.end(committed.map_err(|error| error.to_string()));
    }

    /// Ends a call: commits its group, or leaves the transaction open for the calls that wait. Returns true if the group is
    /// open and this is its first call: then its commit must be arranged.
    pub(super) fn end_call(
        &self,
        connection: &Connection,
        group: &Group,
        bytes: usize,
    ) -> rusqlite::Result<bool> {
        if group.has_calls() {
            execute(connection, "RELEASE call")?;
        }
        let calls = group.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let bytes = group.bytes.fetch_add(bytes, Ordering::SeqCst) + bytes;
        let is_awaited = self.waiting.load(Ordering::SeqCst) > 0;
        if !is_awaited || calls >= MAX_CALLS || bytes >= MAX_BYTES {
            self.commit(connection);
            return Ok(false);
        }
        Ok(calls == 1)
    }
}

/// The reason why a group has ended without a commit.
fn lost() -> String {
    "the transaction of the group was rolled back".to_owned()
}

impl Group {
    fn new() -> Self {
        Self { calls: AtomicUsize::new(0), bytes: AtomicUsize::new(0), end: watch::Sender::new(None) }
    }

    pub(super) fn has_calls(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    /// Waits until the group has ended.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Unavailable`] if it could not be committed.
    pub(super) async fn ended(&self) -> Result<(), DatabaseError> {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await;
        match ended.map(|result| result.clone()) {
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(DatabaseError::Unavailable(error.into())),
            Ok(None) | Err(_) => Err(DatabaseError::unexpected("a group of calls has no end")),
        }
    }
}
