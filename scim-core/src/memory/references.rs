//! References from one resource to another that are not memberships, such as a manager: when what
//! they refer to is deleted, they go.

use scim_schema::{Mutability, ResourceType, Target};
use serde_json::Value;

use super::table::Table;
use crate::{Context, Resource};

/// The `value` of an attribute that refers to resources.
pub(super) fn reference(attribute: &Target) -> Option<&Target> {
    let refers = attribute.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
    let own = attribute.attribute().mutability() != Mutability::ReadOnly && !attribute.holds_members();
    attribute.sub_attribute("value").filter(|_| refers && own)
}

/// Takes the references to a resource that is gone out of all rows of a table.
pub(super) fn forget(cx: &Context<'_>, table: &mut Table, id: &str) {
    let on = table.on.clone();
    for attribute in on.all_attributes().filter(|attribute| reference(attribute).is_some()) {
        // A resource that cannot be without it keeps it.
        if attribute.attribute().is_required() {
            continue;
        }
        for place in reference(attribute).map(|value| table.rows_with(value, id)).unwrap_or_default() {
            table.change(place, |resource| {
                *resource = without(&on, attribute, resource.clone(), id).stamp_changed(cx, resource);
            });
        }
    }
}

fn without(on: &ResourceType, attribute: &Target, mut resource: Resource, id: &str) -> Resource {
    let refers = |value: &Value| value.get("value").and_then(Value::as_str) == Some(id);
    let object = resource.as_map_mut();
    let left = match attribute.get_mut(object) {
        Some(Value::Array(list)) => {
            list.retain(|element| !refers(element));
            !list.is_empty()
        }
        value => value.is_some_and(|value| !refers(value)),
    };
    if !left {
        attribute.remove(object);
        on.update_schemas(object);
    }
    resource
}
