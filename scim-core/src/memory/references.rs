//! References to other resources that are not memberships, such as `manager`: they are removed when the resource that
//! they refer to is deleted.

use scim_schema::{AttributeRef, ResourceType};
use serde_json::Value;

use super::table::Table;
use crate::related_attributes::reference_value;
use crate::{Context, Resource};

/// Removes the references to a deleted resource from all rows of a table.
pub(super) fn drop_references_to(cx: &Context<'_>, table: &mut Table, id: &str) {
    let resource_type = table.resource_type.clone();
    for attribute in resource_type.all_attributes() {
        let Some(value) = reference_value(attribute) else { continue };
        // A required attribute cannot be removed, so the reference stays although it refers to nothing.
        if attribute.attribute().is_required() {
            continue;
        }
        for number in table.rows_with(value, id) {
            table.update(number, |resource| {
                let before = resource.clone();
                remove_reference(&resource_type, attribute, resource, id);
                *resource = std::mem::take(resource).stamp_changed(cx, &before);
            });
        }
    }
}

fn remove_reference(
    resource_type: &ResourceType,
    attribute: &AttributeRef,
    resource: &mut Resource,
    id: &str,
) {
    let refers_to_id = |value: &Value| value.get("value").and_then(Value::as_str) == Some(id);
    let object = resource.as_map_mut();
    let has_other_values = match attribute.get_mut(object) {
        Some(Value::Array(list)) => {
            list.retain(|element| !refers_to_id(element));
            !list.is_empty()
        }
        value => value.is_some_and(|value| !refers_to_id(value)),
    };
    if !has_other_values {
        attribute.remove(object);
        resource_type.update_schemas(object);
    }
}
