//! Changes a resource.

use scim_core::patch::ListDelta;
use scim_core::schema::AttributeRef;
use scim_core::{Applied, Context, ETag, Update, UpdateOptions, Updated};
use serde_json::Value;

use super::commit::{CommitEvidence, commit};
use super::current::{current, select_current};
use super::members::{self, Compared};
use super::password;
use super::resource_row::rewrite;
use crate::database::{Mode, Rows, Transaction};
use crate::error::Fault;
use crate::read::memberships::{self, Lists};
use crate::setup::Setup;
use crate::tables::{Stored, Tables, tenant_of, version};

pub(crate) async fn update(
    setup: &Setup,
    cx: &Context<'_>,
    tables: &Tables,
    id: &str,
    update: &Update,
    options: &UpdateOptions,
    password: &password::Change,
) -> Result<Updated, Fault> {
    let tenant = tenant_of(cx)?;
    let list = tables.members.as_ref().map(|target| target.attribute().name());
    let split = list.and_then(|list| update.split(cx, list));
    let mut tx = setup.database.begin(Mode::Write).await?;
    let mut asked = vec![select_current(&tx, cx, &tenant, id, "FOR NO KEY UPDATE OF r")];
    if let Some((delta, _)) = &split {
        asked.extend(members::ask(&tx, &tenant, id, delta)?);
    }
    let mut rows = tx.rows_of(asked).await?.into_iter();
    let stored = current(rows.next(), id)?;
    let before = version(&stored.resource)?;
    options.precondition.check(&ETag::from_stored(&before))?;

    let Computed { applied, delta, list, compared } =
        compute(&mut tx, cx, tables, &tenant, (id, &stored), (update, split)).await?;
    let delta =
        delta.unwrap_or_else(|| ListDelta::Exactly(list.iter().filter_map(Value::as_object).collect()));
    let mut rows: Vec<Rows> = rows.collect();
    if rows.is_empty() {
        rows = tx.rows_of(members::ask(&tx, &tenant, id, &delta)?).await?;
    }
    let change = members::change(&mut tx, (tables, &setup.types()), &tenant, &delta, compared, &rows).await?;

    let mut after = Stored { place: stored.place, resource: stored.resource.clone() };
    let mut statements = Vec::new();
    let changed = applied.changed || !change.is_empty();
    if changed {
        members::check(&mut tx, tables, &tenant, id, &change, setup.rules.keep_unknown_members).await?;
        after.resource = applied.resource.stamp_changed(cx, &stored.resource);
        statements = members::write(tables, &tenant, stored.place, &change)?;
        statements.extend(rewrite(&mut tx, tables, &tenant, &stored, &after.resource, password).await?);
    }
    let version = version(&after.resource)?;
    if let Some(projection) = &options.returning {
        if tables.members.is_some() {
            // The members are read as they are after the statements.
            tx.execute(std::mem::take(&mut statements)).await?;
        }
        let lists = Lists::read(&mut tx, tables, &tenant, projection, &[(after.place, id)]).await?;
        lists.put(tables, [&mut after])?;
    }
    if changed {
        commit(setup, tx, statements, &tenant, id, CommitEvidence::Changed(&version)).await?;
    }
    Ok(Updated {
        before: ETag::from_stored(&before),
        version: ETag::from_stored(&version),
        resource: options.returning.is_some().then_some(after.resource),
    })
}

/// What an update makes of a resource.
struct Computed<'u> {
    /// The resource without its members and groups.
    applied: Applied,
    /// The change of the members; `None` if `list` holds all members that there are to be.
    delta: Option<ListDelta<'u>>,
    list: Vec<Value>,
    compared: Compared,
}

/// Applies an update, which is split if it can be.
async fn compute<'u>(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    (id, stored): (&str, &Stored),
    (update, split): (&Update, Option<(ListDelta<'u>, Update)>),
) -> Result<Computed<'u>, Fault> {
    Ok(match (&tables.members, split) {
        (Some(_), Some((delta, rest))) => {
            let applied = rest.apply_yielding(cx, stored.resource.clone()).await?;
            Computed { applied, delta: Some(delta), list: Vec::new(), compared: Compared::AsReturned }
        }
        (Some(target), None) => {
            let (applied, list) = apply_with_members(tx, cx, target, update, stored).await?;
            Computed { applied, delta: None, list, compared: Compared::AsStored }
        }
        (None, _) => {
            let applied = apply_with_groups(tx, cx, tables, tenant, (id, stored), update).await?;
            Computed {
                applied,
                delta: Some(ListDelta::none()),
                list: Vec::new(),
                compared: Compared::AsReturned,
            }
        }
    })
}

/// Applies an update to a resource. If a PATCH looks at the groups that it is in, it sees them; they are
/// read-only, so it does not change them.
async fn apply_with_groups(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tables: &Tables,
    tenant: &str,
    (id, stored): (&str, &Stored),
    update: &Update,
) -> Result<Applied, Fault> {
    let mut resource = stored.resource.clone();
    let groups = tables.groups.as_ref().map(|target| target.attribute().name());
    if let (Some(groups), Update::Patch(patch)) = (groups, update)
        && patch.read_attributes().any(|target| target.attribute().name() == groups)
        && let Some(elements) = memberships::groups(tx, tenant, &[(stored.place, id)]).await?.pop()
    {
        resource.as_map_mut().insert(groups.to_owned(), Value::Array(elements));
    }
    let mut applied = update.apply_yielding(cx, resource).await?;
    if let Some(groups) = groups {
        applied.resource.as_map_mut().remove(groups);
    }
    Ok(applied)
}

/// Applies an update to a resource together with its members, and returns these apart.
async fn apply_with_members(
    tx: &mut Transaction,
    cx: &Context<'_>,
    target: &AttributeRef,
    update: &Update,
    stored: &Stored,
) -> Result<(Applied, Vec<Value>), Fault> {
    let list = target.attribute().name();
    let mut resource = stored.resource.clone();
    let elements = memberships::members(tx, stored.place).await?;
    if !elements.is_empty() {
        resource.as_map_mut().insert(list.to_owned(), Value::Array(elements));
    }
    let mut applied = update.apply_yielding(cx, resource).await?;
    let members = match applied.resource.as_map_mut().remove(list) {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    // Whether the members have changed is decided where they are compared with the rows.
    applied.changed = !cx.secrets().is_empty() || applied.resource != stored.resource;
    Ok((applied, members))
}
