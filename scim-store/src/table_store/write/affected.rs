//! The resources that change because another one is deleted: its groups, and those that refer to it. They are read only
//! if events are recorded, to record theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::{ChangedMembers, Resource};

use super::finish::new_event;
use super::stored::RowId;
use crate::database::{Rows, Statement, Transaction};
use crate::outbox::{ChangeKind, NewEvent};
use crate::table_store::error::TableError;
use crate::table_store::layout::{Codec, FieldWrite, Kind, Layout};
use crate::table_store::read::{ReadResource, WantedLists, push_equals_any, read_resources};
use crate::table_store::sql::SqlBuilder;
use crate::table_store::tables::Tables;

/// How many rows one query reads again.
const BATCH: usize = 500;

/// A resource that changes, as it was before.
pub(super) struct Affected {
    layout: Arc<Layout>,
    key: String,
    before: Resource,
    /// Whether it is a group that loses a member.
    loses_member: bool,
}

/// Reads and locks the resources that change when the row of this kind is deleted.
pub(super) async fn lock(
    tx: &mut dyn Transaction,
    tables: &Tables,
    kind: Kind,
    row: &RowId,
) -> Result<Vec<Affected>, TableError> {
    let mut affected: Vec<Affected> = Vec::new();
    let mut known = HashSet::new();
    for Query { layout, statement, loses_member } in queries(tables, kind, row) {
        let type_name = layout.resource_type.name();
        for read in read(tx, tables, &layout, row, statement).await? {
            let key = read.key.clone();
            let is_deleted = type_name == kind.name() && key == row.text;
            // The groups come first, so that one that also refers to the row is known as one that loses a member.
            if !is_deleted && known.insert((type_name.to_owned(), key.clone())) {
                let before = read.into_resource(&layout);
                affected.push(Affected { layout: layout.clone(), key, before, loses_member });
            }
        }
    }
    Ok(affected)
}

/// The events of the resources that have changed. `id` is that of the deleted resource.
pub(super) async fn events(
    tx: &mut dyn Transaction,
    tables: &Tables,
    row: &RowId,
    affected: Vec<Affected>,
    id: &str,
) -> Result<Vec<NewEvent>, TableError> {
    let mut events = Vec::new();
    for batch in affected.chunk_by(|one, other| Arc::ptr_eq(&one.layout, &other.layout)) {
        for batch in batch.chunks(BATCH) {
            let Some(layout) = batch.first().map(|affected| affected.layout.clone()) else { continue };
            let keys: Vec<&str> = batch.iter().map(|affected| affected.key.as_str()).collect();
            let mut sql = layout.select_from(&layout.select, row.tenant.as_ref());
            sql.push(" AND ");
            push_equals_any(&mut sql, &layout.key(), &layout, &keys);
            let found = read(tx, tables, &layout, row, sql.finish()).await?;
            let mut found: HashMap<String, ReadResource> =
                found.into_iter().map(|read| (read.key.clone(), read)).collect();
            for Affected { key, before, loses_member, .. } in batch {
                let Some(after) = found.remove(key).map(|read| read.into_resource(&layout)) else { continue };
                if before.version() != after.version() {
                    let removed = loses_member.then(|| id.to_owned()).into_iter().collect();
                    let members = ChangedMembers { added: Vec::new(), removed };
                    let kind = ChangeKind::Updated;
                    events.push(new_event(kind, &layout, None, Some(before), &after, &members));
                }
            }
        }
    }
    Ok(events)
}

async fn read(
    tx: &mut dyn Transaction,
    tables: &Tables,
    layout: &Layout,
    row: &RowId,
    statement: Statement,
) -> Result<Vec<ReadResource>, TableError> {
    let found = tx.query(vec![statement]).await?;
    let rows = found.iter().flat_map(Rows::iter);
    Ok(read_resources(tx, tables, layout, row.tenant.as_ref(), rows, WantedLists::default()).await?)
}

/// A query for resources that change.
struct Query {
    layout: Arc<Layout>,
    statement: Statement,
    loses_member: bool,
}

/// The queries for the resources that change.
fn queries(tables: &Tables, kind: Kind, row: &RowId) -> Vec<Query> {
    let mut queries = Vec::new();
    let mut add = |layout: &Arc<Layout>, mut sql: SqlBuilder, loses_member: bool| {
        sql.push(" ORDER BY ").push(&layout.key()).lock("FOR NO KEY UPDATE OF t");
        queries.push(Query { layout: layout.clone(), statement: sql.finish(), loses_member });
    };
    if let (Some(groups), Kind::User) = (&tables.groups, kind)
        && let Some(members) = &groups.members
    {
        let mut sql = groups.select_from(&groups.select, row.tenant.as_ref());
        sql.push(" AND ").push(&groups.key()).push(" IN (SELECT m.").push(&members.group).push(" FROM ");
        sql.push(&members.link).push(" m WHERE m.").push(&members.member).push(" = ").bind(row.key.clone());
        sql.push_tenant("m", members.tenant.as_ref(), row.tenant.as_ref()).push(")");
        add(groups, sql, true);
    }
    for layout in tables.layouts() {
        for field in &layout.fields {
            if let (Codec::Reference(referred, _), Some(FieldWrite::Value { column, .. })) =
                (&field.codec, &field.write)
                && *referred == kind
                && !field.target.attribute().attribute().is_required()
            {
                let mut sql = layout.select_from(&layout.select, row.tenant.as_ref());
                sql.push(" AND t.").push(column).push(" = ").bind(row.key.clone());
                add(layout, sql, false);
            }
        }
    }
    queries
}
