//! Changes a resource.

use std::borrow::Cow;

use scim_core::patch::ListDelta;
use scim_core::schema::Projection;
use scim_core::{ChangedMembers, Context, ETag, Error, Resource, Update, UpdateOptions, Updated};
use serde_json::{Map, Value};

use super::assignments::{
    Assignment, drop_stored_defaults, of_adoption, of_changed_row, of_every_change, select_defaults,
};
use super::commit::TransactionId;
use super::finish::LastSteps;
use super::stored::{self, RowId, push_row, write_and_read};
use super::{children, members, references};
use crate::adopt::adopting_update;
use crate::database::{DatabaseError, Mode, Rows, Statement, Transaction};
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
    let action = WriteAction::Update;
    let updating = Updating { tables, layout, cx, row, action, options };
    let tx = tables.database.begin(Mode::Write).await?;
    updating.run(tx, update, password).await?.ok_or_else(|| Error::not_found(id).into())
}

/// Changes the existing row that the client adopts. Returns the resource as it is stored, with its members.
pub(super) async fn adopt(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    tx: Box<dyn Transaction>,
    row: RowId,
    requested: &Resource,
) -> Result<Updated, TableError> {
    let update = adopting_update(cx, requested)?;
    let options = UpdateOptions::new().returning(Projection::new(&layout.resource_type));
    let action = WriteAction::Adopt;
    let updating = Updating { tables, layout, cx, row, action, options: &options };
    let vanished = || DatabaseError::unexpected("the adopted row does not exist any more").into();
    updating.run(tx, &update, &PasswordChange::Keep).await?.ok_or_else(vanished)
}

/// An update of one row.
struct Updating<'a> {
    tables: &'a Tables,
    layout: &'a Layout,
    cx: &'a Context<'a>,
    row: RowId,
    /// [`WriteAction::Update`] or [`WriteAction::Adopt`].
    action: WriteAction,
    options: &'a UpdateOptions,
}

/// A resource whose row is locked, and what the update does to it.
struct Locked<'u> {
    resource: Resource,
    version: ETag,
    transaction: TransactionId,
    /// The change of the members, if it is known without reading all of them.
    delta: Option<ListDelta<'u>>,
    /// The update without that change.
    rest: Cow<'u, Update>,
    /// With a delta: the members that it names, and the users that it adds.
    members: Vec<Rows>,
}

impl Updating<'_> {
    /// Makes the change; `None` if there is no such row.
    async fn run(
        &self,
        mut tx: Box<dyn Transaction>,
        update: &Update,
        password: &PasswordChange,
    ) -> Result<Option<Updated>, TableError> {
        let Some(locked) = self.lock(&mut *tx, update).await? else { return Ok(None) };
        self.options.precondition.check(&locked.version)?;
        let mut change = self.compute(&mut *tx, &locked, password).await?;
        if self.action == WriteAction::Adopt {
            change.assignments.extend(of_adoption(self.layout, self.cx));
        }
        let updated = match change.is_empty() {
            true => self.unchanged(&mut *tx, locked).await?,
            false => self.write(tx, &locked, change).await?,
        };
        Ok(Some(updated))
    }

    /// Reads the row and locks it; `None` if there is none.
    async fn lock<'u>(
        &self,
        tx: &mut dyn Transaction,
        update: &'u Update,
    ) -> Result<Option<Locked<'u>>, TableError> {
        let Self { tables, layout, cx, row, .. } = self;
        let list = layout.members.as_ref().map(|members| members.list.attribute().name());
        let split = list.and_then(|list| update.split(cx, list));
        // Without a split, the update is applied to the members as a response shows them.
        let loads_members = list.is_some() && split.is_none();
        let wanted = WantedLists { members: loads_members, names: loads_members, groups: false };
        let mut statements = stored::select(tables, layout, row, "FOR NO KEY UPDATE OF t", wanted);
        let of_row = statements.len();
        if let (Some(members), Some(users), Some((delta, _))) = (&layout.members, &tables.users, &split) {
            statements.push(members::select_current(users, members, row, delta));
            statements.extend(members::select_referred(users, row.tenant.as_ref(), delta.elements()));
        }
        let mut found = tx.query(statements).await?;
        let members = found.split_off(of_row.min(found.len()));
        let Some(read) = stored::parse(tables, layout, &found, wanted)? else { return Ok(None) };
        let (version, transaction) = (read.version(), stored::transaction_id(layout, &found));
        let (delta, rest) = match split {
            Some((delta, rest)) => (Some(delta), Cow::Owned(rest)),
            None => (None, Cow::Borrowed(update)),
        };
        Ok(Some(Locked { resource: read.into_resource(layout), version, transaction, delta, rest, members }))
    }

    /// Computes what the update writes, and checks the resources to which it refers.
    async fn compute(
        &self,
        tx: &mut dyn Transaction,
        locked: &Locked<'_>,
        password: &PasswordChange,
    ) -> Result<Change, TableError> {
        let Self { tables, layout, cx, row, .. } = self;
        let applied = locked.rest.apply_yielding(cx, locked.resource.clone()).await?.resource;
        let (before, after) = (locked.resource.as_map(), applied.as_map());
        let mut assignments = of_changed_row(layout, cx, before, after, password)?;
        if let Some(query) = select_defaults(layout, row, &assignments) {
            let found = tx.query(vec![query]).await?;
            drop_stored_defaults(&mut assignments, found.first().unwrap_or(&Rows::default()));
        }
        let mut statements = children::statements(layout, row, before, after);
        let references = references::new_references(tables, layout, row.tenant.as_ref(), before, after)?;
        let mut changed_members = ChangedMembers::default();
        if let (Some(members), Some(users)) = (&layout.members, &tables.users) {
            let (changed, of_members) = self.change_members(tx, locked, after, members, users).await?;
            changed_members = changed;
            statements.extend(of_members);
        }
        if !references.is_empty() {
            let queries = references.iter().map(|reference| reference.query.clone()).collect();
            references::check(&references, &tx.query(queries).await?)?;
        }
        Ok(Change { assignments, statements, members: changed_members })
    }

    /// The change of the members of a group, and the statements that write it. Refuses new members that do not exist.
    async fn change_members(
        &self,
        tx: &mut dyn Transaction,
        locked: &Locked<'_>,
        after: &Map<String, Value>,
        members: &MembersLayout,
        users: &Layout,
    ) -> Result<(ChangedMembers, Vec<Statement>), TableError> {
        let compare = |(), _: &Map<String, Value>| true;
        let (current, delta);
        let changes = if let Some(split) = &locked.delta {
            current =
                locked.members.first().map(|rows| members::current_ids(users, rows)).unwrap_or_default();
            let changes = split.changes(current.iter().map(|id| (id.as_str(), ())), compare);
            members::check_added(self.layout, users, members, &changes, locked.members.get(1))?;
            changes
        } else {
            current = member_ids(members, locked.resource.as_map());
            let elements = members.list.get(after).and_then(Value::as_array);
            delta = ListDelta::Exactly(elements.into_iter().flatten().filter_map(Value::as_object).collect());
            let changes = delta.changes(current.iter().map(|id| (id.as_str(), ())), compare);
            let query = members::select_referred(users, self.row.tenant.as_ref(), &changes.added);
            let found = match query {
                Some(query) => tx.query(vec![query]).await?,
                None => Vec::new(),
            };
            members::check_added(self.layout, users, members, &changes, found.first())?;
            changes
        };
        let statements = members::statements(self.layout, users, members, &self.row, &changes);
        Ok((ChangedMembers::from(&changes), statements))
    }

    /// Writes a change, lets the rule of the application run, and commits.
    async fn write(
        &self,
        tx: Box<dyn Transaction>,
        locked: &Locked<'_>,
        change: Change,
    ) -> Result<Updated, TableError> {
        let Self { tables, layout, cx, row, options, .. } = self;
        let (members, statements) = change.into_statements(layout, cx, row);
        let wanted = options.returning.as_ref().map(|projection| WantedLists::shown(layout, projection));
        let wanted = wanted.unwrap_or_default();
        let steps = LastSteps {
            tables,
            layout,
            cx,
            row,
            transaction: &locked.transaction,
            action: self.action,
            before: Some(&locked.resource),
            members: &members,
            wanted,
        };
        let after = steps.run(tx, statements).await?;
        let version = after.version().unwrap_or_else(|| locked.version.clone());
        let resource = options.returning.is_some().then_some(after);
        Ok(Updated { before: locked.version.clone(), version, resource, members })
    }

    /// The result of an update that changes nothing.
    async fn unchanged(&self, tx: &mut dyn Transaction, locked: Locked<'_>) -> Result<Updated, TableError> {
        let Self { tables, layout, row, options, .. } = self;
        let resource = match &options.returning {
            Some(projection) if layout.has_lists() => {
                let wanted = WantedLists::shown(layout, projection);
                let read = write_and_read(tx, tables, layout, row, Vec::new(), wanted).await?;
                Some(read.into_resource(layout))
            }
            Some(_) => Some(locked.resource),
            None => None,
        };
        Ok(Updated {
            before: locked.version.clone(),
            version: locked.version,
            resource,
            members: ChangedMembers::default(),
        })
    }
}

/// What an update writes.
struct Change {
    assignments: Vec<Assignment>,
    /// The statements that change child tables and members.
    statements: Vec<Statement>,
    members: ChangedMembers,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.assignments.is_empty() && self.statements.is_empty()
    }

    /// The changed members, and all statements: first those of other tables, then the one that changes the row.
    fn into_statements(
        self,
        layout: &Layout,
        cx: &Context<'_>,
        row: &RowId,
    ) -> (ChangedMembers, Vec<Statement>) {
        let Self { mut assignments, mut statements, members } = self;
        assignments.extend(of_every_change(layout, cx));
        if assignments.is_empty() {
            return (members, statements);
        }
        let mut sql = SqlBuilder::new(layout.dialect);
        sql.push("UPDATE ").push(&layout.table).push(" AS t SET ");
        for (index, assignment) in assignments.into_iter().enumerate() {
            sql.push(if index > 0 { ", " } else { "" }).push(&assignment.column).push(" = ");
            assignment.push_value(&mut sql);
        }
        push_row(&mut sql, layout, row);
        statements.push(sql.finish());
        (members, statements)
    }
}

/// The ids of the members of a group that was loaded with them.
fn member_ids(members: &MembersLayout, group: &Map<String, Value>) -> Vec<String> {
    let elements = members.list.get(group).and_then(Value::as_array);
    let id = |element: &Value| element.get("value").and_then(Value::as_str).map(str::to_owned);
    elements.into_iter().flatten().filter_map(id).collect()
}
