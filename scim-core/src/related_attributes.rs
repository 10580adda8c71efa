//! The attributes that relate a resource to others.

use scim_schema::{AttributeRef, Mutability, ResourceType};

/// The attribute that lists members, if the resource type has one.
pub(crate) fn members_list(resource_type: &ResourceType) -> Option<&AttributeRef> {
    resource_type.attributes().find(|target| target.holds_members())
}

/// The attribute that lists the groups of a resource: a `readOnly` list of references.
pub(crate) fn groups_list(resource_type: &ResourceType) -> Option<&AttributeRef> {
    resource_type.attributes().find(|target| {
        target.attribute().is_multi_valued()
            && target.attribute().mutability() == Mutability::ReadOnly
            && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
    })
}

/// The `value` of an attribute that refers to another resource but is not a membership, such as `manager.value`.
pub(crate) fn reference_value(attribute: &AttributeRef) -> Option<&AttributeRef> {
    let has_reference = attribute.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
    let is_membership =
        attribute.attribute().mutability() == Mutability::ReadOnly || attribute.holds_members();
    attribute.sub_attribute("value").filter(|_| has_reference && !is_membership)
}
