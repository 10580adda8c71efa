//! The outbox: the events of changes, which are written in the transactions of the changes.

// - `event`: the events that are read.
// - `tables`: the tables, and what their statements have in common.
// - `tenant_keys`: the names of tenants in the tables.
// - `record`: writes events; both stores use it.
// - `prune`: deletes old events.
mod event;
mod prune;
mod record;
mod tables;
mod tenant_keys;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use scim_core::{ETag, Error, Result};
use tokio::sync::watch;

pub use event::{ChangeEvent, ChangeKind, EventBatch};
pub(crate) use record::{EventLog, NewEvent, changed_attributes};
pub(crate) use tables::{EVENT_COLUMNS, OutboxTables, READER_COLUMNS};
pub(crate) use tenant_keys::TenantKeys;

use crate::database::{Database, DatabaseError, Mode, Row, Rows, Statement, params};

/// The number of seconds after which a reader may try again.
const RETRY_AFTER: u32 = 1;

/// The longest name of a reader, in bytes.
const MAX_NAME: usize = 200;

/// Reads the changes of resources, to tell them to other systems: each change that was committed, at least once and in order,
/// also if the process was killed right after the commit.
///
/// [`Store::record_events`](crate::Store::record_events) or
/// [`TableStoreBuilder::events_table`](crate::TableStoreBuilder::events_table) make the store record them. A reader
/// has a name, under which the outbox remembers how far it has come in each tenant. It acknowledges a batch after it has
/// delivered it; if it stops before that, it reads the batch again. So the receiver must accept an event twice.
///
/// Two readers with one name would both deliver each event: let one process at a time do it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use scim_store::{ChangeEvent, Outbox, Store};
///
/// async fn deliver_new_events(outbox: &Outbox) -> scim_core::Result<()> {
///     for tenant in outbox.tenants_with_events("crm").await? {
///         let tenant = tenant.as_deref();
///         let mut position = outbox.acknowledged(tenant, "crm").await?;
///         loop {
///             let batch = outbox.events(tenant, position, 100).await?;
///             if batch.position == position {
///                 break;
///             }
///             if batch.missed {
///                 eprintln!("events were pruned: compare all users and groups");
///             }
///             for event in &batch.events {
///                 deliver(event).await?;
///             }
///             position = batch.position;
///             outbox.acknowledge(tenant, "crm", position).await?;
///         }
///     }
///     Ok(())
/// }
///
/// async fn deliver(event: &ChangeEvent) -> scim_core::Result<()> {
///     println!("{} {} was {}", event.resource_type, event.id, event.kind.as_str());
///     Ok(())
/// }
///
/// let store = Store::open("sqlite::memory:").await?.record_events();
/// let mut outbox = store.outbox();
/// // In a task of its own:
/// # for _ in 0..1 {
/// // loop {
///     if let Err(error) = deliver_new_events(&outbox).await {
///         eprintln!("events are delivered later: {error}");
///     }
///     outbox.wait(Duration::from_secs(10)).await;
/// // }
/// # break;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Outbox {
    database: Arc<dyn Database>,
    log: EventLog,
    changes: watch::Receiver<()>,
}

impl Outbox {
    /// The tenants that have events which this reader has not acknowledged; `None` is the tenant of resources without one.
    /// This looks at each tenant that has ever had an event.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn tenants_with_events(&self, reader: &str) -> Result<Vec<Option<String>>> {
        let reader = checked_name(reader)?;
        let sql = "SELECT p.tenant FROM {readers} p LEFT JOIN {readers} r ON r.tenant = p.tenant AND r.name = ?1 \
                   WHERE p.name = '' AND (p.position > coalesce(r.position, 0) OR EXISTS (SELECT 1 FROM {events} e \
                   WHERE e.tenant = p.tenant AND e.position > coalesce(r.position, 0))) ORDER BY p.tenant";
        let rows = self.query(Mode::Single, vec![self.tables().statement(sql, params![reader])]).await;
        let rows = rows.map_err(into_error)?;
        let tenants = rows.iter().flat_map(Rows::iter).filter_map(|row| row.text(0));
        Ok(tenants.map(|tenant| self.log.tenants.decode(tenant)).collect())
    }

    /// The events of a tenant after a position, at most `limit`. Before the first event is position 0.
    ///
    /// On PostgreSQL this waits until the transactions that have recorded an event of the tenant are committed, and
    /// those that are about to record one wait for it. So it never returns an event before an earlier one.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn events(&self, tenant: Option<&str>, after: i64, limit: u32) -> Result<EventBatch> {
        let key = self.log.tenants.encode(tenant);
        let pruned = "SELECT r.position FROM {readers} r WHERE r.tenant = ?1 AND r.name = ''";
        let events = format!(
            "SELECT e.position, e.time, e.resource_type, e.resource_id, e.kind, e.version_before, e.version_after, \
             e.principal, e.attributes, e.added_members, e.removed_members FROM {{events}} e \
             WHERE e.tenant = ?1 AND e.position > ?2 ORDER BY e.position LIMIT {limit}"
        );
        let tables = self.tables();
        let statements = vec![
            tables.statement(pruned, params![key.as_str()]),
            tables.statement(&events, params![key.as_str(), after]),
        ];
        let rows = self.query_in_order(&key, statements).await.map_err(into_error)?;
        let pruned = rows.first().and_then(|rows| rows.first()?.int(0)).unwrap_or(0);
        let found = rows.get(1).into_iter().flat_map(Rows::iter);
        let events = found.map(|row| parse(row, tenant)).collect::<Result<Vec<_>>>()?;
        let position = events.last().map_or_else(|| after.max(pruned), |event| event.position);
        Ok(EventBatch { events, position, missed: pruned > after })
    }

    /// How far a reader has come in a tenant: the position that it has acknowledged, or 0.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn acknowledged(&self, tenant: Option<&str>, reader: &str) -> Result<i64> {
        let key = self.log.tenants.encode(tenant);
        let sql = "SELECT r.position FROM {readers} r WHERE r.tenant = ?1 AND r.name = ?2";
        let statement = self.tables().statement(sql, params![key, checked_name(reader)?]);
        let rows = self.query(Mode::Single, vec![statement]).await.map_err(into_error)?;
        Ok(rows.first().and_then(|rows| rows.first()?.int(0)).unwrap_or(0))
    }

    /// Remembers that a reader has delivered the events of a tenant up to a position. A reader does not go back: a smaller
    /// position than before changes nothing.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    pub async fn acknowledge(&self, tenant: Option<&str>, reader: &str, position: i64) -> Result<()> {
        let key = self.log.tenants.encode(tenant);
        let insert = "INSERT INTO {readers} (tenant, name, position) VALUES (?1, ?2, 0) ON CONFLICT (tenant, name) DO NOTHING";
        let update = "UPDATE {readers} SET position = ?3 WHERE tenant = ?1 AND name = ?2 AND position < ?3";
        let insert = self.tables().statement(insert, params![key.as_str(), checked_name(reader)?]);
        let update = self.tables().statement(update, params![key.as_str(), reader, position]);
        let write = async { self.database.begin(Mode::Write).await?.commit(vec![insert, update]).await };
        write.await.map(drop).map_err(into_error)
    }

    /// Deletes the events that are older than a time, and of each tenant all but the latest `keep` ones, also if no
    /// reader has acknowledged them; see [`EventBatch::missed`]. Works in small transactions, tenant by tenant. Returns
    /// how many events were deleted.
    ///
    /// # Errors
    ///
    /// If the database does not answer. What was deleted until then stays deleted.
    pub async fn prune(&self, older_than: DateTime<Utc>, keep: u32) -> Result<u64> {
        prune::prune(self, older_than, keep).await.map_err(into_error)
    }

    /// Waits until a request to this store, or to a clone of it, has committed a change since the last call, at most this
    /// long. Then look for events in any case: other processes on the database do not end the wait, and neither does a
    /// request whose client has disconnected during the commit.
    pub async fn wait(&mut self, at_most: Duration) {
        // This value has the sender too, so that there is no error.
        let _ = tokio::time::timeout(at_most, self.changes.changed()).await;
    }

    fn tables(&self) -> &OutboxTables {
        &self.log.tables
    }

    async fn query(&self, mode: Mode, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.database.begin(mode).await?.query(statements).await
    }

    /// Runs queries that must not see an event of the tenant before an earlier one.
    async fn query_in_order(
        &self,
        tenant: &str,
        statements: Vec<Statement>,
    ) -> Result<Vec<Rows>, DatabaseError> {
        let Some(lock) = self.tables().lock_for_reader(tenant) else {
            return self.query(Mode::Read, statements).await;
        };
        // Each statement of a transaction that may write sees what was committed before the statement began. The statements
        // of one that only reads would not see what was committed while it waited for the lock.
        let tx = self.database.begin(Mode::Write).await?;
        let mut rows = tx.commit([lock].into_iter().chain(statements).collect()).await?;
        Ok(rows.split_off(rows.len().min(1)))
    }
}

/// The event in a row.
fn parse(row: Row<'_>, tenant: Option<&str>) -> Result<ChangeEvent> {
    let damaged = || Error::internal("a row in the table of events is damaged");
    let text = |column| row.text(column).map(str::to_owned);
    let list = |column| {
        let json = row.text(column).ok_or_else(damaged)?;
        serde_json::from_str::<Vec<String>>(json).map_err(Error::internal)
    };
    let time = row.int(1).and_then(DateTime::from_timestamp_millis);
    Ok(ChangeEvent {
        position: row.int(0).ok_or_else(damaged)?,
        time: time.ok_or_else(damaged)?,
        tenant: tenant.map(str::to_owned),
        resource_type: text(2).ok_or_else(damaged)?,
        id: text(3).ok_or_else(damaged)?,
        kind: row.text(4).and_then(ChangeKind::from_name).ok_or_else(damaged)?,
        version_before: row.text(5).map(ETag::from_stored),
        version_after: row.text(6).map(ETag::from_stored),
        principal: text(7),
        attributes: list(8)?,
        added_members: list(9)?,
        removed_members: list(10)?,
    })
}

/// The name of a reader.
///
/// # Errors
///
/// If it is empty or too long, or contains U+0000.
fn checked_name(name: &str) -> Result<&str> {
    match name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        true => Err(Error::internal(format!(
            "the name of a reader is empty, longer than {MAX_NAME} bytes, or contains U+0000"
        ))),
        false => Ok(name),
    }
}

fn into_error(error: DatabaseError) -> Error {
    match error {
        DatabaseError::Unavailable(source)
        | DatabaseError::CommitUnknown(source)
        | DatabaseError::Conflict(source) => Error::unavailable(RETRY_AFTER).with_source(source),
        other => Error::internal(other),
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("database", &self.database)
            .field("tables", &self.log.tables)
            .finish_non_exhaustive()
    }
}
