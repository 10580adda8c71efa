//! Which members a group may have, and in which form they are kept.

use std::borrow::Cow;
use std::collections::HashSet;

use scim_patch::{ListDelta, key_of};
use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};

use super::related_attributes::members_list;
use super::rules::Rules;
use super::tenant::Tenant;
use crate::{Error, Result};

/// Members must be resources, and a group must not be a member of itself, however indirectly.
pub(super) fn check_members(
    tenant: &Tenant,
    resource_type: &ResourceType,
    rules: &Rules,
    id: &str,
    added: &[&Map<String, Value>],
) -> Result<()> {
    let Some(list) = members_list(resource_type).filter(|_| !added.is_empty()) else { return Ok(()) };
    let name = list.attribute().name();
    let above: HashSet<&str> = ancestors(tenant, id);
    for element in added {
        let member = key_of(element);
        if member == id || above.contains(member) {
            return Err(Error::invalid_member(name, member, "a group cannot be a member of itself"));
        }
        if !rules.keep_unknown_members && !tenant.addresses.contains_key(member) {
            return Err(Error::unknown_member(name, member));
        }
    }
    Ok(())
}

/// The ids of all groups that a resource is in, directly and through other groups.
fn ancestors<'t>(tenant: &'t Tenant, id: &'t str) -> HashSet<&'t str> {
    let mut found = HashSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for parent in tenant.parents_of(id).filter_map(|(number, table)| tenant.row_in(table, number)) {
            let id = parent.resource.id();
            if found.insert(id) {
                open.push(id);
            }
        }
    }
    found
}

/// A member as it is kept: with the type of the resource that it is, and without what is derived
/// from it, so that it follows when that changes.
pub(super) fn stored_member(
    tenant: &Tenant,
    resource_type: &ResourceType,
    element: &Map<String, Value>,
) -> Map<String, Value> {
    let mut element = element.clone();
    element.remove("$ref");
    if element.get("display").and_then(Value::as_str) == tenant.display_name(key_of(&element)) {
        element.remove("display");
    }
    let has_type = members_list(resource_type).is_some_and(|list| list.sub_attribute("type").is_some());
    if let Some(address) = tenant.addresses.get(key_of(&element)).filter(|_| has_type) {
        element.insert("type".to_owned(), Value::from(address.table.as_str()));
    }
    element
}

/// Whether a stored member is the same as one that a client sends with the same key. Its type, and its name unless
/// a client chose it, are those of the resource that it is.
pub(super) fn is_same_member(
    tenant: &Tenant,
    list: &AttributeRef,
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> bool {
    let id = key_of(sent);
    let mut returned = Cow::Borrowed(stored);
    if let Some(kind) = sent.get("type").filter(|_| tenant.addresses.contains_key(id))
        && stored.get("type") != Some(kind)
    {
        returned.to_mut().insert("type".to_owned(), kind.clone());
    }
    if sent.contains_key("display")
        && !stored.contains_key("display")
        && let Some(name) = tenant.display_name(id)
    {
        returned.to_mut().insert("display".to_owned(), Value::from(name));
    }
    ListDelta::is_same(list, &returned, sent)
}
