//! What the queue between the requests and the writer contains.

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::oneshot;

use super::entry::Entry;

/// What the queue has counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// How many requests were not recorded.
    pub(super) dropped: AtomicU64,
    /// How many bytes of bodies wait to be written.
    pub(super) waiting_bytes: AtomicUsize,
}

/// What the writer is told.
pub(super) enum Message {
    Request(Box<FinishedEntry>),
    /// The milestones of a client, as far as they were reached before.
    ForgetMilestones {
        tenant: String,
        client: String,
    },
    /// Tells when everything before it has been written.
    Flush(oneshot::Sender<()>),
}

/// A request that has been answered.
pub(super) struct FinishedEntry {
    pub(super) entry: Entry,
    pub(super) status: StatusCode,
    pub(super) time: Duration,
}
