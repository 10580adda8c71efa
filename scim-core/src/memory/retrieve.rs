//! Reading one resource: what is stored, with what is derived from other resources.

use std::collections::{BTreeMap, HashSet};

use scim_patch::key_of;
use scim_schema::{AttributeRef, Projection, ResourceType};
use serde_json::{Map, Value};

use super::related_attributes::{groups_list, members_list};
use super::table::Row;
use super::tenant::Tenant;
use crate::Resource;

/// A resource by its id, if there is one of this type.
pub(super) fn retrieve(
    tenant: &Tenant,
    resource_type: &ResourceType,
    id: &str,
    projection: &Projection,
) -> Option<Resource> {
    let address = tenant.address(resource_type, id).ok()?;
    Some(full_resource(tenant, resource_type, tenant.row(address)?, projection))
}

/// The resource of a row with its members and its groups, as far as the projection shows these.
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

/// A member with the name that it has now, unless the client gave it another.
fn named_member(tenant: &Tenant, list: &AttributeRef, element: &Map<String, Value>) -> Value {
    let mut element = element.clone();
    let unnamed = list.sub_attribute("display").is_some() && !element.contains_key("display");
    if let Some(name) = unnamed.then(|| tenant.display_name(key_of(&element))).flatten() {
        element.insert("display".to_owned(), Value::from(name));
    }
    Value::Object(element)
}

/// The groups that a resource is in, directly and through other groups: level by level, those of each
/// in the order of their creation.
pub(super) fn groups_of(tenant: &Tenant, id: &str) -> Vec<Value> {
    let mut groups = Vec::new();
    let mut seen: HashSet<u64> = HashSet::new();
    let mut level: BTreeMap<u64, &str> = tenant.parents_of(id).collect();
    let mut kind = "direct";
    while !level.is_empty() {
        let mut above = BTreeMap::new();
        for (number, table) in level {
            let Some(row) = tenant.row_in(table, number).filter(|_| seen.insert(number)) else { continue };
            let mut group = Map::from_iter([
                ("value".to_owned(), Value::from(row.resource.id())),
                ("type".to_owned(), Value::from(kind)),
            ]);
            if let Some(name) = row.resource.text("displayName") {
                group.insert("display".to_owned(), Value::from(name));
            }
            groups.push(Value::Object(group));
            above.extend(tenant.parents_of(row.resource.id()));
        }
        level = above;
        kind = "indirect";
    }
    groups
}
