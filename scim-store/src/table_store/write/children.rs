//! The rows of child tables that a write inserts and deletes.

use scim_core::Result;
use serde_json::{Map, Value};

use crate::database::{Param, Statement};
use crate::table_store::layout::{ChildLayout, Layout};
use crate::table_store::sql::SqlBuilder;

/// The cells of one row, in the order of the columns; `None` is NULL.
type Cells = Vec<Option<Param>>;

/// The statements that turn the child rows of the resource before the change into those after it. Rows that are in both
/// stay as they are, with their keys and the columns that SCIM does not know.
pub(super) fn statements(
    layout: &Layout,
    key: &Param,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for child in &layout.children {
        let (mut old, new) = (cells(child, before), cells(child, after));
        let mut added = Vec::new();
        for row in &new {
            match old.iter().position(|old| old == row) {
                Some(index) => drop(old.swap_remove(index)),
                None => added.push(row.clone()),
            }
        }
        // The application may have inserted a row twice. A DELETE finds both, so the second stays with the first.
        let removed: Vec<Cells> = old.into_iter().filter(|row| !new.contains(row)).collect();
        statements.extend(removed.into_iter().map(|row| delete(layout, child, key, row)));
        statements.extend(added.into_iter().map(|row| insert(layout, child, key, row)));
    }
    Ok(statements)
}

/// The statements that delete all child rows of a resource.
pub(super) fn delete_all(layout: &Layout, key: &Param) -> Vec<Statement> {
    let delete = |child: &ChildLayout| {
        let mut sql = SqlBuilder::new(layout.dialect);
        sql.push("DELETE FROM ")
            .push(&child.table)
            .push(" WHERE ")
            .push(&child.owner)
            .push(" = ")
            .bind(key.clone());
        sql.finish()
    };
    layout.children.iter().map(delete).collect()
}

/// The rows of a list.
fn cells(child: &ChildLayout, resource: &Map<String, Value>) -> Vec<Cells> {
    let elements = child.list.get(resource).and_then(Value::as_array);
    let row = |element: &Value| {
        let cell = |column: &crate::table_store::layout::ChildField| {
            let value = element.get(column.sub.definition().name())?;
            match column.is_boolean {
                true => value.as_bool().map(Param::Bool),
                false => value.as_str().map(Param::from),
            }
        };
        child.columns.iter().map(cell).collect()
    };
    elements.into_iter().flatten().map(row).collect()
}

fn insert(layout: &Layout, child: &ChildLayout, key: &Param, row: Cells) -> Statement {
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("INSERT INTO ").push(&child.table).push(" (").push(&child.owner);
    let present = |(column, cell): (_, Option<_>)| cell.map(|cell| (column, cell));
    let values: Vec<_> = child.columns.iter().zip(row).filter_map(present).collect();
    for (column, _) in &values {
        sql.push(", ").push(&column.column);
    }
    sql.push(") VALUES (").bind(key.clone());
    for (column, cell) in values {
        sql.push(", ").bind_in(&column.write, cell);
    }
    sql.push(")");
    sql.finish()
}

fn delete(layout: &Layout, child: &ChildLayout, key: &Param, row: Cells) -> Statement {
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("DELETE FROM ")
        .push(&child.table)
        .push(" AS c WHERE c.")
        .push(&child.owner)
        .push(" = ")
        .bind(key.clone());
    for (column, cell) in child.columns.iter().zip(row) {
        sql.push(" AND ").push(&column.read);
        match cell {
            Some(cell) => sql.push(" = ").bind(cell),
            None => sql.push(" IS NULL"),
        };
    }
    sql.finish()
}
