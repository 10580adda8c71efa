//! Where each attribute is in the tables. Writing (`resource_rows`) and searching (`mapping`) both ask here.

use scim_core::schema::{AttributeRef, Mutability, Type};

/// Where an attribute is, besides in the document.
pub(super) enum Placement {
    /// In a column of `resource`, or derived from the table `member`.
    Promoted,
    /// In `resource.keys`.
    Keys,
    /// In rows of `value`.
    Rows,
}

/// Whether it is the list of the groups that a resource is in.
pub(super) fn is_groups(target: &AttributeRef) -> bool {
    target.attribute().is_multi_valued()
        && target.attribute().mutability() == Mutability::ReadOnly
        && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
}

/// Whether an attribute refers to resources in another way than members and groups do, such as `manager`.
/// When such a resource is deleted, the reference is removed.
pub(crate) fn is_reference(target: &AttributeRef) -> bool {
    target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
        && target.attribute().mutability() != Mutability::ReadOnly
        && !target.holds_members()
}

pub(super) fn placement(target: &AttributeRef) -> Placement {
    let own = matches!(target.attribute().name(), "id" | "externalId" | "displayName" | "meta")
        || target.attribute().name() == "active" && target.attribute().data_type() == Type::Boolean;
    match target.extension() {
        Some(_) => Placement::Rows,
        None if target.holds_members() || is_groups(target) => Placement::Promoted,
        None if target.attribute().is_multi_valued() || is_reference(target) => Placement::Rows,
        None if own && !target.is_complex() || target.attribute().name() == "meta" => Placement::Promoted,
        None => Placement::Keys,
    }
}

/// The column of the table `value` in which a sub-attribute, or an element without any, is compared. Types
/// whose values may be long are with the keys instead, where no index limits their length.
pub(super) fn value_column(target: &AttributeRef) -> Option<&'static str> {
    let definition = target.definition();
    let long = matches!(definition.data_type(), Type::Binary | Type::Reference);
    let long = long && target.path().as_str() != "schemas";
    match (target.sub_attribute_definition(), definition.name()) {
        _ if long => None,
        (None, _) | (Some(_), "value") => Some("value"),
        (Some(_), "type") => Some("type"),
        (Some(_), "primary") => Some("main"),
        _ => None,
    }
}

/// The name under which a value is in a column of keys.
pub(super) fn key_name(target: &AttributeRef) -> &str {
    match (target.extension(), target.sub_attribute_definition()) {
        (None, _) if !target.attribute().is_multi_valued() => target.path().as_str(),
        (_, Some(sub)) => sub.name(),
        (_, None) => "value",
    }
}

/// The attribute itself, or its sub-attributes; without what the service derives.
pub(super) fn leaves(target: &AttributeRef) -> impl Iterator<Item = &AttributeRef> {
    let own = (!target.is_complex()).then_some(target);
    own.into_iter().chain(target.sub_attributes()).filter(|leaf| !leaf.is_derived() && !leaf.is_complex())
}
