//! Interrupts a statement of SQLite that takes too long, or whose request was cancelled.
//!
//! SQLite calls a progress handler while it executes a statement. The handler checks the deadline and the
//! [`CancelFlag`] of the statement.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

/// How many instructions SQLite executes between two checks: some microseconds.
const STEPS_BETWEEN_CHECKS: i32 = 1_000;

/// A connection whose statements can be interrupted.
pub(super) struct InterruptibleConnection {
    connection: Connection,
    running: Arc<Mutex<Option<Running>>>,
}

/// The limits of the statement that is running.
struct Running {
    deadline: Instant,
    cancelled: CancelFlag,
}

/// Whether the request that a transaction belongs to was cancelled. The thread that runs the statements shares it.
#[derive(Clone, Default)]
pub(super) struct CancelFlag(Arc<AtomicBool>);

/// Sets a [`CancelFlag`] when it is dropped.
pub(super) struct CancelOnDrop(CancelFlag);

impl CancelFlag {
    pub(super) fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The error of a statement whose request was cancelled.
pub(super) fn cancelled() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl InterruptibleConnection {
    pub(super) fn new(connection: Connection) -> Self {
        let running = Arc::new(Mutex::new(None));
        let shared = running.clone();
        let must_interrupt = move || {
            let running: &Option<Running> = &lock(&shared);
            running
                .as_ref()
                .is_some_and(|running| running.cancelled.is_set() || Instant::now() >= running.deadline)
        };
        connection.progress_handler(STEPS_BETWEEN_CHECKS, Some(must_interrupt));
        Self { connection, running }
    }

    /// The connection, for statements that must not be interrupted.
    pub(super) fn uninterrupted(&self) -> &Connection {
        *lock(&self.running) = None;
        &self.connection
    }

    /// Runs one statement, and interrupts it when the flag is set or the timeout has passed.
    pub(super) fn run<T>(
        &self,
        cancelled: &CancelFlag,
        timeout: Duration,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if cancelled.is_set() {
            return Err(self::cancelled());
        }
        *lock(&self.running) =
            Some(Running { deadline: Instant::now() + timeout, cancelled: cancelled.clone() });
        let result = statement(&self.connection);
        *lock(&self.running) = None;
        result
    }
}

fn lock(running: &Mutex<Option<Running>>) -> MutexGuard<'_, Option<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
