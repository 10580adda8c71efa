//! References from one resource to another that are not memberships, such as a manager: when what
//! they refer to is deleted, they go.

use std::sync::Arc;

use scim_core::schema::Target;
use scim_core::{Context, Resource};
use serde_json::Value;

use crate::database::Transaction;
use crate::fault::Fault;
use crate::param::params;
use crate::password;
use crate::record::{COLUMNS, Stored, resource};
use crate::tables::{Tables, refers};
use crate::write::rewrite;

/// How many resources are read at a time.
const BATCH: usize = 500;

/// Takes the references to a resource that is gone out of all resources of these types.
pub(crate) async fn forget(
    tx: &mut Transaction,
    cx: &Context<'_>,
    types: &[Arc<Tables>],
    tenant: &str,
    id: &str,
) -> Result<(), Fault> {
    for tables in types {
        // A resource that cannot be without it keeps it.
        let gives_up = |target: &&Target| refers(target) && !target.attribute().is_required();
        let attributes: Vec<&Target> = tables.on.all_attributes().filter(gives_up).collect();
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
                give_up(tx, cx, tables, tenant, &attributes, &stored, id).await?;
            }
            if rows.len() < BATCH {
                break;
            }
        }
    }
    Ok(())
}

async fn give_up(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    attributes: &[&Target],
    stored: &Stored,
    id: &str,
) -> Result<(), Fault> {
    let mut next = stored.resource.clone();
    for attribute in attributes {
        remove(&mut next, attribute, id);
    }
    if next == stored.resource {
        // Somebody was faster.
        return Ok(());
    }
    tables.on.update_schemas(next.as_map_mut());
    let next = next.stamp_changed(cx, &stored.resource);
    let statements = rewrite(tx, tables, tenant, stored, &next, &password::Change::Keep).await?;
    tx.execute(statements).await?;
    Ok(())
}

/// Removes the references to an id from one attribute, and the attribute and the extension if
/// nothing is left of them.
fn remove(resource: &mut Resource, attribute: &Target, id: &str) {
    let is_gone = |value: &Value| {
        let refers = value.get("value").and_then(Value::as_str);
        let rule = attribute.sub_attribute("value").map(Target::comparison);
        refers.zip(rule).is_some_and(|(refers, rule)| rule.fold(refers) == rule.fold(id))
    };
    let object = resource.as_map_mut();
    let is_empty = match attribute.get_mut(object) {
        Some(Value::Array(list)) => {
            list.retain(|element| !is_gone(element));
            list.is_empty()
        }
        value => value.is_some_and(|value| is_gone(value)),
    };
    if is_empty {
        attribute.remove(object);
    }
}
