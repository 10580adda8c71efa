//! Changes a resource.

use std::borrow::Cow;

use scim_core::patch::{ListChanges, ListDelta};
use scim_core::{Context, Error, Resource, Update, UpdateOptions, Updated};
use serde_json::{Map, Value};

use super::assignments::{Assignment, of_changed_row, of_every_change};
use super::rule::{self, Written};
use super::stored::{self, RowId, commit_and_read, write_and_read};
use super::{children, members, references};
use crate::database::{Mode, Statement, Transaction};
use crate::password::PasswordChange;
use crate::table_store::error::TableError;
use crate::table_store::layout::{Layout, MembersLayout};
use crate::table_store::on_write::WriteAction;
use crate::table_store::read::WantedLists;
use crate::table_store::sql::SqlBuilder;
use crate::table_store::tables::Tables;

/// Changes a resource. Returns the versions before and after the change, and the resource if `options` request it.
pub(crate) async fn update(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    id: &str,
    update: &Update,
    options: &UpdateOptions,
    password: &PasswordChange,
) -> Result<Updated, TableError> {
    let tenant = layout.tenant_of(cx)?;
    let key = layout.codec.key(id).ok_or_else(|| Error::not_found(id))?;
    let row = RowId::new(tenant, key);
    let list = layout.members.as_ref().map(|members| members.list.attribute().name());
    let split = list.and_then(|list| update.split(cx, list));
    // Without a split, the update is applied to the members as a response shows them.
    let loads_members = list.is_some() && split.is_none();
    let wanted = WantedLists { members: loads_members, names: loads_members, groups: false };

    let mut tx = tables.database.begin(Mode::Write).await?;
    let mut statements = stored::select(tables, layout, &row, "FOR NO KEY UPDATE OF t", wanted);
    // The statements after those of the row: the members that the delta names, and the users that it adds.
    let of_row = statements.len();
    if let (Some(members), Some(users), Some((delta, _))) = (&layout.members, &tables.users, &split) {
        statements.push(members::select_current(layout, users, members, &row.key, delta));
        statements.extend(members::select_referred(users, row.tenant.as_ref(), delta.elements()));
    }
    let found = tx.query(statements).await?;
    let (found, found_members) = found.split_at_checked(of_row).unwrap_or_default();
    let read = stored::parse(tables, layout, found, wanted)?.ok_or_else(|| Error::not_found(id))?;
    let before = read.version();
    options.precondition.check(&before)?;
    let stored = read.into_resource(layout);

    let delta_is_split = split.is_some();
    let (delta, rest) = match split {
        Some((delta, rest)) => (Some(delta), Cow::Owned(rest)),
        None => (None, Cow::Borrowed(update)),
    };
    let applied = rest.apply_yielding(cx, stored.clone()).await?;
    let mut change = Change::new(layout, cx, &stored, &applied.resource, password)?;
    change.statements = children::statements(layout, &row.key, stored.as_map(), applied.resource.as_map())?;
    let new_references = references::new_references(
        tables,
        layout,
        row.tenant.as_ref(),
        stored.as_map(),
        applied.resource.as_map(),
    )?;
    if let (Some(members), Some(users)) = (&layout.members, &tables.users) {
        let current = match found_members.first() {
            Some(rows) => members::current_ids(users, rows),
            None => member_ids(members, stored.as_map()),
        };
        let elements = members.list.get(applied.resource.as_map()).and_then(Value::as_array);
        let delta = delta.unwrap_or_else(|| {
            ListDelta::Exactly(elements.into_iter().flatten().filter_map(Value::as_object).collect())
        });
        let changes = delta.changes(current.iter().map(|id| (id.as_str(), ())), |(), _| true);
        if delta_is_split {
            members::check_added(users, members, &changes, found_members.get(1))?;
        } else {
            check_members(&mut *tx, users, members, &row, &changes).await?;
        }
        change.statements.extend(members::statements(layout, users, members, &row.key, &changes));
    }
    check_references(&mut *tx, &new_references).await?;
    if change.is_empty() {
        return unchanged(tables, layout, &mut *tx, &row, options, before, stored).await;
    }
    let statements = change.into_statements(layout, cx, &row);
    let wanted = options.returning.as_ref().map(|projection| WantedLists::shown(layout, projection));
    let wanted = wanted.unwrap_or_default();
    let read = if tables.on_write.is_none() {
        commit_and_read(tx, tables, layout, &row, statements, wanted).await?
    } else {
        let read = write_and_read(&mut *tx, tables, layout, &row, statements, wanted).await?;
        let after = read.into_resource(layout);
        let written = Written {
            action: WriteAction::Update,
            key: row.key.clone(),
            before: Some(&stored),
            after: Some(&after),
        };
        rule::run(tables, layout, cx, &mut *tx, written).await?;
        // The rule may have changed the row.
        commit_and_read(tx, tables, layout, &row, Vec::new(), wanted).await?
    };
    let version = read.version();
    let resource = options.returning.is_some().then(|| read.into_resource(layout));
    Ok(Updated { before, version, resource })
}

/// The result of an update that changes nothing.
async fn unchanged(
    tables: &Tables,
    layout: &Layout,
    tx: &mut dyn Transaction,
    row: &RowId,
    options: &UpdateOptions,
    before: scim_core::ETag,
    stored: Resource,
) -> Result<Updated, TableError> {
    let resource = match &options.returning {
        Some(projection) if layout.has_lists() => {
            let wanted = WantedLists::shown(layout, projection);
            let read = write_and_read(tx, tables, layout, row, Vec::new(), wanted).await?;
            Some(read.into_resource(layout))
        }
        Some(_) => Some(stored),
        None => None,
    };
    Ok(Updated { before: before.clone(), version: before, resource })
}

/// What an update writes.
struct Change {
    assignments: Vec<Assignment>,
    /// The statements that change child tables and members.
    statements: Vec<Statement>,
}

impl Change {
    fn new(
        layout: &Layout,
        cx: &Context<'_>,
        before: &Resource,
        after: &Resource,
        password: &PasswordChange,
    ) -> Result<Self, TableError> {
        let assignments = of_changed_row(layout, cx, before.as_map(), after.as_map(), password)?;
        Ok(Self { assignments, statements: Vec::new() })
    }

    fn is_empty(&self) -> bool {
        self.assignments.is_empty() && self.statements.is_empty()
    }

    /// All statements: first those of other tables, then the one that changes the row.
    fn into_statements(self, layout: &Layout, cx: &Context<'_>, row: &RowId) -> Vec<Statement> {
        let Self { mut assignments, mut statements } = self;
        assignments.extend(of_every_change(layout, cx));
        if assignments.is_empty() {
            return statements;
        }
        let mut sql = SqlBuilder::new(layout.dialect);
        sql.push("UPDATE ").push(&layout.table).push(" AS t SET ");
        for (index, assignment) in assignments.into_iter().enumerate() {
            sql.push(if index > 0 { ", " } else { "" }).push(&assignment.column).push(" = ");
            assignment.push_value(&mut sql);
        }
        sql.push(" WHERE ").push(&layout.key()).push(" = ").bind(row.key.clone());
        statements.push(sql.finish());
        statements
    }
}

/// The ids of the members of a group that was loaded with them.
fn member_ids(members: &MembersLayout, group: &Map<String, Value>) -> Vec<String> {
    let elements = members.list.get(group).and_then(Value::as_array);
    let id = |element: &Value| element.get("value").and_then(Value::as_str).map(str::to_owned);
    elements.into_iter().flatten().filter_map(id).collect()
}

/// Refuses new members that do not exist.
async fn check_members(
    tx: &mut dyn Transaction,
    users: &Layout,
    members: &MembersLayout,
    row: &RowId,
    changes: &ListChanges<'_>,
) -> Result<(), TableError> {
    let query = members::select_referred(users, row.tenant.as_ref(), &changes.added);
    let found = match query {
        Some(query) => tx.query(vec![query]).await?,
        None => Vec::new(),
    };
    members::check_added(users, members, changes, found.first())?;
    Ok(())
}

/// Refuses new references to resources that do not exist.
async fn check_references(
    tx: &mut dyn Transaction,
    references: &[references::NewReference<'_>],
) -> Result<(), TableError> {
    if references.is_empty() {
        return Ok(());
    }
    let found = tx.query(references.iter().map(|reference| reference.query.clone()).collect()).await?;
    Ok(references::check(references, &found)?)
}
