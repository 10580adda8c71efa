//! Deletes old events.

use chrono::{DateTime, Utc};

use super::Outbox;
use crate::database::{DatabaseError, Mode, Rows, params};

/// How many events one transaction deletes.
const PRUNED_AT_ONCE: usize = 1_000;

/// Deletes the events that are older than a time, and the oldest ones of each tenant if there are more than this number, tenant
/// by tenant. Returns how many were deleted.
pub(super) async fn prune(
    outbox: &Outbox,
    older_than: DateTime<Utc>,
    keep: u32,
) -> Result<u64, DatabaseError> {
    let (mut pruned, mut tenant) = (0, None);
    while let Some(next) = next_tenant(outbox, tenant.as_deref()).await? {
        pruned += prune_tenant(outbox, &next, older_than.timestamp_millis(), keep).await?;
        tenant = Some(next);
    }
    Ok(pruned)
}

/// The first tenant after this one that has had events.
async fn next_tenant(outbox: &Outbox, after: Option<&str>) -> Result<Option<String>, DatabaseError> {
    let first = "SELECT min(r.tenant) FROM {readers} r WHERE r.name = ''";
    let tables = outbox.tables();
    let statement = match after {
        None => tables.statement(first, params![]),
        Some(after) => tables.statement(&format!("{first} AND r.tenant > ?1"), params![after]),
    };
    let rows = outbox.query(Mode::Single, vec![statement]).await?;
    Ok(rows.first().and_then(|rows| rows.first()?.text(0).map(str::to_owned)))
}

/// Deletes the events of a tenant that are older than a time, or are not among the latest `keep`.
async fn prune_tenant(outbox: &Outbox, tenant: &str, time: i64, keep: u32) -> Result<u64, DatabaseError> {
    let tables = outbox.tables();
    let last = "SELECT max(e.position) FROM {events} e WHERE e.tenant = ?1";
    // After this, no event up to the last one is still to be committed.
    let rows = outbox.query_in_order(tenant, vec![tables.statement(last, params![tenant])]).await?;
    let Some(last) = first_position(&rows) else { return Ok(0) };
    let surplus = format!(
        "SELECT e.position FROM {{events}} e WHERE e.tenant = ?1 ORDER BY e.position DESC LIMIT 1 OFFSET {keep}"
    );
    let rows = outbox.query(Mode::Single, vec![tables.statement(&surplus, params![tenant])]).await?;
    let surplus = first_position(&rows).unwrap_or(0);
    let oldest = format!(
        "SELECT e.position, e.time FROM {{events}} e WHERE e.tenant = ?1 AND e.position <= ?2 \
         ORDER BY e.position LIMIT {PRUNED_AT_ONCE}"
    );
    let mut pruned = 0;
    loop {
        let statement = tables.statement(&oldest, params![tenant, last]);
        let rows = outbox.query(Mode::Single, vec![statement]).await?;
        let found = rows.first().into_iter().flat_map(Rows::iter);
        let found: Vec<(i64, i64)> = found.filter_map(|row| Some((row.int(0)?, row.int(1)?))).collect();
        // Times are those of the requests, so they need not be in the order of the positions. The oldest event that is to be
        // kept keeps all that come after it.
        let due = found.iter().take_while(|(position, at)| *position <= surplus || *at < time);
        let due: Vec<i64> = due.map(|(position, _)| *position).collect();
        if let Some(until) = due.last() {
            delete_until(outbox, tenant, *until).await?;
        }
        pruned += due.len() as u64;
        if due.len() < PRUNED_AT_ONCE {
            return Ok(pruned);
        }
    }
}

/// Deletes the events up to a position, and notes it for the readers that come later.
async fn delete_until(outbox: &Outbox, tenant: &str, until: i64) -> Result<(), DatabaseError> {
    let tables = outbox.tables();
    let delete = "DELETE FROM {events} WHERE tenant = ?1 AND position <= ?2";
    let note = "UPDATE {readers} SET position = ?2 WHERE tenant = ?1 AND name = '' AND position < ?2";
    // With the lock, a reader sees both or neither.
    let statements = tables.lock_for_reader(tenant).into_iter();
    let statements =
        statements.chain([delete, note].map(|sql| tables.statement(sql, params![tenant, until]))).collect();
    outbox.database.begin(Mode::Write).await?.commit(statements).await.map(drop)
}

fn first_position(rows: &[Rows]) -> Option<i64> {
    rows.first()?.first()?.int(0)
}
