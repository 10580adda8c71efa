//! Deletes a resource.

use scim_core::{ChangedMembers, Context, Deleted, ETag, Precondition, async_trait};

use super::commit::{CommitEvidence, commit};
use super::current::{current, select_current};
use super::events::Events;
use super::references;
use super::restore::keep_statement;
use super::run::{Scope, Write};
use super::value_rows::search_statements;
use crate::database::params;
use crate::outbox::{ChangeKind, NewEvent};
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::tables::{stored_version, tenant_of};

/// Deletes a resource and inserts a tombstone with its id. Keeps what restoring it needs, if the store retains deleted
/// resources. Also removes the resource from its groups, and removes references to it such as `manager`. The groups and the
/// other resources that change get a new version.
pub(crate) struct Delete {
    pub(crate) id: String,
    pub(crate) precondition: Precondition,
}

#[async_trait]
impl Write for Delete {
    type Output = Deleted;

    async fn run(&self, scope: &Scope, cx: &Context<'_>, mut tx: Transaction) -> Result<Deleted, StoreError> {
        let (setup, id) = (&scope.setup, self.id.as_str());
        let tenant = tenant_of(cx)?;
        let rows = tx.query_all(vec![select_current(&tx, cx, &tenant, id, "FOR UPDATE OF r")]).await?;
        let stored = current(rows.into_iter().next(), id)?;
        let version = ETag::from_stored(&stored_version(&stored.resource)?);
        self.precondition.check(&version)?;

        // Locks the groups. Another transaction may remove the resource from a group while this waits for the lock. So
        // the statements below select the groups again, and do not change a group that the resource has left.
        let lock = tx.lock("FOR NO KEY UPDATE OF g");
        let lock_groups = format!(
            "SELECT g.place FROM resource g WHERE g.tenant = ?1 AND g.place IN \
         (SELECT m.place FROM member m WHERE m.tenant = ?1 AND m.member = ?2) ORDER BY g.place {lock}"
        );
        let locked_groups = tx.query(lock_groups, params![tenant.as_str(), id]).await?;
        let group_version = ETag::fresh().to_string();
        let mut events = Events::new(setup);
        // Before the events of the groups, one of which may have such a reference.
        references::remove_all(&mut tx, cx, &setup.layouts(), &tenant, (stored.place, id), &mut events)
            .await?;
        if !locked_groups.is_empty() && events.are_recorded() {
            add_group_events(&mut tx, &tenant, id, &group_version, &mut events).await?;
        }

        let now = cx.now().timestamp_millis();
        let place = || params![tenant.as_str(), stored.place];
        let retention = setup.rules.retention;
        let keep = retention.map(|time| {
            let due = now.saturating_add(time.num_milliseconds());
            keep_statement(&tx, &tenant, stored.place, due)
        });
        let mut statements: Vec<Statement> = keep.into_iter().collect();
        statements.extend([
        (
            "UPDATE resource SET version = ?3, modified = CASE WHEN modified > ?4 THEN modified ELSE ?4 END \
             WHERE tenant = ?1 AND place IN (SELECT m.place FROM member m WHERE m.tenant = ?1 AND m.member = ?2)",
            params![tenant.as_str(), id, group_version, now],
        ),
        ("DELETE FROM member WHERE tenant = ?1 AND member = ?2", params![tenant.as_str(), id]),
        ("DELETE FROM member WHERE tenant = ?1 AND place = ?2", place()),
        ("DELETE FROM value WHERE tenant = ?1 AND place = ?2", place()),
        ("DELETE FROM unique_value WHERE tenant = ?1 AND place = ?2", place()),
        ("DELETE FROM resource WHERE tenant = ?1 AND place = ?2", place()),
    ]);
        statements.extend(search_statements(&tx, stored.place));
        statements.push((
            "INSERT INTO tombstone (tenant, id, kind, deleted) VALUES (?1, ?2, ?3, ?4)",
            params![tenant.as_str(), id, cx.resource_type().name(), now],
        ));
        let mut removed = Vec::new();
        if scope.layout.members.is_some() && events.are_recorded() {
            let sql = "SELECT m.member FROM member m WHERE m.tenant = ?1 AND m.place = ?2 ORDER BY m.added, m.member";
            let rows = tx.query(sql, place()).await?;
            removed.extend(rows.iter().filter_map(|row| row.text(0).map(str::to_owned)));
        }
        events.push(|| NewEvent {
            kind: ChangeKind::Deleted,
            resource_type: cx.resource_type().name().to_owned(),
            id: id.to_owned(),
            version_before: Some(version.to_string()),
            version_after: None,
            attributes: Vec::new(),
            members: ChangedMembers { added: Vec::new(), removed },
        });
        let last = (statements, events.into_statements(setup, cx));
        commit(setup, tx, last, &tenant, id, CommitEvidence::Deleted).await?;
        Ok(Deleted { version })
    }
}

/// Adds the events of the groups from which the resource with this id is removed, and which get this version. Their rows are
/// locked.
async fn add_group_events(
    tx: &mut Transaction,
    tenant: &str,
    id: &str,
    version: &str,
    events: &mut Events,
) -> Result<(), StoreError> {
    let sql = "SELECT g.kind, g.id, g.version FROM resource g WHERE g.tenant = ?1 AND g.place IN \
               (SELECT m.place FROM member m WHERE m.tenant = ?1 AND m.member = ?2) ORDER BY g.place";
    for row in tx.query(sql, params![tenant, id]).await?.iter() {
        let text = |column| row.text(column).map(str::to_owned);
        events.push(|| NewEvent {
            kind: ChangeKind::Updated,
            resource_type: text(0).unwrap_or_default(),
            id: text(1).unwrap_or_default(),
            version_before: text(2),
            version_after: Some(version.to_owned()),
            attributes: Vec::new(),
            members: ChangedMembers { added: Vec::new(), removed: vec![id.to_owned()] },
        });
    }
    Ok(())
}
