//! Writes the rows beside a resource: the values that filters look for, and those that must be unique.

use std::collections::BTreeSet;

use scim_sql::Dialect;
use serde_json::{Value, json};

use crate::database::{Statement, Transaction, params};
use crate::error::Fault;
use crate::tables::{ResourceRows, Tables, ValueRow};

/// Inserts the values that no other resource may have, each in its own statement, so that the error names the
/// attribute whose value another resource has. Returns the statements that delete the values that the resource
/// no longer has; some may not be there, if they did not have to be unique when they were written.
pub(super) async fn insert_unique_values(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    place: i64,
    before: Option<&ResourceRows>,
    after: &ResourceRows,
) -> Result<Vec<Statement>, Fault> {
    let none = BTreeSet::new();
    let (old, kind) = (before.map_or(&none, |rows| &rows.unique), tables.on.name());
    let sql = "INSERT INTO unique_value (tenant, kind, attribute, value, place) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (attribute, value) in after.unique.difference(old) {
        let params = params![tenant, kind, attribute.as_str(), value.as_str(), place];
        tx.execute(vec![(sql, params)]).await.map_err(|error| match error.into() {
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
pub(super) fn value_statements(
    dialect: Dialect,
    tenant: &str,
    place: i64,
    before: Option<&ResourceRows>,
    after: &ResourceRows,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    let none = BTreeSet::new();
    let old = before.map_or(&none, |rows| &rows.values);
    let gone: Vec<Value> =
        old.difference(&after.values).map(|row| json!([row.attribute, row.number])).collect();
    if !gone.is_empty() {
        statements.push((
            "DELETE FROM value WHERE place = ?1 AND (attribute, element) IN \
             (SELECT e.value->>0, CAST(e.value->>1 AS bigint) FROM json_each(?2) e)",
            params![place, Value::from(gone).to_string()],
        ));
    }
    let new: Vec<Value> = after.values.difference(old).map(ValueRow::to_json).collect();
    if !new.is_empty() {
        statements.push((
            "INSERT INTO value (place, tenant, attribute, element, value, type, main, keys) \
             SELECT CAST(?1 AS bigint), ?2, e.value->>0, CAST(e.value->>1 AS bigint), e.value->>2, e.value->>3, \
             e.value->>4, json(e.value->>5) FROM json_each(?3) e",
            params![place, tenant, Value::from(new).to_string()],
        ));
    }
    let search_changes = before.is_none_or(|before| {
        (&before.unique_name, &before.display) != (&after.unique_name, &after.display)
            || before.searched() != after.searched()
    });
    if search_changes && dialect == Dialect::Sqlite {
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
