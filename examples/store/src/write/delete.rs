//! Deletes a resource.

use scim_core::{Context, Deleted, ETag, Precondition};
use scim_sql::Dialect;

use super::commit::{CommitEvidence, commit};
use super::current::{current, select_current};
use super::references;
use crate::database::{Mode, params};
use crate::error::Fault;
use crate::setup::Setup;
use crate::tables::{tenant_of, version};

/// Deletes a resource and leaves a tombstone. Removes the resource from its groups, and from references such as
/// `manager`; the resources that lose them get a new version.
pub(crate) async fn delete(
    setup: &Setup,
    cx: &Context<'_>,
    id: &str,
    precondition: &Precondition,
) -> Result<Deleted, Fault> {
    let tenant = tenant_of(cx)?;
    let mut tx = setup.database.begin(Mode::Write).await?;
    let rows = tx.rows_of(vec![select_current(&tx, cx, &tenant, id, "FOR UPDATE OF r")]).await?;
    let stored = current(rows.into_iter().next(), id)?;
    let version = ETag::from_stored(&version(&stored.resource)?);
    precondition.check(&version)?;

    // The groups are locked first, and the statements below look for them again: a group that the resource has
    // just left is not changed.
    let lock = tx.lock("FOR NO KEY UPDATE OF g");
    let groups = format!(
        "SELECT g.place FROM resource g WHERE g.place IN \
         (SELECT m.place FROM member m WHERE m.tenant = ?1 AND m.member = ?2) ORDER BY g.place {lock}"
    );
    tx.rows(groups, params![tenant.as_str(), id]).await?;

    let now = cx.now().timestamp_millis();
    let mut statements = vec![
        (
            "UPDATE resource SET version = ?3, modified = CASE WHEN modified > ?4 THEN modified ELSE ?4 END \
             WHERE place IN (SELECT m.place FROM member m WHERE m.tenant = ?1 AND m.member = ?2)",
            params![tenant.as_str(), id, ETag::fresh().to_string(), now],
        ),
        ("DELETE FROM member WHERE tenant = ?1 AND member = ?2", params![tenant.as_str(), id]),
        ("DELETE FROM member WHERE place = ?1", params![stored.place]),
        ("DELETE FROM value WHERE place = ?1", params![stored.place]),
        ("DELETE FROM unique_value WHERE place = ?1", params![stored.place]),
        ("DELETE FROM resource WHERE place = ?1", params![stored.place]),
    ];
    if tx.dialect() == Dialect::Sqlite {
        statements.push(("DELETE FROM search WHERE rowid = ?1", params![stored.place]));
    }
    statements.push((
        "INSERT INTO tombstone (tenant, id, kind, deleted) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.as_str(), id, cx.resource_type().name(), now],
    ));
    references::remove_all(&mut tx, cx, &setup.types(), &tenant, id).await?;
    commit(setup, tx, statements, &tenant, id, CommitEvidence::Deleted).await?;
    Ok(Deleted { version })
}
