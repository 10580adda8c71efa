//! Updating a resource in steps, so that other requests can use the store in between.
//!
//! [`start`] copies the attributes that an update reads or writes, and [`copy_more`] goes on with long lists, chunk by
//! chunk. The caller then applies the update to the copy without holding the lock. [`finish`] stores the result, unless
//! another request has changed the resource in the meantime.
//!
//! Members are stored apart from the resource. If the effect of an update on them can be determined without reading them
//! (a [`ListDelta`]), they are not copied at all. Otherwise the complete list is put into the copy as an attribute.

use std::borrow::Cow;

use scim_patch::{ListDelta, key_of};
use scim_schema::Projection;
use serde_json::{Map, Value};

use super::membership::{check_members, is_same_member, stored_member};
use super::retrieve::{full_resource, groups_of};
use super::rules::Rules;
use super::table::Row;
use super::tenant::{RowAddress, Tenant, version};
use super::working_copy::{WorkingCopy, WrittenAttributes};
use crate::related_attributes::{groups_list, members_list};
use crate::{
    AppliedUpdate, ChangedMembers, Context, ETag, Error, Resource, Result, Update, UpdateOptions, Updated,
};

/// An update between [`start`] and [`finish`].
pub(super) struct StartedUpdate<'u> {
    address: RowAddress,
    /// The version of the resource that was copied.
    version: ETag,
    /// What the update does to the members, if that can be determined without reading them.
    delta: Option<ListDelta<'u>>,
    /// The name of the list of members, if it was put into the copy.
    loaded_list: Option<String>,
    /// The update, without the changes that are in `delta`.
    pub(super) update: Cow<'u, Update>,
    written: WrittenAttributes,
    /// The attributes that the update is applied to.
    pub(super) copy: WorkingCopy,
}

/// Checks the precondition and copies the attributes that an update reads or writes.
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
    let version = version(&row.resource)?;
    options.precondition.check(&version)?;

    let list = members_list(resource_type).map(|target| target.attribute().name());
    let (delta, update) = match list.and_then(|list| update.split(cx, list)) {
        Some((delta, rest)) => (Some(delta), Cow::Owned(rest)),
        None => (None, Cow::Borrowed(update)),
    };
    let (written, mut copy) = WrittenAttributes::with_copy(resource_type, &update, &row.resource);
    let loaded_list = list.filter(|_| delta.is_none()).map(str::to_owned);
    if let Some(list) = loaded_list.as_ref().filter(|_| !row.members.is_empty()) {
        let elements = row.members.iter().cloned().map(Value::Object).collect();
        copy.resource.as_map_mut().insert(list.clone(), Value::Array(elements));
    }
    let groups = groups_list(resource_type).filter(|groups| update.reads(groups));
    if let Some(groups) = groups.filter(|_| tenant.parents.contains_key(&row.id)) {
        let name = groups.attribute().name().to_owned();
        copy.resource.as_map_mut().insert(name, Value::Array(groups_of(tenant, &row.id)));
    }
    Ok(StartedUpdate { address, version, delta, loaded_list, update, written, copy })
}

/// Copies one more chunk of a long list. Returns how many elements were copied; `None` if the resource has changed in the
/// meantime.
pub(super) fn copy_more(tenant: &Tenant, started: &mut StartedUpdate<'_>) -> Option<usize> {
    let row = tenant.row(&started.address)?;
    let same_version = row.resource.version().as_ref() == Some(&started.version);
    same_version.then(|| started.copy.copy_more(&row.resource))
}

/// Stores an update that the caller has applied to the copy. Returns `None` if the resource has changed in the meantime.
///
/// The replaced values are left in `applied`, so that the caller can drop them without holding the lock.
pub(super) fn finish(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    rules: &Rules,
    started: &StartedUpdate<'_>,
    applied: &mut AppliedUpdate,
    returning: Option<&Projection>,
) -> Result<Option<Updated>> {
    let resource_type = cx.resource_type();
    let StartedUpdate { address, version: before, delta, loaded_list, written, .. } = started;
    let Some(row) = tenant.row(address) else { return Ok(None) };
    if version(&row.resource)? != *before {
        return Ok(None);
    }
    let list = loaded_list.as_ref().and_then(|list| applied.resource.as_map_mut().remove(list));
    let delta = members_delta(delta.as_ref(), loaded_list.is_some(), list.as_ref());
    // The elements of a loaded list are complete. Those of a delta are as the client sent them, so they can lack values
    // that are derived from the member.
    let changes =
        row.members.changes(&delta, |stored, element| match (loaded_list, members_list(resource_type)) {
            (None, Some(list)) => is_same_member(tenant, list, stored, element),
            _ => stored == element || *stored == stored_member(tenant, resource_type, element),
        });
    let changed = match loaded_list {
        Some(_) => !cx.secrets().is_empty() || written.differ(&applied.resource, &row.resource),
        None => applied.changed,
    };
    let changed_members = ChangedMembers::from(&changes);
    if changed || !changes.is_empty() {
        let id = row.id.clone();
        let sent: Vec<&Map<String, Value>> = changes.added.iter().chain(&changes.replaced).copied().collect();
        check_members(tenant, resource_type, rules, &id, &sent)?;
        let table = tenant.tables.get(resource_type.name()).ok_or_else(|| Error::not_found(&id))?;
        table.check_unique(&applied.resource, Some(address.number))?;
        let stored: Vec<Map<String, Value>> =
            sent.into_iter().map(|element| stored_member(tenant, resource_type, element)).collect();
        let removed = changes.removed.into_iter().map(str::to_owned).collect();
        let write = |resource: &mut Resource| written.swap(&mut applied.resource, resource);
        store_resource(tenant, cx, address, write);
        if let Some(row) = row_mut(tenant, address) {
            store_password(row, cx, rules);
        }
        store_members(tenant, address, stored, removed);
    }
    let row = tenant.row(address).ok_or_else(|| Error::not_found(applied.resource.id()))?;
    let resource = returning.map(|projection| full_resource(tenant, resource_type, row, projection));
    Ok(Some(Updated {
        before: before.clone(),
        version: version(&row.resource)?,
        resource,
        members: changed_members,
    }))
}

/// The effect of an update on the members: the delta that was split off it, or the list that it has left in the copy.
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

/// Writes the resource of a row, with a new version and time of change.
fn store_resource(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    address: &RowAddress,
    write: impl FnOnce(&mut Resource),
) {
    tenant.changes += 1;
    let Some(table) = tenant.tables.get_mut(&address.table) else { return };
    table.update(address.number, |resource| {
        let before = id_and_meta(resource);
        write(resource);
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
    stored: Vec<Map<String, Value>>,
    removed: Vec<String>,
) {
    for key in &removed {
        tenant.remove_from_parent(key, address);
    }
    for element in &stored {
        tenant.add_to_parent(key_of(element), address);
    }
    let Some(row) = row_mut(tenant, address) else { return };
    for key in removed {
        row.members.remove(&key);
    }
    for element in stored {
        row.members.insert(element);
    }
}

fn row_mut<'t>(tenant: &'t mut Tenant, address: &RowAddress) -> Option<&'t mut Row> {
    tenant.tables.get_mut(&address.table)?.rows.get_mut(&address.number)
}

/// A resource with the attributes that `stamp_changed` reads from the resource before the change.
fn id_and_meta(resource: &Resource) -> Resource {
    let members = ["id", "meta"].into_iter().filter_map(|name| Some((name, resource.get(name)?.clone())));
    Resource::new(members.map(|(name, value)| (name.to_owned(), value)).collect())
}
