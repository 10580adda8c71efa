//! Ends a write that creates or changes a row.

use scim_core::{ChangedMembers, Context, Resource, Secrets};

use super::commit::{TransactionId, commit};
use super::rule::{self, Written};
use super::stored::{RowId, commit_and_read, write_and_read};
use crate::database::{Statement, Transaction};
use crate::outbox::{ChangeKind, NewEvent, changed_attributes};
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::on_write::WriteAction;
use crate::table_store::read::WantedLists;
use crate::table_store::tables::Tables;

/// A write before its last statements.
pub(super) struct LastSteps<'w> {
    pub(super) tables: &'w Tables,
    pub(super) layout: &'w Layout,
    pub(super) cx: &'w Context<'w>,
    pub(super) row: &'w RowId,
    pub(super) transaction: &'w TransactionId,
    pub(super) action: WriteAction,
    /// The resource before the write; `None` if it is created.
    pub(super) before: Option<&'w Resource>,
    pub(super) members: &'w ChangedMembers,
    /// The lists that the returned resource has.
    pub(super) wanted: WantedLists,
}

impl LastSteps<'_> {
    /// Runs the last statements, lets the rule of the application run, records the event, and commits. Returns the resource as
    /// it is stored.
    pub(super) async fn run(
        self,
        mut tx: Box<dyn Transaction>,
        statements: Vec<Statement>,
    ) -> Result<Resource, TableError> {
        let Self { tables, layout, cx, row, transaction, action, before, members, wanted } = self;
        if tables.on_write.is_none() && tables.events.is_none() {
            let read = commit_and_read(tx, tables, layout, row, transaction, statements, wanted).await?;
            return Ok(read.into_resource(layout));
        }
        let read = write_and_read(&mut *tx, tables, layout, row, statements, wanted).await?;
        let mut after = read.into_resource(layout);
        if tables.on_write.is_some() {
            let after_write = Some(&after);
            let written = Written { action, key: row.key.clone(), before, after: after_write, members };
            rule::run(tables, layout, cx, &mut *tx, written).await?;
            // The rule may have changed the row.
            if tables.events.is_none() {
                let read = commit_and_read(tx, tables, layout, row, transaction, Vec::new(), wanted).await?;
                return Ok(read.into_resource(layout));
            }
            let read = write_and_read(&mut *tx, tables, layout, row, Vec::new(), wanted).await?;
            after = read.into_resource(layout);
        }
        let is_changed = before.and_then(Resource::version) != after.version();
        // Whoever adopts a resource does not change its password.
        let secrets = (action != WriteAction::Adopt).then_some(cx.secrets());
        let event = (is_changed || action == WriteAction::Adopt)
            .then(|| new_event(kind(action), layout, secrets, before, &after, members));
        commit(tables, tx, transaction, tables.last_statements(cx, event.as_slice())).await?;
        Ok(after)
    }
}

fn kind(action: WriteAction) -> ChangeKind {
    match action {
        WriteAction::Create => ChangeKind::Created,
        WriteAction::Adopt => ChangeKind::Adopted,
        WriteAction::Update => ChangeKind::Updated,
        WriteAction::Delete => ChangeKind::Deleted,
    }
}

/// The event of a resource that is created or changed. `secrets` are those that the write stores.
pub(super) fn new_event(
    kind: ChangeKind,
    layout: &Layout,
    secrets: Option<&Secrets>,
    before: Option<&Resource>,
    after: &Resource,
    members: &ChangedMembers,
) -> NewEvent {
    let version = |resource: &Resource| resource.text("meta.version").map(str::to_owned);
    let nothing = Resource::default();
    let attributes_before = before.unwrap_or(&nothing).as_map();
    NewEvent {
        kind,
        resource_type: layout.resource_type.name().to_owned(),
        id: after.id().to_owned(),
        version_before: before.and_then(version),
        version_after: version(after),
        attributes: changed_attributes(&layout.resource_type, secrets, attributes_before, after.as_map()),
        members: members.clone(),
    }
}
