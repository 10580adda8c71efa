//! The log as requests and pages use it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Method, StatusCode};
use scim_store::{Database, DatabaseError};
use tokio::sync::{mpsc, oneshot, watch};

use super::allowance::Allowance;
use super::content::Line;
use super::entry::Entry;
use super::message::{Counts, FinishedEntry, Message};
use super::milestone::ClientMilestones;
use super::options::LogOptions;
use super::row::LoggedRequest;
use super::search::Search;
use super::table::Table;
use super::writer::Writer;

/// How many requests wait to be written. When half of them wait, reads are dropped, so that there is room for changes.
const QUEUE: usize = 2_048;
/// How many requests without a good credential are recorded in a second.
const UNVERIFIED_PER_SECOND: u32 = 20;
/// How many bytes of bodies wait to be written at most.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// Records requests in a database, for the pages of a [`Console`](crate::Console). Cheap to clone.
///
/// Recording never waits: a request is put into a queue, and a task writes what is queued several times in a second, up to
/// 2,000 requests a second. What does not fit into the queue is dropped and [counted](Self::dropped).
///
/// ```
/// use std::time::Duration;
///
/// use http::StatusCode;
/// use scim_console::{LogOptions, ProvisioningLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = scim_store::open("sqlite::memory:").await?;
/// let log = ProvisioningLog::open(database, LogOptions::new()).await?;
///
/// let (parts, ()) = http::Request::get("/Users/42").body(())?.into_parts();
/// if let Some(entry) = log.begin(&parts) {
///     // Here the host answers the request, and tells the entry what it learns about it.
///     log.record(entry, StatusCode::NOT_FOUND, Duration::from_micros(300));
/// }
/// log.flush().await;
/// assert_eq!(log.dropped(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProvisioningLog(Arc<Shared>);

struct Shared {
    table: Table,
    queue: mpsc::Sender<Message>,
    /// Is notified when requests have been written.
    written: watch::Receiver<()>,
    counts: Arc<Counts>,
    /// The requests without a good credential that are recorded.
    unverified: Allowance,
    options: LogOptions,
}

impl ProvisioningLog {
    /// Opens the log in a database, creates its tables `scim_request` and `scim_milestone` if they do not exist, and starts
    /// a task that writes and deletes requests until the log and its clones are dropped. Several processes can write to the
    /// same tables.
    ///
    /// # Errors
    ///
    /// If the database is not available, or the tables cannot be created.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(database: impl Database + 'static, options: LogOptions) -> Result<Self, DatabaseError> {
        let table = Table::open(Arc::new(database)).await?;
        let (queue, queued) = mpsc::channel(QUEUE);
        let (sender, written) = watch::channel(());
        let counts = Arc::<Counts>::default();
        let writer = Writer::new(table.clone(), options.clone(), counts.clone(), sender);
        tokio::spawn(writer.run(queued));
        let unverified = Allowance::new(UNVERIFIED_PER_SECOND);
        Ok(Self(Arc::new(Shared { table, queue, written, counts, unverified, options })))
    }

    /// Begins to record a request. `None` if so many requests wait to be written that those that only read are left out.
    pub fn begin(&self, parts: &Parts) -> Option<Entry> {
        let Shared { queue, counts, .. } = &*self.0;
        let only_reads = parts.method == Method::GET || parts.method == Method::HEAD;
        if only_reads && queue.capacity() < QUEUE / 2 {
            counts.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Entry::new(parts))
    }

    /// Records a request that was answered with this status after this time. Returns at once.
    pub fn record(&self, mut entry: Entry, status: StatusCode, time: Duration) {
        let Shared { queue, counts, .. } = &*self.0;
        // Anybody can send requests without a good credential.
        if !entry.is_verified && !self.0.unverified.allows_one(Instant::now()) {
            return;
        }
        if entry.is_read() && status.as_u16() < 400 && queue.capacity() < QUEUE / 2 {
            counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let waiting = &counts.waiting_bytes;
        let size = entry.size();
        if waiting.fetch_add(size, Ordering::Relaxed) + size > WAITING_BYTES {
            waiting.fetch_sub(size, Ordering::Relaxed);
            entry.drop_content();
        }
        let size = entry.size();
        if queue.try_send(Message::Request(Box::new(FinishedEntry { entry, status, time }))).is_err() {
            waiting.fetch_sub(size, Ordering::Relaxed);
            counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything that was recorded before has been written, for the end of a process.
    pub async fn flush(&self) {
        let (sender, written) = oneshot::channel();
        if self.0.queue.send(Message::Flush(sender)).await.is_ok() {
            let _ = written.await;
        }
    }

    /// How many requests of known clients this process has not recorded, because they came faster than the database could
    /// take them, or because the database was not available.
    pub fn dropped(&self) -> u64 {
        self.0.counts.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn options(&self) -> &LogOptions {
        &self.0.options
    }

    /// Waits until requests have been written by this process, at most this long: other processes may have written, too.
    pub(crate) async fn wait(&self, written: &mut watch::Receiver<()>, at_most: Duration) {
        if !matches!(tokio::time::timeout(at_most, written.changed()).await, Ok(Ok(())) | Err(_)) {
            // The writer has ended.
            tokio::time::sleep(at_most).await;
        }
    }

    pub(crate) fn written(&self) -> watch::Receiver<()> {
        self.0.written.clone()
    }

    /// The requests that a search finds, the newest first.
    pub(crate) async fn search(&self, search: &Search) -> Result<Vec<LoggedRequest>, DatabaseError> {
        self.0.table.search(search).await
    }

    /// A request with what it contained; `None` if there is none at this position that the tenant may see.
    pub(crate) async fn request(
        &self,
        position: i64,
        tenant: Option<&str>,
    ) -> Result<Option<(LoggedRequest, Vec<Line>)>, DatabaseError> {
        self.0.table.request(position, tenant).await
    }

    /// The clients that have reached milestones: the tenant, the name, and when each was reached.
    pub(crate) async fn milestones(
        &self,
        tenant: Option<&str>,
    ) -> Result<Vec<ClientMilestones>, DatabaseError> {
        self.0.table.milestones(tenant).await
    }

    /// Forgets the milestones of a client, as far as they were reached until now.
    pub(crate) async fn forget_milestones(&self, tenant: &str, client: &str) {
        let (tenant, client) = (tenant.to_owned(), client.to_owned());
        // It waits behind what the client has done before.
        let _ = self.0.queue.send(Message::ForgetMilestones { tenant, client }).await;
        self.flush().await;
    }
}

impl fmt::Debug for ProvisioningLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvisioningLog").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}
