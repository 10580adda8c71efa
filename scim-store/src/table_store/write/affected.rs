//! The resources that change because another one is deleted: its groups, and those that refer to it. They are read only
//! if events are recorded, to record theirs.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{ChangedMembers, Resource};

use super::finish::new_event;
use super::stored::{self, RowId};
use crate::database::{Param, Rows, Statement, Transaction};
use crate::outbox::{ChangeKind, NewEvent};
use crate::table_store::error::TableError;
use crate::table_store::layout::{Codec, FieldWrite, Kind, Layout};
use crate::table_store::read::WantedLists;
use crate::table_store::sql::as_text;
use crate::table_store::tables::Tables;

/// A resource that changes, as it was before.
pub(super) struct Affected {
    layout: Arc<Layout>,
    row: RowId,
    before: Resource,
}

/// Reads and locks the resources that change when the row of this kind is deleted.
pub(super) async fn lock(
    tx: &mut dyn Transaction,
    tables: &Tables,
    kind: Kind,
    row: &RowId,
) -> Result<Vec<Affected>, TableError> {
    let (mut rows, mut known) = (Vec::new(), HashSet::new());
    for (layout, query) in queries(tables, kind, row) {
        let found = tx.query(vec![query]).await?;
        for key in found.iter().flat_map(Rows::iter).filter_map(|row| row.text(0)) {
            let type_name = layout.resource_type.name();
            let is_deleted = type_name == kind.name() && key == row.text;
            if !is_deleted && known.insert((type_name.to_owned(), key.to_owned())) {
                rows.push((layout.clone(), RowId::new(row.tenant.clone(), layout.codec.param(key))));
            }
        }
    }
    let mut affected = Vec::with_capacity(rows.len());
    for (layout, row) in rows {
        if let Some(before) = read(tx, tables, &layout, &row).await? {
            affected.push(Affected { layout, row, before });
        }
    }
    Ok(affected)
}

/// The events of the resources that have changed. `id` is that of the deleted resource.
pub(super) async fn events(
    tx: &mut dyn Transaction,
    tables: &Tables,
    affected: Vec<Affected>,
    id: &str,
) -> Result<Vec<NewEvent>, TableError> {
    let mut events = Vec::new();
    for Affected { layout, row, before } in affected {
        let Some(after) = read(tx, tables, &layout, &row).await? else { continue };
        if before.version() != after.version() {
            let removed = layout.members.iter().map(|_| id.to_owned()).collect();
            let members = ChangedMembers { added: Vec::new(), removed };
            events.push(new_event(ChangeKind::Updated, &layout, None, Some(&before), &after, &members));
        }
    }
    Ok(events)
}

async fn read(
    tx: &mut dyn Transaction,
    tables: &Tables,
    layout: &Layout,
    row: &RowId,
) -> Result<Option<Resource>, TableError> {
    let wanted = WantedLists::default();
    let found = tx.query(stored::select(tables, layout, row, "", wanted)).await?;
    Ok(stored::parse(tables, layout, &found, wanted)?.map(|read| read.into_resource(layout)))
}

/// The queries for the keys of the resources that change, with the tables that they are in.
fn queries(tables: &Tables, kind: Kind, row: &RowId) -> Vec<(Arc<Layout>, Statement)> {
    let mut queries = Vec::new();
    let mut add = |layout: &Arc<Layout>, condition: &str, tenant: Option<(&String, &Param)>, end: &str| {
        let mut sql = layout.select_from(&as_text(&layout.key()), row.tenant.as_ref());
        sql.push(" AND ").push(condition).bind(row.key.clone());
        sql.push_tenant("m", tenant.map(|(column, _)| column), tenant.map(|(_, tenant)| tenant));
        sql.push(end).push(" ORDER BY ").push(&layout.key()).lock("FOR NO KEY UPDATE");
        queries.push((layout.clone(), sql.finish()));
    };
    if let (Some(groups), Kind::User) = (&tables.groups, kind)
        && let Some(members) = &groups.members
    {
        let condition = format!(
            "{} IN (SELECT m.{} FROM {} m WHERE m.{} = ",
            groups.key(),
            members.group,
            members.link,
            members.member
        );
        add(groups, &condition, members.tenant.as_ref().zip(row.tenant.as_ref()), ")");
    }
    for layout in tables.layouts() {
        for field in &layout.fields {
            if let (Codec::Reference(referred, _), Some(FieldWrite::Value { column, .. })) =
                (&field.codec, &field.write)
                && *referred == kind
                && !field.target.attribute().attribute().is_required()
            {
                add(layout, &format!("t.{column} = "), None, "");
            }
        }
    }
    queries
}
