//! Removes the references to a resource that is deleted, other than memberships: `manager`, for example.

use std::sync::Arc;

use scim_core::schema::AttributeRef;
use scim_core::{Context, Resource};
use serde_json::Value;

use super::password;
use super::resource_row::rewrite;
use crate::database::{Transaction, params};
use crate::error::Fault;
use crate::tables::{COLUMNS, Stored, Tables, is_reference, resource};

/// How many resources are read at a time.
const BATCH: usize = 500;

/// Removes the references to a deleted resource from all resources of these types.
pub(super) async fn remove_all(
    tx: &mut Transaction,
    cx: &Context<'_>,
    types: &[Arc<Tables>],
    tenant: &str,
    id: &str,
) -> Result<(), Fault> {
    for tables in types {
        // A required attribute keeps its reference.
        let is_removed = |target: &&AttributeRef| is_reference(target) && !target.attribute().is_required();
        let attributes: Vec<&AttributeRef> = tables.on.all_attributes().filter(is_removed).collect();
        if attributes.is_empty() {
            continue;
        }
        let paths: Vec<Value> = attributes.iter().map(|target| [target.path().as_str()].into()).collect();
        let paths = Value::from(paths).to_string();
        let mut last = 0;
        loop {
            let lock = tx.lock("FOR NO KEY UPDATE OF r");
            let sql = format!(
                "SELECT {COLUMNS} FROM resource r WHERE r.kind = ?3 AND r.place > ?5 AND r.place IN \
                 (SELECT v.place FROM value v WHERE v.tenant = ?1 AND v.value = ?4 \
                 AND v.attribute IN (SELECT e.value->>0 FROM json_each(?2) e)) \
                 ORDER BY r.place LIMIT {BATCH} {lock}"
            );
            let params = params![tenant, paths.as_str(), tables.on.name(), id, last];
            let rows = tx.rows(sql, params).await?;
            for row in rows.iter() {
                let stored = resource(row)?;
                last = stored.place;
                remove_from(tx, cx, tables, tenant, &attributes, &stored, id).await?;
            }
            if rows.len() < BATCH {
                break;
            }
        }
    }
    Ok(())
}

/// Removes the references from one resource.
async fn remove_from(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    attributes: &[&AttributeRef],
    stored: &Stored,
    id: &str,
) -> Result<(), Fault> {
    let mut next = stored.resource.clone();
    for attribute in attributes {
        remove_reference(&mut next, attribute, id);
    }
    if next == stored.resource {
        // Another transaction has already removed them.
        return Ok(());
    }
    tables.on.update_schemas(next.as_map_mut());
    let next = next.stamp_changed(cx, &stored.resource);
    let statements = rewrite(tx, tables, tenant, stored, &next, &password::Change::Keep).await?;
    tx.execute(statements).await?;
    Ok(())
}

/// Removes the references to an id from one attribute, and the attribute and the extension if they are then
/// empty.
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
