//! Removes references to a deleted resource, such as `manager`. Memberships are not references in this sense.

use std::sync::Arc;

use scim_core::schema::AttributeRef;
use scim_core::{ChangedMembers, Context, Resource};
use serde_json::Value;

use super::events::Events;
use super::resource_row::update_statements;
use crate::database::params;
use crate::outbox::ChangeKind;
use crate::password::PasswordChange;
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::read::memberships::equals_any;
use crate::store::tables::{COLUMNS, StoredResource, TypeLayout, is_reference, parse_row};

/// How many resources one query reads.
const BATCH: usize = 500;

/// Removes the references to the deleted resource at a place from all other resources of these types, batch by batch in the
/// order of `place`.
pub(super) async fn remove_all(
    tx: &mut Transaction,
    cx: &Context<'_>,
    layouts: &[Arc<TypeLayout>],
    tenant: &str,
    (place, id): (i64, &str),
    events: &mut Events,
) -> Result<(), StoreError> {
    for layout in layouts {
        let attributes = removable(layout);
        if attributes.is_empty() {
            continue;
        }
        let paths: Vec<Value> = attributes.iter().map(|target| [target.path().as_str()].into()).collect();
        let paths = Value::from(paths).to_string();
        let mut last = 0;
        loop {
            let lock = tx.lock("FOR NO KEY UPDATE OF r");
            let sql = format!(
                "SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.kind = ?3 AND r.place > ?5 AND r.place <> ?6 AND r.place IN \
                 (SELECT v.place FROM value v WHERE v.tenant = ?1 AND v.value = ?4 \
                 AND v.attribute IN (SELECT e.value->>0 FROM json_each(?2) e)) \
                 ORDER BY r.place LIMIT {BATCH} {lock}"
            );
            let params = params![tenant, paths.as_str(), layout.resource_type.name(), id, last, place];
            let rows = tx.query(sql, params).await?;
            for row in rows.iter() {
                let stored = parse_row(row)?;
                last = stored.place;
                remove_from(tx, cx, (layout, &attributes), tenant, &stored, id, events).await?;
            }
            if rows.len() < BATCH {
                break;
            }
        }
    }
    Ok(())
}

/// The attributes from which references to deleted resources are removed. Without a required attribute the resource would not
/// be valid, so it keeps the reference.
fn removable(layout: &TypeLayout) -> Vec<&AttributeRef> {
    let is_removed = |target: &&AttributeRef| is_reference(target) && !target.attribute().is_required();
    layout.resource_type.all_attributes().filter(is_removed).collect()
}

/// Removes the references to resources that were deleted from a resource that is restored.
pub(super) async fn remove_deleted(
    tx: &mut Transaction,
    layout: &TypeLayout,
    tenant: &str,
    resource: &mut Resource,
) -> Result<(), StoreError> {
    let attributes = removable(layout);
    let values = attributes.iter().filter_map(|target| target.sub_attribute("value"));
    let ids: Vec<&str> =
        values.flat_map(|value| value.values(resource.as_map())).filter_map(Value::as_str).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (comparison, ids) = equals_any(ids)?;
    let sql = format!("SELECT d.id FROM tombstone d WHERE d.tenant = ?1 AND d.id {comparison}");
    for row in tx.query(sql, params![tenant, ids]).await?.iter() {
        for attribute in &attributes {
            remove_reference(resource, attribute, row.text(0).unwrap_or_default());
        }
    }
    layout.resource_type.update_schemas(resource.as_map_mut());
    Ok(())
}

/// Removes the references from one resource.
async fn remove_from(
    tx: &mut Transaction,
    cx: &Context<'_>,
    (layout, attributes): (&TypeLayout, &[&AttributeRef]),
    tenant: &str,
    stored: &StoredResource,
    id: &str,
    events: &mut Events,
) -> Result<(), StoreError> {
    let mut next = stored.resource.clone();
    for attribute in attributes {
        remove_reference(&mut next, attribute, id);
    }
    if next == stored.resource {
        // The index matched but the document has no such reference: another transaction has removed it.
        return Ok(());
    }
    layout.resource_type.update_schemas(next.as_map_mut());
    let next = next.stamp_changed(cx, &stored.resource);
    let statements = update_statements(tx, layout, tenant, stored, &next, &PasswordChange::Keep).await?;
    tx.execute(statements).await?;
    events.push_change(ChangeKind::Updated, layout, stored, &next, None, ChangedMembers::default);
    Ok(())
}

/// Removes the references to an id from one attribute. If nothing else is in the attribute, removes it, and its
/// extension if that is then empty.
fn remove_reference(resource: &mut Resource, attribute: &AttributeRef, id: &str) {
    let is_deleted = |value: &Value| {
        let refers = value.get("value").and_then(Value::as_str);
        let rule = attribute.sub_attribute("value").map(AttributeRef::comparison);
        refers.zip(rule).is_some_and(|(refers, rule)| rule.fold(refers) == rule.fold(id))
    };
    let object = resource.as_map_mut();
    let is_empty = match attribute.get_mut(object) {
        Some(Value::Array(list)) => {
            list.retain(|element| !is_deleted(element));
            list.is_empty()
        }
        value => value.is_some_and(|value| is_deleted(value)),
    };
    if is_empty {
        attribute.remove(object);
    }
}
