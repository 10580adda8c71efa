//! Deletes a resource.

use scim_core::patch::ListDelta;
use scim_core::{ChangedMembers, Context, Deleted, Error, Precondition};

use super::assignments::of_every_change;
use super::commit::commit;
use super::rule::{self, Written};
use super::stored::{self, RowId, push_row};
use super::{affected, children, members, references};
use crate::database::{Mode, Param, Statement};
use crate::outbox::{ChangeKind, NewEvent};
use crate::table_store::error::TableError;
use crate::table_store::layout::{Kind, Layout};
use crate::table_store::on_write::WriteAction;
use crate::table_store::read::WantedLists;
use crate::table_store::sql::SqlBuilder;
use crate::table_store::tables::Tables;

/// Deletes a resource, or marks its row as deleted. Also removes it from its groups, which get a new version, and
/// removes references to it such as `manager`.
pub(crate) async fn delete(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    id: &str,
    precondition: &Precondition,
) -> Result<Deleted, TableError> {
    let tenant = layout.tenant_of(cx)?;
    let key = layout.codec.key(id).ok_or_else(|| Error::not_found(id))?;
    let row = RowId::new(tenant, key);
    let wanted = WantedLists::default();
    let mut tx = tables.database.begin(Mode::Write).await?;
    let found = tx.query(stored::select(tables, layout, &row, "FOR UPDATE OF t", wanted)).await?;
    let read = stored::parse(tables, layout, &found, wanted)?.ok_or_else(|| Error::not_found(id))?;
    let (version, transaction) = (read.version(), stored::transaction_id(layout, &found));
    precondition.check(&version)?;
    let stored = read.into_resource(layout);

    let kind = if layout.resource_type.name() == Kind::Group.name() { Kind::Group } else { Kind::User };
    let mut removed = Vec::new();
    let mut affected = Vec::new();
    if tables.events.is_some() {
        affected = affected::lock(&mut *tx, tables, kind, &row).await?;
        if let (Some(members), Some(users)) = (&layout.members, &tables.users) {
            let all = members::select_current(users, members, &row, &ListDelta::Exactly(Vec::new()));
            let found = tx.query(vec![all]).await?;
            removed = found.iter().flat_map(|rows| members::current_ids(users, rows)).collect();
        }
    }
    let mut statements = Vec::new();
    if let Some(groups) = &tables.groups {
        statements.extend(members::remove_all(layout, groups, cx, &row));
    }
    statements.extend(references::remove_all(tables, kind, cx, &row));
    if layout.soft_delete.is_none() {
        statements.extend(children::delete_all(layout, &row));
    }
    statements.push(delete_row(layout, cx, &row));
    tx.execute(statements).await?;
    let members = ChangedMembers::default();
    let written = Written {
        action: WriteAction::Delete,
        key: row.key.clone(),
        before: Some(&stored),
        after: None,
        members: &members,
    };
    rule::run(tables, layout, cx, &mut *tx, written).await?;
    let mut events = affected::events(&mut *tx, tables, &row, affected, id).await?;
    events.push(NewEvent {
        kind: ChangeKind::Deleted,
        resource_type: layout.resource_type.name().to_owned(),
        id: id.to_owned(),
        version_before: Some(version.to_string()),
        version_after: None,
        attributes: Vec::new(),
        members: ChangedMembers { added: Vec::new(), removed },
    });
    commit(tables, tx, &transaction, tables.last_statements(cx, &events)).await?;
    Ok(Deleted { version })
}

/// The statement that deletes the row, or marks it as deleted.
fn delete_row(layout: &Layout, cx: &Context<'_>, row: &RowId) -> Statement {
    let mut sql = SqlBuilder::new(layout.dialect);
    match &layout.soft_delete {
        Some(deleted) => {
            sql.push("UPDATE ").push(&layout.table).push(" AS t SET ").push(&deleted.column).push(" = ");
            sql.bind_in(&deleted.value, Param::Int(cx.now().timestamp_millis()));
            for assignment in of_every_change(layout, cx) {
                sql.push(", ").push(&assignment.column).push(" = ");
                assignment.push_value(&mut sql);
            }
        }
        None => {
            sql.push("DELETE FROM ").push(&layout.table).push(" AS t");
        }
    }
    push_row(&mut sql, layout, row);
    sql.finish()
}
