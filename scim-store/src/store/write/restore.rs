//! Keeps deleted resources, restores them, and deletes them for good.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{Context, Error, Resource, async_trait};
use scim_sql::Dialect;
use serde_json::Value;

use super::new_resource::{NewResource, Origin};
use super::references;
use super::run::{Scope, Write};
use crate::database::{Mode, params};
use crate::outbox::ChangeKind;
use crate::password::PasswordChange;
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::read::memberships::{equals_any, stored_element};
use crate::store::setup::Setup;
use crate::store::tables::{TypeLayout, parse_row, tenant_of};

/// How many resources one transaction deletes for good.
const PURGED_AT_ONCE: usize = 500;

/// The statement that keeps the resource at `place`, before its rows are deleted.
pub(super) fn keep_statement(tx: &Transaction, tenant: &str, place: i64, due: i64) -> Statement {
    macro_rules! keep {
        ($members:literal) => {
            concat!(
                "INSERT INTO deleted_resource (tenant, id, kind, version, created, modified, due, document, \
                 adopted_by, members, password) SELECT r.tenant, r.id, r.kind, r.version, r.created, r.modified, CAST(?3 AS bigint), \
                 r.document, r.adopted_by, coalesce((SELECT ",
                $members,
                " FROM member m WHERE m.tenant = ?1 AND m.place = ?2), '[]'), r.password \
                 FROM resource r WHERE r.tenant = ?1 AND r.place = ?2"
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            keep!("json_group_array(json_array(m.member, m.element) ORDER BY m.added, m.member)")
        }
        _ => {
            keep!("CAST(json_agg(json_build_array(m.member, m.element) ORDER BY m.added, m.member) AS text)")
        }
    };
    (sql, params![tenant, place, due])
}

/// Restores a deleted resource, and returns it with its members.
pub(crate) struct Restore {
    pub(crate) id: String,
}

#[async_trait]
impl Write for Restore {
    type Output = Resource;

    /// # Errors
    ///
    /// If the resource is not kept, or if another resource has one of its unique values.
    async fn run(
        &self,
        scope: &Scope,
        cx: &Context<'_>,
        mut tx: Transaction,
    ) -> Result<Resource, StoreError> {
        let (layout, id) = (&*scope.layout, self.id.as_str());
        let tenant = tenant_of(cx)?;
        let lock = tx.lock("FOR UPDATE");
        let sql = format!(
            "SELECT CAST(0 AS bigint), d.id, d.version, d.created, d.modified, d.document, d.members, d.password \
         FROM deleted_resource d WHERE d.tenant = ?1 AND d.id = ?2 AND d.kind = ?3 {lock}"
        );
        let rows = tx.query(sql, params![tenant.as_str(), id, cx.resource_type().name()]).await?;
        let row = rows.first().ok_or_else(|| StoreError::Refused(Error::not_found(id)))?;
        let before = parse_row(row)?.resource;
        let mut resource = before.clone().stamp_changed(cx, &before);
        references::remove_deleted(&mut tx, layout, &tenant, &mut resource).await?;
        if let Some(list) = &layout.members {
            let keep_unknown = scope.setup.rules.keep_unknown_members;
            let members = members(&mut tx, &tenant, row.text(6).unwrap_or("[]"), keep_unknown).await?;
            resource.as_map_mut().insert(list.attribute().name().to_owned(), Value::Array(members));
        }
        let password = match row.text(7) {
            Some(hash) => PasswordChange::Set(hash.to_owned()),
            None => PasswordChange::Keep,
        };
        let statements: Vec<Statement> = vec![
            ("DELETE FROM tombstone WHERE tenant = ?1 AND id = ?2", params![tenant.as_str(), id]),
            (
                "UPDATE resource SET adopted_by = (SELECT d.adopted_by FROM deleted_resource d \
             WHERE d.tenant = ?1 AND d.id = ?2) WHERE tenant = ?1 AND id = ?2",
                params![tenant.as_str(), id],
            ),
            ("DELETE FROM deleted_resource WHERE tenant = ?1 AND id = ?2", params![tenant.as_str(), id]),
        ];
        let version_before = before.text("meta.version").map(str::to_owned);
        let origin = Origin { kind: ChangeKind::Restored, version_before, statements };
        NewResource::new(layout, resource)?.insert(scope, cx, tx, &password, origin).await
    }
}

/// The members of a deleted group. Those that do not exist any more are left out, unless unknown members are kept.
async fn members(
    tx: &mut Transaction,
    tenant: &str,
    json: &str,
    keep_unknown: bool,
) -> Result<Vec<Value>, StoreError> {
    let pairs: Vec<(String, Option<String>)> = serde_json::from_str(json)?;
    let mut existing = HashSet::new();
    if !pairs.is_empty() && !keep_unknown {
        let (comparison, ids) = equals_any(pairs.iter().map(|(id, _)| id.as_str()))?;
        let sql = format!("SELECT r.id FROM resource r WHERE r.tenant = ?1 AND r.id {comparison}");
        let rows = tx.query(sql, params![tenant, ids]).await?;
        existing.extend(rows.iter().filter_map(|row| row.text(0).map(str::to_owned)));
    }
    let kept = pairs.into_iter().filter(|(id, _)| keep_unknown || existing.contains(id));
    kept.map(|(id, element)| {
        let mut element = stored_element(element.as_deref())?;
        element.insert("value".to_owned(), Value::from(id));
        Ok(Value::Object(element))
    })
    .collect()
}

/// The layout of the type of a deleted resource.
///
/// # Errors
///
/// If the resource is not kept, or if no service with the store has its type.
pub(crate) async fn type_of_deleted(
    setup: &Setup,
    tenant: &str,
    id: &str,
) -> Result<Arc<TypeLayout>, StoreError> {
    // PostgreSQL refuses a parameter with this character.
    if id.contains('\0') {
        return Err(StoreError::Refused(Error::not_found(id)));
    }
    let mut tx = setup.database.begin(Mode::Single).await?;
    let sql = "SELECT d.kind FROM deleted_resource d WHERE d.tenant = ?1 AND d.id = ?2";
    let rows = tx.query(sql, params![tenant, id]).await?;
    let kind = rows.first().and_then(|row| row.text(0));
    let kind = kind.ok_or_else(|| StoreError::Refused(Error::not_found(id)))?;
    let layout = setup.layouts().into_iter().find(|layout| layout.resource_type.name() == kind);
    layout.ok_or_else(|| {
        StoreError::internal("no service with this store has the resource type of the deleted resource")
    })
}

/// Deletes the kept resources that are due. Returns their number.
pub(crate) async fn purge(setup: &Setup, now: i64) -> Result<u64, StoreError> {
    let (mut purged, mut tenant) = (0, String::new());
    loop {
        let mut tx = setup.database.begin(Mode::Single).await?;
        let sql = "SELECT min(d.tenant) FROM deleted_resource d WHERE d.tenant > ?1";
        let rows = tx.query(sql, params![tenant.as_str()]).await?;
        let Some(next) = rows.first().and_then(|row| row.text(0)) else { return Ok(purged) };
        next.clone_into(&mut tenant);
        drop(tx);
        loop {
            let mut tx = setup.database.begin(Mode::Write).await?;
            let sql = format!(
                "DELETE FROM deleted_resource WHERE tenant = ?1 AND id IN (SELECT d.id FROM deleted_resource d \
                 WHERE d.tenant = ?1 AND d.due <= ?2 ORDER BY d.due LIMIT {PURGED_AT_ONCE}) RETURNING id"
            );
            let deleted = tx.query(sql, params![tenant.as_str(), now]).await?.len();
            tx.commit(Vec::new(), Vec::new()).await?;
            purged += deleted as u64;
            if deleted < PURGED_AT_ONCE {
                break;
            }
        }
    }
}
