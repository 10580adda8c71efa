//! The rows beside a resource: the values that filters look for, and those that must be unique.

use std::collections::BTreeSet;

use scim_sql::Dialect;
use serde_json::{Value, json};

use crate::database::{Statement, Transaction};
use crate::fault::Fault;
use crate::param::params;
use crate::record::{Element, Record};
use crate::tables::Tables;

/// Claims the values that no other resource may have, one by one, so that it is known which of them
/// another has. Returns the statements that give up those that it has no more, which it may not have
/// claimed if they did not have to be unique then.
pub(crate) async fn claim(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    place: i64,
    before: Option<&Record>,
    after: &Record,
) -> Result<Vec<Statement>, Fault> {
    let none = BTreeSet::new();
    let (old, kind) = (before.map_or(&none, |record| &record.unique), tables.on.name());
    let sql = "INSERT INTO unique_value (tenant, kind, attribute, value, place) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (attribute, value) in after.unique.difference(old) {
        let params = params![tenant, kind, attribute.as_str(), value.as_str(), place];
        tx.execute(vec![(sql, params)]).await.map_err(|fault| match fault {
            Fault::Taken(_) => Fault::Taken(Some(attribute.clone())),
            other => other,
        })?;
    }
    let sql = "DELETE FROM unique_value \
               WHERE tenant = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND place = ?5";
    let gone = old
        .difference(&after.unique)
        .map(|(attribute, value)| (sql, params![tenant, kind, attribute.as_str(), value.as_str(), place]));
    Ok(gone.collect())
}

/// The statements that bring the rows of `value`, and the search index, from one state to another.
pub(crate) fn values(
    dialect: Dialect,
    tenant: &str,
    place: i64,
    before: Option<&Record>,
    after: &Record,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    let none = BTreeSet::new();
    let old = before.map_or(&none, |record| &record.values);
    let gone: Vec<Value> =
        old.difference(&after.values).map(|row| json!([row.attribute, row.number])).collect();
    if !gone.is_empty() {
        statements.push((
            "DELETE FROM value WHERE place = ?1 AND (attribute, element) IN \
             (SELECT e.value->>0, CAST(e.value->>1 AS bigint) FROM json_each(?2) e)",
            params![place, Value::from(gone).to_string()],
        ));
    }
    let new: Vec<Value> = after.values.difference(old).map(Element::to_json).collect();
    if !new.is_empty() {
        statements.push((
            "INSERT INTO value (place, tenant, attribute, element, value, type, main, keys) \
             SELECT CAST(?1 AS bigint), ?2, e.value->>0, CAST(e.value->>1 AS bigint), e.value->>2, e.value->>3, \
             e.value->>4, json(e.value->>5) FROM json_each(?3) e",
            params![place, tenant, Value::from(new).to_string()],
        ));
    }
    let is_searched = before.is_none_or(|before| {
        (&before.unique_name, &before.display) != (&after.unique_name, &after.display)
            || before.searched() != after.searched()
    });
    if is_searched && dialect == Dialect::Sqlite {
        let (name, display) = (after.unique_name.clone(), after.display.clone());
        if before.is_some() {
            statements.push(("DELETE FROM search WHERE rowid = ?1", params![place]));
        }
        statements.push((
            "INSERT INTO search (rowid, unique_name, display, value) VALUES (?1, ?2, ?3, ?4)",
            params![place, name, display, after.searched()],
        ));
    }
    statements
}
