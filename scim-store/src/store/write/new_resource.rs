//! Inserts the rows of a resource that does not exist yet.

use scim_core::patch::ListDelta;
use scim_core::schema::Projection;
use scim_core::{Context, Resource};
use serde_json::{Map, Value};

use super::commit::{CommitEvidence, commit};
use super::events::Events;
use super::members::{self, Comparison};
use super::resource_row::insert;
use super::run::Scope;
use super::value_rows::{insert_unique_values, value_statements};
use crate::outbox::{ChangeKind, NewEvent, changed_attributes};
use crate::password::PasswordChange;
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::read::memberships::Lists;
use crate::store::tables::{ResourceRows, StoredResource, TypeLayout, tenant_of};

/// A resource that does not exist yet, with its id, times and version.
pub(super) struct NewResource {
    /// The resource without its members.
    resource: Resource,
    members: Vec<Value>,
    rows: ResourceRows,
}

/// Where a resource that does not exist yet comes from.
pub(super) struct Origin {
    pub(super) kind: ChangeKind,
    /// The version that a restored resource had.
    pub(super) version_before: Option<String>,
    /// Statements that run with the insertion.
    pub(super) statements: Vec<Statement>,
}

impl Origin {
    /// A request creates it.
    pub(super) fn created() -> Self {
        Self { kind: ChangeKind::Created, version_before: None, statements: Vec::new() }
    }
}

impl NewResource {
    /// # Errors
    ///
    /// If a value is too long for its column, or contains U+0000.
    pub(super) fn new(layout: &TypeLayout, mut resource: Resource) -> Result<Self, StoreError> {
        let list = layout.members.as_ref().map(|target| target.attribute().name());
        let members = match list.and_then(|list| resource.as_map_mut().remove(list)) {
            Some(Value::Array(members)) => members,
            _ => Vec::new(),
        };
        let rows = ResourceRows::new(layout, &resource)?;
        Ok(Self { resource, members, rows })
    }

    /// Inserts the resource, and commits. Returns the resource as it is stored, with its members.
    pub(super) async fn insert(
        &self,
        scope: &Scope,
        cx: &Context<'_>,
        mut tx: Transaction,
        password: &PasswordChange,
        origin: Origin,
    ) -> Result<Resource, StoreError> {
        let (setup, layout) = (&scope.setup, &*scope.layout);
        let tenant = tenant_of(cx)?;
        let Self { resource, members, rows } = self;
        let id = resource.id().to_owned();
        let members: Vec<&Map<String, Value>> = members.iter().filter_map(Value::as_object).collect();
        let delta = ListDelta::ExactKeys(members);
        let member_rows = match &layout.members {
            Some(_) => tx.query_all(members::select_for_change(&tx, &tenant, &id, &delta)?).await?,
            None => Vec::new(),
        };
        let layouts = setup.layouts();
        let change = members::resolve_delta(
            &mut tx,
            (layout, &layouts),
            &tenant,
            &delta,
            Comparison::AsReturned,
            &member_rows,
        )
        .await?;
        let keep_unknown = setup.rules.keep_unknown_members;
        members::check_references(&mut tx, layout, &tenant, &id, &change, keep_unknown).await?;
        let place = insert(&mut tx, cx, &tenant, resource, rows, password).await?;
        insert_unique_values(&mut tx, layout, &tenant, place, None, rows).await?;
        let Origin { kind, version_before, mut statements } = origin;
        statements.extend(value_statements(&tx, &tenant, place, None, rows));
        statements.extend(members::write_statements(tx.dialect(), layout, &tenant, place, &change)?);
        let mut events = Events::new(setup);
        events.push(|| NewEvent {
            kind,
            resource_type: cx.resource_type().name().to_owned(),
            id: id.clone(),
            version_before,
            version_after: resource.text("meta.version").map(str::to_owned),
            attributes: changed_attributes(
                cx.resource_type(),
                Some(cx.secrets()),
                &Map::new(),
                resource.as_map(),
            ),
            members: change.delta(),
        });
        let mut stored = StoredResource { place, resource: resource.clone() };
        if layout.members.is_some() {
            tx.execute(std::mem::take(&mut statements)).await?;
            let projection = Projection::new(cx.resource_type());
            let lists = Lists::read(&mut tx, layout, &tenant, &projection, &[(place, &id)]).await?;
            lists.insert_into(layout, [stored.resource.as_map_mut()])?;
        }
        let last = (statements, events.into_statements(setup, cx));
        commit(setup, tx, last, &tenant, &id, CommitEvidence::Created).await?;
        Ok(stored.resource)
    }
}
