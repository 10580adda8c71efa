//! Which attributes relate a resource to others.

use scim_schema::{AttributeRef, Mutability, ResourceType};

/// The list of members that a resource type has, if any.
pub(super) fn members_list(resource_type: &ResourceType) -> Option<&AttributeRef> {
    resource_type.attributes().find(|target| target.holds_members())
}

/// The attribute that says which groups a resource is in: a `readOnly` list of references.
pub(super) fn groups_list(resource_type: &ResourceType) -> Option<&AttributeRef> {
    resource_type.attributes().find(|target| {
        target.attribute().is_multi_valued()
            && target.attribute().mutability() == Mutability::ReadOnly
            && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
    })
}

/// The `value` of an attribute that refers to resources and is not a membership, such as `manager`.
pub(super) fn reference_value(attribute: &AttributeRef) -> Option<&AttributeRef> {
    let refers = attribute.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
    let own = attribute.attribute().mutability() != Mutability::ReadOnly && !attribute.holds_members();
    attribute.sub_attribute("value").filter(|_| refers && own)
}
