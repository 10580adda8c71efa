//! The open connections. If there are too many, the oldest one that waits for a request is closed, so that connections that
//! send nothing do not keep others out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::LimitSettings;

/// The connections of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    open: Arc<Mutex<BTreeMap<u64, Arc<ConnectionState>>>>,
    next: Arc<AtomicU64>,
    max: usize,
    head_timeout: Duration,
    idle_timeout: Duration,
}

/// An open connection. Dropping it means that it is closed.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    state: Arc<ConnectionState>,
    connections: Connections,
}

/// What a connection does.
#[derive(Debug)]
pub(super) struct ConnectionState {
    opened: Instant,
    /// How many requests run.
    running: AtomicUsize,
    /// Whether the client has begun to send a head.
    is_in_head: AtomicBool,
    is_http2: AtomicBool,
    /// When it began to wait for what it waits for, in milliseconds after it was opened.
    since: AtomicU64,
    is_evicted: AtomicBool,
    evicted: Notify,
    head_timeout: Duration,
    pub(super) idle_timeout: Duration,
}

/// A request that runs.
pub(super) struct RunningRequest(Arc<ConnectionState>);

impl Connections {
    pub(crate) fn new(limits: &LimitSettings, max: usize) -> Self {
        let (head_timeout, idle_timeout) = (limits.head_timeout, limits.idle_timeout);
        Self { open: Arc::default(), next: Arc::default(), max, head_timeout, idle_timeout }
    }

    /// Adds a connection, and closes another one if there are too many.
    pub(crate) fn open(&self) -> Connection {
        let state = Arc::new(ConnectionState {
            opened: Instant::now(),
            running: AtomicUsize::new(0),
            // The time for the first head begins with the connection.
            is_in_head: AtomicBool::new(true),
            is_http2: AtomicBool::new(false),
            since: AtomicU64::new(0),
            is_evicted: AtomicBool::new(false),
            evicted: Notify::new(),
            head_timeout: self.head_timeout,
            idle_timeout: self.idle_timeout,
        });
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let is_full = {
            let mut open = self.lock();
            open.insert(id, state.clone());
            open.len() > self.max
        };
        let connection = Connection { id, state, connections: self.clone() };
        if is_full && !self.close_one() {
            // All others are busy.
            connection.state.evict();
        }
        connection
    }

    /// Closes the oldest connection on which no request runs. Returns whether there was one besides the newest.
    pub(crate) fn close_one(&self) -> bool {
        let open = self.lock();
        let newest = open.keys().next_back().copied();
        let waiting = open.iter().filter(|(id, _)| Some(**id) != newest).map(|(_, state)| state);
        let found = waiting.into_iter().find(|state| state.is_waiting());
        if let Some(state) = found {
            state.evict();
        }
        found.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<ConnectionState>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(super) fn state(&self) -> Arc<ConnectionState> {
        self.state.clone()
    }

    pub(super) fn head_timeout(&self) -> Duration {
        self.state.head_timeout
    }

    /// Waits until the connection has to make room for another one, or until it has not been used for too long. hyper does not
    /// read between requests, so [`TimedIo`](super::io::TimedIo) does not see that.
    pub(super) async fn must_close(&self) {
        let ConnectionState { evicted, idle_timeout, .. } = &*self.state;
        loop {
            let now = Instant::now();
            // A request that runs now ends later, and the time begins then.
            let deadline = self.state.deadline().unwrap_or(now + *idle_timeout);
            if deadline <= now {
                return;
            }
            tokio::select! {
                () = evicted.notified() => return,
                () = sleep_until(deadline) => {}
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

impl ConnectionState {
    pub(super) fn begin_request(self: &Arc<Self>, version: Version) -> RunningRequest {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.is_http2.store(version == Version::HTTP_2, Ordering::Relaxed);
        RunningRequest(self.clone())
    }

    /// Notes that the client has sent something.
    pub(super) fn received(&self) {
        // In HTTP/2 the client also sends what is no part of a head, so only requests count after the first one.
        if self.running.load(Ordering::Relaxed) > 0 || self.is_http2.load(Ordering::Relaxed) {
            return;
        }
        if !self.is_in_head.swap(true, Ordering::Relaxed) {
            self.since.store(self.milliseconds(), Ordering::Relaxed);
        }
    }

    /// Until when the client must send something; `None` while a request runs.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.running.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let timeout = match self.is_in_head.load(Ordering::Relaxed) {
            true => self.head_timeout,
            false => self.idle_timeout,
        };
        Some(self.opened + Duration::from_millis(self.since.load(Ordering::Relaxed)) + timeout)
    }

    fn is_waiting(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0 && !self.is_evicted.load(Ordering::Relaxed)
    }

    fn evict(&self) {
        self.is_evicted.store(true, Ordering::Relaxed);
        self.evicted.notify_one();
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        let Self(state) = self;
        // The time until the next request begins now.
        state.since.store(state.milliseconds(), Ordering::Relaxed);
        state.is_in_head.store(false, Ordering::Relaxed);
        state.running.fetch_sub(1, Ordering::Relaxed);
    }
}
