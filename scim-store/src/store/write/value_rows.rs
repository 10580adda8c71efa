//! Writes the rows of `value` and `unique_value` that belong to a resource, and its row in the search index.

use std::collections::BTreeSet;

use scim_sql::Dialect;
use serde_json::{Value, json};

use crate::database::params;
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::tables::{ResourceRows, TypeLayout, ValueRow};

/// Inserts the new unique values of a resource. Each has a statement of its own, so that an error can name the
/// attribute whose value another resource has.
///
/// Returns the statements that delete the values that the resource no longer has. These may delete nothing: a
/// value that was written before its attribute had to be unique has no row.
pub(super) async fn insert_unique_values(
    tx: &mut Transaction,
    layout: &TypeLayout,
    tenant: &str,
    place: i64,
    before: Option<&ResourceRows>,
    after: &ResourceRows,
) -> Result<Vec<Statement>, StoreError> {
    let none = BTreeSet::new();
    let (old, kind) = (before.map_or(&none, |rows| &rows.unique), layout.resource_type.name());
    let sql = "INSERT INTO unique_value (tenant, kind, attribute, value, place) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (attribute, value) in after.unique.difference(old) {
        let params = params![tenant, kind, attribute.as_str(), value.as_str(), place];
        tx.execute(vec![(sql, params)]).await.map_err(|error| match error.into() {
            StoreError::NotUnique(_) => StoreError::NotUnique(Some(attribute.clone())),
            other => other,
        })?;
    }
    let sql = "DELETE FROM unique_value \
               WHERE tenant = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND place = ?5";
    let deletions = old
        .difference(&after.unique)
        .map(|(attribute, value)| (sql, params![tenant, kind, attribute.as_str(), value.as_str(), place]));
    Ok(deletions.collect())
}

/// The statements that change the rows of `value` and the search index from one state of a resource to another.
/// `before` is `None` for a new resource.
pub(super) fn value_statements(
    tx: &Transaction,
    tenant: &str,
    place: i64,
    before: Option<&ResourceRows>,
    after: &ResourceRows,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    let none = BTreeSet::new();
    let old = before.map_or(&none, |rows| &rows.values);
    let removed: Vec<Value> =
        old.difference(&after.values).map(|row| json!([row.attribute, row.number])).collect();
    if !removed.is_empty() {
        statements.push((
            "DELETE FROM value WHERE tenant = ?1 AND place = ?3 AND (attribute, element) IN \
             (SELECT e.value->>0, CAST(e.value->>1 AS bigint) FROM json_each(?2) e)",
            params![tenant, Value::from(removed).to_string(), place],
        ));
    }
    let added: Vec<Value> = after.values.difference(old).map(ValueRow::to_json).collect();
    if !added.is_empty() {
        statements.push((
            "INSERT INTO value (place, tenant, attribute, element, value, type, main, keys) \
             SELECT CAST(?1 AS bigint), ?2, e.value->>0, CAST(e.value->>1 AS bigint), e.value->>2, e.value->>3, \
             e.value->>4, json(e.value->>5) FROM json_each(?3) e",
            params![place, tenant, Value::from(added).to_string()],
        ));
    }
    let search_changes = before.is_none_or(|before| {
        (&before.unique_name, &before.display) != (&after.unique_name, &after.display)
            || before.search_text() != after.search_text()
    });
    if search_changes {
        statements.extend(search_statements(tx, place));
    }
    statements
}

/// The statements that note that the search index of SQLite has not the latest texts of a resource, or that write it for
/// all such resources. PostgreSQL has none.
pub(super) fn search_statements(tx: &Transaction, place: i64) -> Vec<Statement> {
    if tx.dialect() != Dialect::Sqlite {
        return Vec::new();
    }
    let mut statements: Vec<Statement> = vec![(
        "INSERT INTO search_pending (place) VALUES (?1) ON CONFLICT DO UPDATE SET place = excluded.place",
        params![place],
    )];
    if tx.count_search_change() {
        statements.extend([
            ("DELETE FROM search WHERE rowid IN (SELECT p.place FROM search_pending p)", params![]),
            (
                "INSERT INTO search (rowid, unique_name, display, value) \
                 SELECT r.place, coalesce(r.unique_name, ''), coalesce(r.display, ''), \
                 coalesce((SELECT group_concat(v.value, char(10)) FROM value v WHERE v.place = r.place), '') \
                 FROM search_pending p JOIN resource r ON r.place = p.place",
                params![],
            ),
            ("DELETE FROM search_pending", params![]),
        ]);
    }
    statements
}
