//! Reads the row that a write changes, and reads it again when it is written.

use scim_core::Error;

use super::commit::{TransactionId, commit};
use crate::database::{DatabaseError, Mode, Param, Rows, Statement, Transaction};
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::read::{ReadResource, WantedLists, add_lists, list_statements};
use crate::table_store::sql::SqlBuilder;
use crate::table_store::tables::Tables;

/// What identifies a row.
#[derive(Clone)]
pub(super) struct RowId {
    pub(super) tenant: Option<Param>,
    pub(super) key: Param,
    /// The key as a text.
    pub(super) text: String,
}

impl RowId {
    pub(super) fn new(tenant: Option<Param>, key: Param) -> Self {
        let text = match &key {
            Param::Int(number) => number.to_string(),
            Param::Text(text) => text.clone(),
            _ => String::new(),
        };
        Self { tenant, key, text }
    }
}

/// Writes the WHERE clause that selects a row.
pub(super) fn push_row(sql: &mut SqlBuilder, layout: &Layout, row: &RowId) {
    sql.push(" WHERE ").push(&layout.key()).push(" = ").bind(row.key.clone());
    sql.push_tenant("t", layout.tenant.as_ref().map(|tenant| &tenant.column), row.tenant.as_ref());
}

/// The statements that read a row and its lists. `lock` is the clause that locks the row; with it, the number of the
/// transaction is read too.
pub(super) fn select(
    tables: &Tables,
    layout: &Layout,
    row: &RowId,
    lock: &str,
    wanted: WantedLists,
) -> Vec<Statement> {
    let transaction = if lock.is_empty() { "" } else { TransactionId::select(layout) };
    let mut sql = layout.select_from(&format!("{}{transaction}", layout.select), row.tenant.as_ref());
    sql.push(" AND ").push(&layout.key()).push(" = ").bind(row.key.clone());
    if !lock.is_empty() {
        sql.lock(lock);
    }
    let mut statements = vec![sql.finish()];
    statements.extend(list_statements(tables, layout, row.tenant.as_ref(), &[&row.text], wanted));
    statements
}

/// The number of the transaction in the rows of [`select`].
pub(super) fn transaction_id(layout: &Layout, found: &[Rows]) -> TransactionId {
    TransactionId::read(found.first(), layout.columns)
}

/// The resource in the rows of [`select`]; `None` if there is none.
pub(super) fn parse(
    tables: &Tables,
    layout: &Layout,
    found: &[Rows],
    wanted: WantedLists,
) -> Result<Option<ReadResource>, DatabaseError> {
    let Some((rows, lists)) = found.split_first() else { return Ok(None) };
    let Some(row) = rows.first() else { return Ok(None) };
    let mut resources = [ReadResource::new(layout, row)?];
    add_lists(tables, layout, &mut resources, lists, wanted);
    let [resource] = resources;
    Ok(Some(resource))
}

/// Runs the last statements that write a row, reads the row after them, and commits.
pub(super) async fn commit_and_read(
    tx: Box<dyn Transaction>,
    tables: &Tables,
    layout: &Layout,
    row: &RowId,
    id: &TransactionId,
    mut statements: Vec<Statement>,
    wanted: WantedLists,
) -> Result<ReadResource, TableError> {
    let written = statements.len();
    let select = select(tables, layout, row, "", wanted);
    statements.extend(select.clone());
    let found = match commit(tables, tx, id, statements).await? {
        Some(mut found) => found.split_off(written.min(found.len())),
        None => tables.database.begin(Mode::Read).await?.query(select).await?,
    };
    parse(tables, layout, &found, wanted)?.ok_or_else(not_kept)
}

/// Runs statements that write a row, and reads the row after them.
pub(super) async fn write_and_read(
    tx: &mut dyn Transaction,
    tables: &Tables,
    layout: &Layout,
    row: &RowId,
    mut statements: Vec<Statement>,
    wanted: WantedLists,
) -> Result<ReadResource, TableError> {
    let written = statements.len();
    statements.extend(select(tables, layout, row, "", wanted));
    let found = tx.query(statements).await?;
    parse(tables, layout, found.get(written..).unwrap_or_default(), wanted)?.ok_or_else(not_kept)
}

/// The error for a row that does not exist for SCIM after it was written: a trigger or a rule has changed it.
fn not_kept() -> TableError {
    let reason = "a row does not exist for SCIM after it was written; did a trigger change it?";
    TableError::Refused(Error::internal(reason))
}
