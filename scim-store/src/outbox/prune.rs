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
    let (mut pruned, mut tenant) = (0, String::new());
    while let Some(next) = next_tenant(outbox, &tenant).await? {
        tenant = next;
        let until = position_until(outbox, &tenant, older_than.timestamp_millis(), keep).await?;
        loop {
            let deleted = delete_until(outbox, &tenant, until).await?;
            pruned += deleted as u64;
            if deleted < PRUNED_AT_ONCE {
                break;
            }
        }
    }
    Ok(pruned)
}

/// The first tenant after this one that has had events.
async fn next_tenant(outbox: &Outbox, tenant: &str) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT min(r.tenant) FROM {readers} r WHERE r.tenant > ?1 AND r.name = ''";
    let rows = outbox.query(Mode::Single, vec![outbox.tables().statement(sql, params![tenant])]).await?;
    Ok(first_text(&rows).map(str::to_owned))
}

/// The position up to which the events of a tenant are deleted.
async fn position_until(outbox: &Outbox, tenant: &str, time: i64, keep: u32) -> Result<i64, DatabaseError> {
    let tables = outbox.tables();
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    // Times are those of the requests, so they need not be in the order of the positions. The oldest event that is to be kept
    // keeps all that come after it.
    let statements = [
        ("SELECT max(e.position) FROM {events} e WHERE e.tenant = ?1".to_owned(), params![tenant]),
        (
            "SELECT e.position - 1 FROM {events} e WHERE e.tenant = ?1 AND e.time >= ?2 ORDER BY e.position LIMIT 1"
                .to_owned(),
            params![tenant, time],
        ),
        (
            format!(
                "SELECT e.position FROM {{events}} e WHERE e.tenant = ?1 ORDER BY e.position DESC LIMIT 1 OFFSET {keep}"
            ),
            params![tenant],
        ),
    ];
    let statements = statements.into_iter().map(|(sql, params)| tables.statement(&sql, params));
    // A transaction that has taken a position and is not committed must not be overtaken.
    let rows = outbox.query_in_order(tenant, statements.collect()).await?;
    let position = |index: usize| rows.get(index).and_then(|rows| rows.first()?.int(0));
    let Some(last) = position(0) else { return Ok(0) };
    let by_time = position(1).unwrap_or(last);
    Ok(by_time.max(position(2).unwrap_or(0)))
}

/// Deletes the oldest events up to a position. Returns how many.
async fn delete_until(outbox: &Outbox, tenant: &str, until: i64) -> Result<usize, DatabaseError> {
    let tables = outbox.tables();
    let sql = format!(
        "DELETE FROM {{events}} WHERE tenant = ?1 AND position IN (SELECT e.position FROM {{events}} e \
         WHERE e.tenant = ?1 AND e.position <= ?2 ORDER BY e.position LIMIT {PRUNED_AT_ONCE}) RETURNING position"
    );
    let mut tx = outbox.database.begin(Mode::Write).await?;
    let deleted = tx.query(vec![tables.statement(&sql, params![tenant, until])]).await?;
    let positions = || deleted.iter().flat_map(Rows::iter).filter_map(|row| row.int(0));
    let Some(last) = positions().max() else { return Ok(0) };
    let sql = "UPDATE {readers} SET position = ?2 WHERE tenant = ?1 AND name = '' AND position < ?2";
    tx.commit(vec![tables.statement(sql, params![tenant, last])]).await?;
    Ok(positions().count())
}

fn first_text(rows: &[Rows]) -> Option<&str> {
    rows.first()?.first()?.text(0)
}
