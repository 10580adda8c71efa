//! The task that writes the queue to the database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;
use scim_store::DatabaseError;
use tokio::sync::{mpsc, oneshot, watch};

use super::message::{Counts, FinishedEntry, Message};
use super::options::LogOptions;
use super::row;
use super::table::{NewMilestone, NewRequest, Table};

/// The largest number of requests in a transaction.
const BATCH: usize = 500;
/// The pause after a transaction. Requests that write to the same database have the time between two of them for themselves.
const PAUSE: Duration = Duration::from_millis(250);
/// The pause after the database was not available.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// How often old requests are deleted, and milestones are written again that others may have deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
/// After how many requests old ones are deleted at the latest.
const PRUNE_AFTER: usize = 10_000;

pub(super) struct Writer {
    table: Table,
    options: LogOptions,
    counts: Arc<Counts>,
    written: watch::Sender<()>,
    /// The milestones that were written lately.
    reached: HashSet<NewMilestone>,
    pruned: Option<Instant>,
    written_since_pruning: usize,
}

impl Writer {
    pub(super) fn new(
        table: Table,
        options: LogOptions,
        counts: Arc<Counts>,
        written: watch::Sender<()>,
    ) -> Self {
        let (reached, pruned, written_since_pruning) = (HashSet::new(), None, 0);
        Self { table, options, counts, written, reached, pruned, written_since_pruning }
    }

    /// Writes until there is nobody who could record another request.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            self.prune_if_due().await;
            // Wakes up without a request, too, to delete what has become old.
            let received = tokio::time::timeout(PRUNE_INTERVAL, queue.recv_many(&mut messages, BATCH)).await;
            match received {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => continue,
            }
            let (mut requests, mut flushes): (Vec<NewRequest>, Vec<oneshot::Sender<()>>) = Default::default();
            for message in messages.drain(..) {
                match message {
                    Message::Request(finished) => requests.push(self.read(&finished)),
                    Message::Flush(sender) => flushes.push(sender),
                }
            }
            let count = requests.len();
            let mut pause = PAUSE;
            if count > 0 {
                if let Err(error) = self.table.insert(requests).await {
                    self.report(count, &error);
                    pause = PAUSE_AFTER_ERROR;
                }
                self.written_since_pruning += count;
                self.written.send_replace(());
            }
            for flush in flushes {
                let _ = flush.send(());
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn read(&mut self, finished: &FinishedEntry) -> NewRequest {
        self.counts.waiting_bytes.fetch_sub(finished.entry.size(), Ordering::Relaxed);
        let params = row::params(finished, &self.options);
        let mut milestones = Vec::new();
        let entry = &finished.entry;
        if finished.status.as_u16() < 400 && !entry.client.is_empty() {
            for milestone in entry.milestones.iter() {
                let (tenant, client) = (entry.tenant.clone(), entry.client.clone());
                let reached = NewMilestone { tenant, client, milestone };
                if self.reached.insert(reached.clone()) {
                    milestones.push(reached);
                }
            }
        }
        NewRequest { params, milestones }
    }

    fn report(&mut self, count: usize, error: &DatabaseError) {
        self.counts.dropped.fetch_add(count as u64, Ordering::Relaxed);
        // What was to be written may be missing.
        self.reached.clear();
        tracing::warn!(
            cause = scim_core::with_causes(error),
            count,
            "requests cannot be written to the provisioning log"
        );
    }

    async fn prune_if_due(&mut self) {
        let is_due = self.pruned.is_none_or(|pruned| pruned.elapsed() >= PRUNE_INTERVAL);
        if !is_due && self.written_since_pruning < PRUNE_AFTER {
            return;
        }
        self.pruned = Some(Instant::now());
        self.written_since_pruning = 0;
        self.reached.clear();
        let before = Utc::now() - self.options.max_age;
        if let Err(error) = self.table.prune(before, self.options.max_requests).await {
            tracing::warn!(
                cause = scim_core::with_causes(&error),
                "old requests cannot be deleted from the provisioning log"
            );
        }
    }
}
