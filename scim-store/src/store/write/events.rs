//! The events that a write records.

use scim_core::{ChangedMembers, Context, Resource, Secrets};

use crate::database::Statement;
use crate::outbox::{ChangeKind, NewEvent, changed_attributes};
use crate::store::setup::Setup;
use crate::store::tables::{StoredResource, TypeLayout};

/// The events of one write, if the store records events.
pub(super) struct Events(Option<Vec<NewEvent>>);

impl Events {
    pub(super) fn new(setup: &Setup) -> Self {
        Self(setup.rules.record_events.then(Vec::new))
    }

    /// Whether events are recorded. If not, what only they need is not read.
    pub(super) fn are_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Adds an event.
    pub(super) fn push(&mut self, event: impl FnOnce() -> NewEvent) {
        if let Some(events) = &mut self.0 {
            events.push(event());
        }
    }

    /// Adds the event of a resource that was changed, given without its members before and after the change. `secrets` are
    /// those that the change stores.
    pub(super) fn push_change(
        &mut self,
        kind: ChangeKind,
        layout: &TypeLayout,
        before: &StoredResource,
        after: &Resource,
        secrets: Option<&Secrets>,
        members: impl FnOnce() -> ChangedMembers,
    ) {
        self.push(|| {
            let (resource_type, before) = (&layout.resource_type, &before.resource);
            NewEvent {
                kind,
                resource_type: resource_type.name().to_owned(),
                id: after.id().to_owned(),
                version_before: before.text("meta.version").map(str::to_owned),
                version_after: after.text("meta.version").map(str::to_owned),
                attributes: changed_attributes(resource_type, secrets, before.as_map(), after.as_map()),
                members: members(),
            }
        });
    }

    /// The statements that record the events, for the end of the transaction.
    pub(super) fn into_statements(self, setup: &Setup, cx: &Context<'_>) -> Vec<Statement> {
        self.0.map(|events| setup.events.statements(cx, &events)).unwrap_or_default()
    }
}
