//! Reading one resource: its stored attributes, and those that are derived from other resources.

use std::collections::{BTreeMap, HashSet};

use scim_patch::key_of;
use scim_schema::{AttributeRef, Projection, ResourceType};
use serde_json::{Map, Value};

use super::table::Row;
use super::tenant::Tenant;
use crate::Resource;
use crate::related_attributes::{groups_list, members_list};

/// Returns a resource by its id; `None` if no resource of this type has the id.
pub(super) fn retrieve(
    tenant: &Tenant,
    resource_type: &ResourceType,
    id: &str,
    projection: &Projection,
) -> Option<Resource> {
    let address = tenant.address(resource_type, id).ok()?;
    Some(full_resource(tenant, resource_type, tenant.row(address)?, projection))
}

/// Returns the resource of a row, with its members and its groups if the projection shows them.
pub(super) fn full_resource(
    tenant: &Tenant,
    resource_type: &ResourceType,
    row: &Row,
    projection: &Projection,
) -> Resource {
    let mut resource = row.resource.clone();
    if !row.members.is_empty()
        && let Some(target) = members_list(resource_type).filter(|target| projection.shows(target))
    {
        let elements = row.members.iter().map(|element| named_member(tenant, target, element)).collect();
        resource.as_map_mut().insert(target.attribute().name().to_owned(), Value::Array(elements));
    }
    if tenant.parents.contains_key(&row.id)
        && let Some(target) = groups_list(resource_type).filter(|target| projection.shows(target))
    {
        let groups = groups_of(tenant, &row.id);
        resource.as_map_mut().insert(target.attribute().name().to_owned(), Value::Array(groups));
    }
    resource
}

/// Returns a member with the current name of its resource, unless a client has set another `display`.
fn named_member(tenant: &Tenant, list: &AttributeRef, element: &Map<String, Value>) -> Value {
    let mut element = element.clone();
    let is_unnamed = list.sub_attribute("display").is_some() && !element.contains_key("display");
    if let Some(name) = is_unnamed.then(|| tenant.display_name(key_of(&element))).flatten() {
        element.insert("display".to_owned(), Value::from(name));
    }
    Value::Object(element)
}

/// Returns the groups that a resource is in, directly and through other groups: first the direct ones, then the
/// groups of these, and so on. On each level they are in the order of their creation.
pub(super) fn groups_of(tenant: &Tenant, id: &str) -> Vec<Value> {
    let mut groups = Vec::new();
    let mut seen: HashSet<u64> = HashSet::new();
    let mut level: BTreeMap<u64, &str> = tenant.parents_of(id).collect();
    let mut type_value = "direct";
    while !level.is_empty() {
        let mut above = BTreeMap::new();
        for (number, table) in level {
            let Some(row) = tenant.row_in(table, number).filter(|_| seen.insert(number)) else { continue };
            let mut group = Map::from_iter([
                ("value".to_owned(), Value::from(row.resource.id())),
                ("type".to_owned(), Value::from(type_value)),
            ]);
            if let Some(name) = row.resource.text("displayName") {
                group.insert("display".to_owned(), Value::from(name));
            }
            groups.push(Value::Object(group));
            above.extend(tenant.parents_of(row.resource.id()));
        }
        level = above;
        type_value = "indirect";
    }
    groups
}
