//! The task that writes the queue to the database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;
use scim_store::DatabaseError;
use tokio::sync::{mpsc, watch};

use super::message::{Counts, FinishedEntry, Message};
use super::options::LogOptions;
use super::row;
use super::table::{NewMilestone, NewRequest, Table};

/// The largest number of requests in a transaction.
const BATCH: usize = 500;
/// The pause after a transaction. Requests that write to the same database have the time between two of them for
/// themselves.
const PAUSE: Duration = Duration::from_millis(250);
/// The pause after the database was not available.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// How often old requests are deleted.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
/// For how long a milestone that was written is not written again. Another process may delete it.
const REACHED_INTERVAL: Duration = Duration::from_secs(5);
/// After how many requests old ones are deleted at the latest.
const PRUNE_AFTER: usize = 10_000;

pub(super) struct Writer {
    table: Table,
    options: LogOptions,
    counts: Arc<Counts>,
    written: watch::Sender<()>,
    /// The milestones that were written lately, and since when they are kept here.
    reached: HashSet<NewMilestone>,
    reached_since: Instant,
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
        let (reached, reached_since, pruned, written_since_pruning) =
            (HashSet::new(), Instant::now(), None, 0);
        Self { table, options, counts, written, reached, reached_since, pruned, written_since_pruning }
    }

    /// Writes until there is nobody who could record another request.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            self.prune_if_due().await;
            // Wakes up without a request, too, to delete what has become old.
            let received =
                tokio::time::timeout(self.longest_wait(), queue.recv_many(&mut messages, BATCH)).await;
            match received {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => continue,
            }
            let mut flushes = Vec::new();
            let mut requests = Vec::new();
            let mut pause = PAUSE;
            for message in messages.drain(..) {
                match message {
                    Message::Request(finished) => requests.push(self.read(&finished)),
                    Message::Flush(sender) => flushes.push(sender),
                    Message::ForgetMilestones { tenant, client } => {
                        self.write(std::mem::take(&mut requests), &mut pause).await;
                        self.forget(&tenant, &client).await;
                    }
                }
            }
            self.write(requests, &mut pause).await;
            for flush in flushes {
                let _ = flush.send(());
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Writes requests, and makes the pause longer if the database is not available.
    async fn write(&mut self, requests: Vec<NewRequest>, pause: &mut Duration) {
        let count = requests.len();
        if count == 0 {
            return;
        }
        if let Err(error) = self.table.insert(requests).await {
            self.report(count, &error);
            *pause = PAUSE_AFTER_ERROR;
        }
        self.written_since_pruning += count;
        self.written.send_replace(());
    }

    async fn forget(&mut self, tenant: &str, client: &str) {
        self.reached.retain(|reached| (reached.tenant.as_str(), reached.client.as_str()) != (tenant, client));
        if let Err(error) = self.table.forget_milestones(tenant, client).await {
            tracing::warn!(
                cause = scim_core::with_causes(&error),
                "the milestones of a client cannot be forgotten"
            );
        }
    }

    fn read(&mut self, finished: &FinishedEntry) -> NewRequest {
        self.counts.waiting_bytes.fetch_sub(finished.entry.size(), Ordering::Relaxed);
        if self.reached_since.elapsed() >= REACHED_INTERVAL {
            self.reached.clear();
            self.reached_since = Instant::now();
        }
        let params = row::params(finished, &self.options);
        let mut milestones = Vec::new();
        let entry = &finished.entry;
        if finished.status.as_u16() < 400 && entry.is_verified {
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
        self.written_since_pruning = 0;
        let before = Utc::now() - self.options.max_age;
        match self.table.prune(before, self.options.max_requests).await {
            // The rest is deleted after the next requests have been written.
            Ok(is_complete) => self.pruned = is_complete.then(Instant::now),
            Err(error) => {
                self.pruned = Some(Instant::now());
                tracing::warn!(
                    cause = scim_core::with_causes(&error),
                    "old requests cannot be deleted from the provisioning log"
                );
            }
        }
    }

    /// How long the task waits for requests before it looks for old ones.
    fn longest_wait(&self) -> Duration {
        if self.pruned.is_none() { PAUSE } else { PRUNE_INTERVAL }
    }
}
