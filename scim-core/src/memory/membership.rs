//! Which members a group may have, and how they are stored.

use std::borrow::Cow;
use std::collections::HashSet;

use scim_patch::{ListDelta, key_of};
use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};

use super::rules::Rules;
use super::tenant::Tenant;
use crate::related_attributes::members_list;
use crate::{Error, Result};

/// Checks members that are to be added to a group.
///
/// # Errors
///
/// 400 `invalidValue` if a member does not exist, or if the group would become a member of itself, directly or
/// through other groups.
pub(super) fn check_members(
    tenant: &Tenant,
    resource_type: &ResourceType,
    rules: &Rules,
    id: &str,
    added: &[&Map<String, Value>],
) -> Result<()> {
    let Some(list) = members_list(resource_type).filter(|_| !added.is_empty()) else { return Ok(()) };
    let name = list.attribute().name();
    let ancestors: HashSet<&str> = ancestors(tenant, id);
    for element in added {
        let member = key_of(element);
        if member == id || ancestors.contains(member) {
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
    let mut unvisited = vec![id];
    while let Some(id) = unvisited.pop() {
        for parent in tenant.parents_of(id).filter_map(|(number, table)| tenant.row_in(table, number)) {
            let id = parent.resource.id();
            if found.insert(id) {
                unvisited.push(id);
            }
        }
    }
    found
}

/// Returns a member as it is stored: with the type of its resource, and without `$ref` and the resource's name. These
/// are derived whenever the member is read, so that they follow the resource.
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

/// Whether a stored member equals one that a client sends with the same id. The stored one is compared as clients
/// read it: with the type of its resource and, unless a client has set another, with its name.
pub(super) fn is_same_member(
    tenant: &Tenant,
    list: &AttributeRef,
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> bool {
    let id = key_of(sent);
    let mut returned = Cow::Borrowed(stored);
    if let Some(sent_type) = sent.get("type").filter(|_| tenant.addresses.contains_key(id))
        && stored.get("type") != Some(sent_type)
    {
        // Clients cannot choose the type, so another one does not make the member another.
        returned.to_mut().insert("type".to_owned(), sent_type.clone());
    }
    if sent.contains_key("display")
        && !stored.contains_key("display")
        && let Some(name) = tenant.display_name(id)
    {
        returned.to_mut().insert("display".to_owned(), Value::from(name));
    }
    ListDelta::is_same(list, &returned, sent)
}
