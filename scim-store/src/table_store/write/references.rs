//! References to other resources: they must exist, in the same tenant.

use scim_core::{Error, Result};
use serde_json::{Map, Value};

use crate::database::{Param, Rows, Statement};
use crate::table_store::layout::{Codec, Field, FieldWrite, Kind, Layout};
use crate::table_store::sql::SqlBuilder;
use crate::table_store::tables::Tables;

use super::assignments::of_every_change;
use super::stored::RowId;

/// A reference that a write sets.
pub(super) struct NewReference<'l> {
    field: &'l Field,
    id: String,
    /// The query that finds the resource, and keeps it from being deleted meanwhile.
    pub(super) query: Statement,
}

/// The references that are set by the change from one resource to the other.
///
/// # Errors
///
/// `invalidValue` for an id that no resource can have.
pub(super) fn new_references<'l>(
    tables: &Tables,
    layout: &'l Layout,
    tenant: Option<&Param>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<Vec<NewReference<'l>>> {
    let mut references = Vec::new();
    for field in &layout.fields {
        let (Codec::Reference(kind, codec), Some(value)) = (&field.codec, field.target.get(after)) else {
            continue;
        };
        if field.target.get(before) == Some(value) {
            continue;
        }
        let Some(referred) = tables.layout_of_kind(*kind) else { continue };
        let id = value.as_str().unwrap_or_default().to_owned();
        let key = codec.key(&id).ok_or_else(|| unknown(field, &id))?;
        let mut sql = referred.select_from("1", tenant);
        sql.push(" AND ").push(&referred.key()).push(" = ").bind(key).lock("FOR KEY SHARE");
        references.push(NewReference { field, id, query: sql.finish() });
    }
    Ok(references)
}

/// Refuses references to resources that do not exist. `found` are the rows of their queries.
pub(super) fn check(references: &[NewReference<'_>], found: &[Rows]) -> Result<()> {
    let missing = references.iter().zip(found).find(|(_, rows)| rows.is_empty());
    match missing {
        Some((reference, _)) => Err(unknown(reference.field, &reference.id)),
        None => Ok(()),
    }
}

fn unknown(field: &Field, id: &str) -> Error {
    let path = field.target.attribute().path().as_str();
    Error::invalid_value(path, &format!("there is no resource `{id}`"))
}

/// The statements that remove the references to a resource that is deleted. A column that is NOT NULL keeps its value, so
/// that its foreign key refuses the deletion.
pub(super) fn remove_all(
    tables: &Tables,
    kind: Kind,
    cx: &scim_core::Context<'_>,
    row: &RowId,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    for layout in tables.layouts() {
        for field in &layout.fields {
            let (Codec::Reference(referred, _), Some(FieldWrite::Value { column, unassigned, .. })) =
                (&field.codec, &field.write)
            else {
                continue;
            };
            if *referred != kind || field.target.attribute().attribute().is_required() {
                continue;
            }
            let mut sql = SqlBuilder::new(layout.dialect);
            sql.push("UPDATE ")
                .push(&layout.table)
                .push(" AS t SET ")
                .push(column)
                .push(" = ")
                .push(unassigned);
            for assignment in of_every_change(layout, cx) {
                sql.push(", ").push(&assignment.column).push(" = ");
                assignment.push_value(&mut sql);
            }
            sql.push(" WHERE t.").push(column).push(" = ").bind(row.key.clone());
            let tenant = layout.tenant.as_ref().map(|tenant| &tenant.column);
            sql.push_tenant("t", tenant, row.tenant.as_ref());
            statements.push(sql.finish());
        }
    }
    statements
}
