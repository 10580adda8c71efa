//! References from one resource to another that are not memberships, such as a manager: when what
//! they refer to is deleted, they go.

use scim_schema::{AttributeRef, ResourceType};
use serde_json::Value;

use super::related_attributes::reference_value;
use super::table::Table;
use crate::{Context, Resource};

/// Takes the references to a resource that is gone out of all rows of a table.
pub(super) fn drop_references_to(cx: &Context<'_>, table: &mut Table, id: &str) {
    let resource_type = table.resource_type.clone();
    for attribute in resource_type.all_attributes() {
        let Some(value) = reference_value(attribute) else { continue };
        // A resource that cannot be without it keeps it.
        if attribute.attribute().is_required() {
            continue;
        }
        for number in table.rows_with(value, id) {
            table.change(number, |resource| {
                *resource =
                    without(&resource_type, attribute, resource.clone(), id).stamp_changed(cx, resource);
            });
        }
    }
}

fn without(
    resource_type: &ResourceType,
    attribute: &AttributeRef,
    mut resource: Resource,
    id: &str,
) -> Resource {
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
        resource_type.update_schemas(object);
    }
    resource
}
