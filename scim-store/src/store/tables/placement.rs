//! Decides where in the tables each attribute is stored. Both writing (`resource_rows`) and searching (`mapping`)
//! follow it.

use scim_core::schema::{AttributeRef, Mutability, Type};

/// Where an attribute is stored for searching. All attributes but those of the table `member` are also in the
/// document.
pub(super) enum Placement {
    /// In a column of `resource` that only this attribute uses, or in the table `member`.
    Dedicated,
    /// In `resource.keys`, a JSON object with the keys of all attributes that have no column.
    Keys,
    /// In rows of `value`, one for each element.
    Rows,
}

/// Whether this is the list of the groups that contain a resource.
pub(super) fn is_group_list(target: &AttributeRef) -> bool {
    target.attribute().is_multi_valued()
        && target.attribute().mutability() == Mutability::ReadOnly
        && target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
}

/// Whether an attribute refers to a resource, such as `manager`; not members and groups. When that resource is
/// deleted, the store removes the reference.
pub(crate) fn is_reference(target: &AttributeRef) -> bool {
    target.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference())
        && target.attribute().mutability() != Mutability::ReadOnly
        && !target.holds_members()
}

/// Where an attribute is stored.
pub(super) fn placement(target: &AttributeRef) -> Placement {
    let has_column = matches!(target.attribute().name(), "id" | "externalId" | "displayName" | "meta")
        || target.attribute().name() == "active" && target.attribute().data_type() == Type::Boolean;
    match target.extension() {
        Some(_) => Placement::Rows,
        None if target.holds_members() || is_group_list(target) => Placement::Dedicated,
        None if target.attribute().is_multi_valued() || is_reference(target) => Placement::Rows,
        None if has_column && !target.is_complex() || target.attribute().name() == "meta" => {
            Placement::Dedicated
        }
        None => Placement::Keys,
    }
}

/// The column of the table `value` that holds a sub-attribute, or an element that has no sub-attributes; `None` for
/// what is in `value.keys`. Values that may be long, such as photos, are in `keys`, since an index limits the length
/// of a value.
pub(super) fn value_column(target: &AttributeRef) -> Option<&'static str> {
    let definition = target.definition();
    let may_be_long = matches!(definition.data_type(), Type::Binary | Type::Reference)
        && target.path().as_str() != "schemas";
    match (target.sub_attribute_definition(), definition.name()) {
        _ if may_be_long => None,
        (None, _) | (Some(_), "value") => Some("value"),
        (Some(_), "type") => Some("type"),
        (Some(_), "primary") => Some("main"),
        _ => None,
    }
}

/// The name of a value in the JSON object of a column `keys`.
pub(super) fn key_name(target: &AttributeRef) -> &str {
    match (target.extension(), target.sub_attribute_definition()) {
        (None, _) if !target.attribute().is_multi_valued() => target.path().as_str(),
        (_, Some(sub)) => sub.name(),
        (_, None) => "value",
    }
}

/// The attribute itself if it is simple, or its sub-attributes, without those that the service derives.
pub(super) fn leaves(target: &AttributeRef) -> impl Iterator<Item = &AttributeRef> {
    let simple = (!target.is_complex()).then_some(target);
    simple.into_iter().chain(target.sub_attributes()).filter(|leaf| !leaf.is_derived() && !leaf.is_complex())
}
