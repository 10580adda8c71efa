//! What ends a statement of SQLite before it is done: that its time is over, or that nobody waits for it
//! any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

/// How many steps of its machine SQLite takes between two looks at the watch: some microseconds.
const STEPS: i32 = 1_000;

/// A connection whose statements can be ended.
pub(crate) struct Watched {
    connection: Connection,
    running: Arc<Mutex<Option<Running>>>,
}

/// The statement that is running.
struct Running {
    until: Instant,
    call: Call,
}

/// A call, which may be given up while one of its statements runs on another thread.
#[derive(Clone, Default)]
pub(crate) struct Call(Arc<AtomicBool>);

/// Somebody waits for the call. It is given up when this is dropped.
pub(crate) struct Waiting(Call);

impl Call {
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting(self.clone())
    }

    fn is_given_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Watched {
    pub(crate) fn new(connection: Connection) -> Self {
        let running = Arc::new(Mutex::new(None));
        let seen = running.clone();
        let is_over = move || {
            let running: &Option<Running> = &lock(&seen);
            running.as_ref().is_some_and(|of| of.call.is_given_up() || Instant::now() >= of.until)
        };
        connection.progress_handler(STEPS, Some(is_over));
        Self { connection, running }
    }

    /// The connection, for statements that nothing ends.
    pub(crate) fn unwatched(&self) -> &Connection {
        *lock(&self.running) = None;
        &self.connection
    }

    /// Runs one statement of a call, for no longer than that.
    pub(crate) fn run<T>(
        &self,
        call: &Call,
        limit: Duration,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if call.is_given_up() {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
        }
        *lock(&self.running) = Some(Running { until: Instant::now() + limit, call: call.clone() });
        let done = statement(&self.connection);
        *lock(&self.running) = None;
        done
    }
}

fn lock(running: &Mutex<Option<Running>>) -> MutexGuard<'_, Option<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
