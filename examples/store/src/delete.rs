//! Deleting resources.

use scim_core::{Context, Deleted, ETag, Precondition};

use crate::database::Mode;
use crate::fault::Fault;
use crate::param::params;
use crate::record::version;
use crate::references;
use crate::store::{Store, tenant_of};
use crate::write::{Trace, ask, commit, found};

/// Deletes a resource, takes it out of its groups and out of references such as a manager, which have
/// then changed, and leaves a tombstone.
pub(crate) async fn delete(
    store: &Store,
    cx: &Context<'_>,
    id: &str,
    precondition: &Precondition,
) -> Result<Deleted, Fault> {
    let tenant = tenant_of(cx)?;
    let mut tx = store.database.begin(Mode::Write).await?;
    let rows = tx.rows_of(vec![ask(&tx, cx, &tenant, id, "FOR UPDATE OF r")]).await?;
    let stored = found(rows.into_iter().next(), id)?;
    let version = ETag::from_stored(&version(&stored.resource)?);
    precondition.check(&version)?;

    // Held first, and looked for anew in the statements: who has just left a group does not change it again.
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
    if tx.dialect() == scim_sql::Dialect::Sqlite {
        statements.push(("DELETE FROM search WHERE rowid = ?1", params![stored.place]));
    }
    statements.push((
        "INSERT INTO tombstone (tenant, id, kind, deleted) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.as_str(), id, cx.resource_type().name(), now],
    ));
    references::forget(&mut tx, cx, &store.types(), &tenant, id).await?;
    commit(store, tx, statements, &tenant, id, Trace::Deleted).await?;
    Ok(Deleted { version })
}
