//! The rows of child tables that a write inserts and deletes.

use std::collections::{HashMap, HashSet};

use scim_sql::Dialect;
use serde_json::{Map, Value, json};

use super::stored::RowId;
use crate::database::{Param, Statement};
use crate::table_store::layout::{ChildField, ChildLayout, Layout};
use crate::table_store::sql::SqlBuilder;

/// The cells of one row, in the order of the columns: texts, booleans, and null.
type Cells = Vec<Value>;

/// The statements that turn the child rows of the resource before the change into those after it. Rows that are in both
/// stay as they are, with their keys and the columns that SCIM does not know.
pub(super) fn statements(
    layout: &Layout,
    row: &RowId,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    for child in &layout.children {
        let (old, new) = (cells(child, before), cells(child, after));
        let wanted: HashSet<&Cells> = new.iter().collect();
        let mut removed = HashSet::new();
        // The application may have inserted a row twice.
        let mut stored: HashMap<&Cells, usize> = HashMap::new();
        for cells in &old {
            *stored.entry(cells).or_default() += 1;
            if !wanted.contains(cells) {
                removed.insert(cells);
            }
        }
        if !removed.is_empty() {
            statements.push(delete(layout, child, row, &removed));
        }
        for cells in &new {
            match stored.get_mut(cells) {
                Some(count) if *count > 0 => *count -= 1,
                _ => statements.push(insert(layout, child, row, cells)),
            }
        }
    }
    statements
}

/// The statements that delete all child rows of a resource.
pub(super) fn delete_all(layout: &Layout, row: &RowId) -> Vec<Statement> {
    let delete = |child: &ChildLayout| {
        let mut sql = SqlBuilder::new(layout.dialect);
        sql.push("DELETE FROM ")
            .push(&child.table)
            .push(" AS c WHERE c.")
            .push(&child.owner)
            .push(" = ")
            .bind(row.key.clone())
            .push_tenant("c", child.tenant.as_ref(), row.tenant.as_ref());
        sql.finish()
    };
    layout.children.iter().map(delete).collect()
}

/// The rows of a list.
fn cells(child: &ChildLayout, resource: &Map<String, Value>) -> Vec<Cells> {
    let elements = child.list.get(resource).and_then(Value::as_array);
    let row = |element: &Value| {
        let cell = |column: &ChildField| element.get(column.sub.definition().name()).cloned();
        child.columns.iter().map(|column| cell(column).unwrap_or_default()).collect()
    };
    elements.into_iter().flatten().map(row).collect()
}

fn insert(layout: &Layout, child: &ChildLayout, row: &RowId, cells: &Cells) -> Statement {
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("INSERT INTO ").push(&child.table).push(" (").push(&child.owner);
    // A column without a value gets its default.
    let values: Vec<_> = child.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_null()).collect();
    let tenant = child.tenant.as_ref().zip(row.tenant.as_ref());
    for column in
        tenant.iter().map(|(column, _)| *column).chain(values.iter().map(|(column, _)| &column.column))
    {
        sql.push(", ").push(column);
    }
    sql.push(") VALUES (").bind(row.key.clone());
    if let Some((_, tenant)) = tenant {
        sql.push(", ").bind(tenant.clone());
    }
    for (column, cell) in values {
        let param = match cell {
            Value::Bool(flag) => Param::Bool(*flag),
            cell => Param::from(cell.as_str().unwrap_or_default()),
        };
        sql.push(", ").bind_in(&column.write, param);
    }
    sql.push(")");
    sql.finish()
}

/// The statement that deletes all rows with these cells. One statement reads the rows of the resource once, so that its
/// time does not grow with the square of their number.
fn delete(layout: &Layout, child: &ChildLayout, row: &RowId, removed: &HashSet<&Cells>) -> Statement {
    let read: Vec<&str> = child.columns.iter().map(|column| column.read.as_str()).collect();
    let read = read.join(", ");
    let removed = Param::Text(json!(removed).to_string());
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("DELETE FROM ").push(&child.table).push(" AS c WHERE c.").push(&child.owner).push(" = ");
    sql.bind(row.key.clone()).push_tenant("c", child.tenant.as_ref(), row.tenant.as_ref());
    match layout.dialect {
        Dialect::Sqlite => {
            // Both sides are made by `json_array`, so that they are equal as texts.
            let cell = |index| format!("json_extract(e.value, '$[{index}]')");
            let cells: Vec<String> = (0..child.columns.len()).map(cell).collect();
            let cells = cells.join(", ");
            let listed =
                format!(" AND json_array({read}) IN (SELECT json_array({cells}) FROM json_each({{}}) e)");
            sql.bind_in(&listed, removed);
        }
        _ => {
            let listed = format!(
                " AND jsonb_build_array({read}) IN (SELECT e FROM jsonb_array_elements(CAST(CAST({{}} AS text) AS jsonb)) e)"
            );
            sql.bind_in(&listed, removed);
        }
    }
    sql.finish()
}
