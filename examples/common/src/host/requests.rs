//! How many requests run, for the report at the end.

use std::sync::atomic::{AtomicU64, Ordering};

/// The requests of a host.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    begun: AtomicU64,
    completed: AtomicU64,
    /// How many were completed when the host was told to stop, plus 1; 0 before.
    completed_at_stop: AtomicU64,
}

/// A request that runs. Dropping it without [`completed`](Self::completed) means that it was cut off.
pub(super) struct Running<'r>(&'r Requests);

impl Requests {
    pub(super) fn begin(&self) -> Running<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }

    /// Notes that the host is told to stop.
    pub(crate) fn stop(&self) {
        self.completed_at_stop.store(self.completed.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// How many requests were finished since the host was told to stop, and how many were cut off.
    pub(crate) fn since_stop(&self) -> Option<(u64, u64)> {
        let at_stop = self.completed_at_stop.load(Ordering::Relaxed).checked_sub(1)?;
        let completed = self.completed.load(Ordering::Relaxed);
        Some((completed - at_stop, self.begun.load(Ordering::Relaxed) - completed))
    }
}

impl Running<'_> {
    pub(super) fn completed(self) {
        self.0.completed.fetch_add(1, Ordering::Relaxed);
    }
}
