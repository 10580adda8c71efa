//! Changes a resource.

use scim_core::patch::ListDelta;
use scim_core::schema::AttributeRef;
use scim_core::{AppliedUpdate, Context, ETag, Update, UpdateOptions, Updated, async_trait};
use serde_json::Value;

use super::commit::{CommitEvidence, commit};
use super::current::{current, select_current};
use super::events::Events;
use super::members::{self, Comparison};
use super::resource_row::update_statements;
use super::run::{Scope, Write};
use crate::adopt::adopter;
use crate::database::{Rows, params};
use crate::outbox::ChangeKind;
use crate::password::PasswordChange;
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::read::memberships::{self, Lists, if_shown};
use crate::store::tables::{StoredResource, TypeLayout, stored_version, tenant_of};

/// Changes a resource. Returns the versions before and after the change, and the resource if `options` request it.
pub(crate) struct Change {
    /// [`ChangeKind::Updated`], or [`ChangeKind::Adopted`] by the client that makes the request.
    pub(crate) kind: ChangeKind,
    pub(crate) id: String,
    pub(crate) update: Update,
    pub(crate) options: UpdateOptions,
    pub(crate) password: PasswordChange,
}

#[async_trait]
impl Write for Change {
    type Output = Updated;

    async fn run(&self, scope: &Scope, cx: &Context<'_>, mut tx: Transaction) -> Result<Updated, StoreError> {
        let Self { kind, id, update, options, password } = self;
        let (setup, layout) = (&scope.setup, &*scope.layout);
        let tenant = tenant_of(cx)?;
        let list = layout.members.as_ref().map(|target| target.attribute().name());
        let split = list.and_then(|list| update.split(cx, list));
        let mut queries = vec![select_current(&tx, cx, &tenant, id, "FOR NO KEY UPDATE OF r")];
        if let Some((delta, _)) = &split {
            queries.extend(members::select_for_change(&tx, &tenant, id, delta)?);
        }
        // The groups of a resource without members do not depend on what the update writes.
        let groups = options.returning.as_ref().and_then(|shown| if_shown(&layout.groups, shown));
        let groups = groups.filter(|_| layout.members.is_none());
        if groups.is_some() {
            queries.push(memberships::select_groups_of(&tenant, [id.as_str()])?);
        }
        let mut rows = tx.query_all(queries).await?;
        let groups = groups.and_then(|_| rows.pop());
        let mut rows = rows.into_iter();
        let stored = current(rows.next(), id)?;
        let before = stored_version(&stored.resource)?;
        options.precondition.check(&ETag::from_stored(&before))?;

        let Computed { applied, delta, list, comparison } =
            compute(&mut tx, cx, layout, &tenant, (id, &stored), (update, split)).await?;
        let delta =
            delta.unwrap_or_else(|| ListDelta::Exactly(list.iter().filter_map(Value::as_object).collect()));
        let mut member_rows: Vec<Rows> = rows.collect();
        if member_rows.is_empty() {
            member_rows = tx.query_all(members::select_for_change(&tx, &tenant, id, &delta)?).await?;
        }
        let layouts = setup.layouts();
        let change =
            members::resolve_delta(&mut tx, (layout, &layouts), &tenant, &delta, comparison, &member_rows)
                .await?;

        let mut after = StoredResource { place: stored.place, resource: stored.resource.clone() };
        let mut statements = Vec::new();
        let mut events = Events::new(setup);
        let is_adopted = *kind == ChangeKind::Adopted;
        // An adopted resource always gets a new version.
        let changed = applied.changed || !change.is_empty() || is_adopted;
        if changed {
            let keep_unknown = setup.rules.keep_unknown_members;
            members::check_references(&mut tx, layout, &tenant, id, &change, keep_unknown).await?;
            after.resource = applied.resource.stamp_changed(cx, &stored.resource);
            statements = members::write_statements(tx.dialect(), layout, &tenant, stored.place, &change)?;
            statements.extend(
                update_statements(&mut tx, layout, &tenant, &stored, &after.resource, password).await?,
            );
            if is_adopted {
                let sql = "UPDATE resource SET adopted_by = ?3 WHERE tenant = ?1 AND place = ?2";
                statements.push((sql, params![tenant.as_str(), stored.place, adopter(cx)]));
            }
            // Whoever adopts a resource does not change its password.
            let secrets = (!is_adopted).then_some(cx.secrets());
            events.push_change(*kind, layout, &stored, &after.resource, secrets, || change.delta());
        }
        let version = stored_version(&after.resource)?;
        if let Some(projection) = &options.returning {
            if layout.members.is_some() {
                // The members are read from the table, so the statements must run before that.
                tx.execute(std::mem::take(&mut statements)).await?;
            }
            let resource = (after.place, id.as_str());
            let lists =
                Lists::read_with_groups(&mut tx, layout, &tenant, projection, resource, groups).await?;
            lists.insert_into(layout, [after.resource.as_map_mut()])?;
        }
        if changed {
            let last = (statements, events.into_statements(setup, cx));
            commit(setup, tx, last, &tenant, id, CommitEvidence::Changed(&version)).await?;
        }
        Ok(Updated {
            before: ETag::from_stored(&before),
            version: ETag::from_stored(&version),
            resource: options.returning.is_some().then_some(after.resource),
            members: change.delta(),
        })
    }
}

/// The result of applying an update to a stored resource.
struct Computed<'u> {
    /// The resource without its members and groups.
    applied: AppliedUpdate,
    /// The change of the members, if it is known without reading all members.
    delta: Option<ListDelta<'u>>,
    /// All members after the update, if there is no `delta`.
    list: Vec<Value>,
    comparison: Comparison,
}

/// Applies an update to the stored resource. There are three cases:
///
/// - The update was split into a change of the members and the rest: only the rest is applied here, and the
///   members are not read.
/// - The type has members, but the update could not be split: all members are read, and the update is applied to
///   the resource together with them.
/// - The type has no members.
async fn compute<'u>(
    tx: &mut Transaction,
    cx: &Context<'_>,
    layout: &TypeLayout,
    tenant: &str,
    (id, stored): (&str, &StoredResource),
    (update, split): (&Update, Option<(ListDelta<'u>, Update)>),
) -> Result<Computed<'u>, StoreError> {
    Ok(match (&layout.members, split) {
        (Some(_), Some((delta, rest))) => {
            let applied = rest.apply_yielding(cx, stored.resource.clone()).await?;
            Computed { applied, delta: Some(delta), list: Vec::new(), comparison: Comparison::AsReturned }
        }
        (Some(target), None) => {
            let (applied, list) = apply_with_members(tx, cx, target, tenant, update, stored).await?;
            Computed { applied, delta: None, list, comparison: Comparison::AsStored }
        }
        (None, _) => {
            let applied = apply_with_groups(tx, cx, layout, tenant, (id, stored), update).await?;
            Computed {
                applied,
                delta: Some(ListDelta::none()),
                list: Vec::new(),
                comparison: Comparison::AsReturned,
            }
        }
    })
}

/// Applies an update to a resource of a type without members. If a filter in a PATCH reads the `groups` of the
/// resource, they are read for it. The update cannot change them, since they are read-only.
async fn apply_with_groups(
    tx: &mut Transaction,
    cx: &Context<'_>,
    layout: &TypeLayout,
    tenant: &str,
    (id, stored): (&str, &StoredResource),
    update: &Update,
) -> Result<AppliedUpdate, StoreError> {
    let mut resource = stored.resource.clone();
    let groups = layout.groups.as_ref().map(|target| target.attribute().name());
    if let (Some(groups), Update::Patch(patch)) = (groups, update)
        && patch.read_attributes().any(|target| target.attribute().name() == groups)
        && let Some(elements) = memberships::all_groups(tx, tenant, &[(stored.place, id)]).await?.pop()
    {
        resource.as_map_mut().insert(groups.to_owned(), Value::Array(elements));
    }
    let mut applied = update.apply_yielding(cx, resource).await?;
    if let Some(groups) = groups {
        applied.resource.as_map_mut().remove(groups);
    }
    Ok(applied)
}

/// Applies an update to a resource together with all its members, and returns the members separately.
async fn apply_with_members(
    tx: &mut Transaction,
    cx: &Context<'_>,
    target: &AttributeRef,
    tenant: &str,
    update: &Update,
    stored: &StoredResource,
) -> Result<(AppliedUpdate, Vec<Value>), StoreError> {
    let list = target.attribute().name();
    let mut resource = stored.resource.clone();
    let elements = memberships::members(tx, tenant, stored.place).await?;
    if !elements.is_empty() {
        resource.as_map_mut().insert(list.to_owned(), Value::Array(elements));
    }
    let mut applied = update.apply_yielding(cx, resource).await?;
    let members = match applied.resource.as_map_mut().remove(list) {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    // This is about the rest of the resource; `resolve_delta` finds out whether the members change.
    applied.changed = !cx.secrets().is_empty() || applied.resource != stored.resource;
    Ok((applied, members))
}
