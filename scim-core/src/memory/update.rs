//! Updating a resource in steps, between which others use the store.
//!
//! [`start`] reads what an update is about, [`copy_more`] copies long lists of it a part at a time, and
//! [`finish`] stores what the caller has applied to the copy, unless somebody else has changed the resource
//! in the meantime.

use std::borrow::Cow;

use scim_patch::{ListDelta, key_of};
use scim_schema::Projection;
use serde_json::{Map, Value};

use super::membership::{check_members, is_same_member, stored_member};
use super::related_attributes::{groups_list, members_list};
use super::retrieve::{full_resource, groups_of};
use super::rules::Rules;
use super::table::Row;
use super::tenant::{RowAddress, Tenant, version};
use super::working_copy::{WorkingCopy, WrittenAttributes};
use crate::{Applied, Context, ETag, Error, Resource, Result, Update, UpdateOptions, Updated};

/// An update on its way: what was read for it, before it is applied to that.
pub(super) struct StartedUpdate<'u> {
    address: RowAddress,
    /// The version of the resource that was read.
    before: ETag,
    /// What the update does to the members, if that can be told without them.
    delta: Option<ListDelta<'u>>,
    /// The name of the list of members, if it was put together.
    loaded: Option<String>,
    /// What is to be applied.
    pub(super) update: Cow<'u, Update>,
    written: WrittenAttributes,
    /// What it is to be applied to.
    pub(super) copy: WorkingCopy,
}

/// Reads what an update is about.
pub(super) fn start<'u>(
    tenant: &Tenant,
    cx: &Context<'_>,
    id: &str,
    update: &'u Update,
    options: &UpdateOptions,
) -> Result<StartedUpdate<'u>> {
    let resource_type = cx.resource_type();
    let address = tenant.address(resource_type, id)?.clone();
    let row = tenant.row(&address).ok_or_else(|| Error::not_found(id))?;
    let before = version(&row.resource)?;
    options.precondition.check(&before)?;

    let list = members_list(resource_type).map(|target| target.attribute().name());
    let split = list.and_then(|list| update.split(cx, list));
    let (delta, update) = match split {
        Some((delta, rest)) => (Some(delta), Cow::Owned(rest)),
        None => (None, Cow::Borrowed(update)),
    };
    let (written, mut copy) = WrittenAttributes::new(resource_type, &update, &row.resource);
    // An update that looks into the members has them put together for it.
    let loaded = list.filter(|_| delta.is_none()).map(str::to_owned);
    if let Some(list) = loaded.as_ref().filter(|_| !row.members.is_empty()) {
        let elements = row.members.iter().cloned().map(Value::Object).collect();
        copy.resource.as_map_mut().insert(list.clone(), Value::Array(elements));
    }
    let groups = groups_list(resource_type).filter(|groups| update.reads(groups));
    if let Some(groups) = groups.filter(|_| tenant.parents.contains_key(&row.id)) {
        let name = groups.attribute().name().to_owned();
        copy.resource.as_map_mut().insert(name, Value::Array(groups_of(tenant, &row.id)));
    }
    Ok(StartedUpdate { address, before, delta, loaded, update, written, copy })
}

/// Copies more of what was read; how many elements, `None` if the resource has changed meanwhile.
pub(super) fn copy_more(tenant: &Tenant, started: &mut StartedUpdate<'_>) -> Option<usize> {
    let row = tenant.row(&started.address)?;
    let same_version = row.resource.version().as_ref() == Some(&started.before);
    same_version.then(|| started.copy.copy_more(&row.resource))
}

/// Stores what became of what was read; `None` if the resource has changed meanwhile. What is not used
/// any more is left in `applied`.
pub(super) fn finish(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    rules: &Rules,
    started: &StartedUpdate<'_>,
    applied: &mut Applied,
    returning: Option<&Projection>,
) -> Result<Option<Updated>> {
    let resource_type = cx.resource_type();
    let StartedUpdate { address, before, delta, loaded, written, .. } = started;
    let Some(row) = tenant.row(address) else { return Ok(None) };
    if version(&row.resource)? != *before {
        return Ok(None);
    }
    let list = loaded.as_ref().and_then(|list| applied.resource.as_map_mut().remove(list));
    let delta = members_delta(delta.as_ref(), loaded.is_some(), list.as_ref());
    // A list that was put together says exactly what each element is to be, a delta what the client sent.
    let changes =
        row.members.changes(&delta, |stored, element| match (loaded, members_list(resource_type)) {
            (None, Some(list)) => is_same_member(tenant, list, stored, element),
            _ => stored == element || *stored == stored_member(tenant, resource_type, element),
        });
    let changed = match loaded {
        Some(_) => !cx.secrets().is_empty() || written.differ(&applied.resource, &row.resource),
        None => applied.changed,
    };
    if changed || !changes.is_empty() {
        let id = row.id.clone();
        let put: Vec<&Map<String, Value>> = changes.added.iter().chain(&changes.replaced).copied().collect();
        check_members(tenant, resource_type, rules, &id, &put)?;
        let table = tenant.tables.get(resource_type.name()).ok_or_else(|| Error::not_found(&id))?;
        table.check_unique(&applied.resource, Some(address.number))?;
        let put: Vec<Map<String, Value>> =
            put.into_iter().map(|element| stored_member(tenant, resource_type, element)).collect();
        let removed = changes.removed.into_iter().map(str::to_owned).collect();
        let swap = |old: &mut Resource| written.swap(&mut applied.resource, old);
        store_resource(tenant, cx, address, swap);
        if let Some(row) = row_mut(tenant, address) {
            store_password(row, cx, rules);
        }
        store_members(tenant, address, put, removed);
    }
    let row = tenant.row(address).ok_or_else(|| Error::not_found(applied.resource.id()))?;
    let resource = returning.map(|projection| full_resource(tenant, resource_type, row, projection));
    Ok(Some(Updated { before: before.clone(), version: version(&row.resource)?, resource }))
}

/// What an update does to the members: the delta that was split off it, or all that is left in the list if
/// that was put together for it.
fn members_delta<'a>(delta: Option<&ListDelta<'a>>, loaded: bool, list: Option<&'a Value>) -> ListDelta<'a> {
    match (delta, list) {
        (Some(delta), _) => delta.clone(),
        (None, Some(Value::Array(list))) => {
            ListDelta::Exactly(list.iter().filter_map(Value::as_object).collect())
        }
        (None, _) if loaded => ListDelta::Exactly(Vec::new()),
        (None, _) => ListDelta::none(),
    }
}

/// Changes the resource of a row and stamps it.
fn store_resource(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    address: &RowAddress,
    put: impl FnOnce(&mut Resource),
) {
    tenant.changes += 1;
    let Some(table) = tenant.tables.get_mut(&address.table) else { return };
    table.change(address.number, |resource| {
        let before = id_and_meta(resource);
        put(resource);
        *resource = std::mem::take(resource).stamp_changed(cx, &before);
    });
}

fn store_password(row: &mut Row, cx: &Context<'_>, rules: &Rules) {
    if let Some(hash) = rules.hash_password(cx) {
        row.password_hash = Some(hash);
    } else if cx.secrets().is_cleared("password") {
        row.password_hash = None;
    }
}

fn store_members(
    tenant: &mut Tenant,
    address: &RowAddress,
    put: Vec<Map<String, Value>>,
    removed: Vec<String>,
) {
    for key in &removed {
        tenant.remove_from_parent(key, address);
    }
    for element in &put {
        tenant.add_to_parent(key_of(element), address);
    }
    let Some(row) = row_mut(tenant, address) else { return };
    for key in removed {
        row.members.remove(&key);
    }
    for element in put {
        row.members.put(element);
    }
}

fn row_mut<'t>(tenant: &'t mut Tenant, address: &RowAddress) -> Option<&'t mut Row> {
    tenant.tables.get_mut(&address.table)?.rows.get_mut(&address.number)
}

/// What `stamp_changed` takes over from the resource as it was.
fn id_and_meta(resource: &Resource) -> Resource {
    let members = ["id", "meta"].into_iter().filter_map(|name| Some((name, resource.get(name)?.clone())));
    Resource::new(members.map(|(name, value)| (name.to_owned(), value)).collect())
}
