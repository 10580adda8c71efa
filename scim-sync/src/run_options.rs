//! How a run goes, and how far it is.

use chrono::{DateTime, Utc};

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// The time.
    pub now: DateTime<Utc>,
    /// Whether everything is read, and every user compared, instead of what has changed since the last run.
    pub full: bool,
    /// Whether the guard is off.
    pub allow_deactivations: bool,
    /// How many requests are sent at once.
    pub concurrency: usize,
}

impl RunOptions {
    /// A run at this time that reads what has changed, with the guard on, and sends 8 requests at once.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now, full: false, allow_deactivations: false, concurrency: 8 }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many people it has read.
    pub people: usize,
    /// How many changes it has made.
    pub changes: usize,
}
