//! Which members a group may have, and in which form they are kept.

use std::collections::HashSet;

use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};

use super::members;
use super::related_attributes::members_list;
use super::rules::Rules;
use super::tenant::Tenant;
use crate::error::shortened;
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
        let member = members::key(element);
        if member == id || above.contains(member) {
            return Err(Error::invalid_member(name, member, "a group cannot be a member of itself"));
        }
        if !rules.keep_unknown_members && !tenant.addresses.contains_key(member) {
            let reason = format!("there is no resource `{}`", shortened(member));
            return Err(Error::invalid_member(name, member, &reason));
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
    if element.get("display").and_then(Value::as_str) == tenant.display_name(members::key(&element)) {
        element.remove("display");
    }
    let has_type = members_list(resource_type).is_some_and(|list| list.sub_attribute("type").is_some());
    if let Some(address) = tenant.addresses.get(members::key(&element)).filter(|_| has_type) {
        element.insert("type".to_owned(), Value::from(address.table.as_str()));
    }
    element
}

/// Whether a stored member says what the client sends for it, and nothing else but what the store fills in.
pub(super) fn matches_stored(
    tenant: &Tenant,
    resource_type: &ResourceType,
    stored: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> bool {
    let id = members::key(stored);
    let sub = |name: &str| members_list(resource_type)?.sub_attribute(name);
    let fixed = |name: &str| sub(name).is_some_and(AttributeRef::is_fixed);
    let matches = |name: &str, value: &Value| match name {
        "$ref" => true,
        "type" if tenant.addresses.contains_key(id) => true,
        "display" if !stored.contains_key(name) => value.as_str() == tenant.display_name(id),
        _ => stored.get(name) == Some(value),
    };
    sent.iter().all(|(name, value)| matches(name, value))
        && stored.keys().all(|name| sent.contains_key(name) || fixed(name))
}
