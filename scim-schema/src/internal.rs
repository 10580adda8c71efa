//! Items for the other crates of this workspace.
//!
//! This module is exempt from semantic versioning and can change in any release. Applications should use the
//! documented items only.

use serde_json::{Map, Value};

use crate::{AttributeRef, Projection, ReadContext, ResourceType};

pub use crate::message::canonicalize_message;
pub use crate::projection::{DeriveValues, ProjectedText};
pub use crate::shortened::shortened;
pub use crate::strict_json::StrictJson;

/// Changes a resource so that [`AttributeRef::sort_value`] returns `value`, to resume a sorted query at that
/// value.
pub fn set_sort_value(target: &AttributeRef, resource: &mut Map<String, Value>, value: Value) {
    target.set_sort_value(resource, value);
}

/// Finds a sub-attribute by its name in any case, or by a name that is tolerated for it.
pub fn find_sub_attribute<'a>(
    target: &'a AttributeRef,
    name: &str,
    read_context: &mut ReadContext<'_>,
) -> Option<&'a AttributeRef> {
    target.sub_attribute_refs().find_tolerated(name, read_context)
}

/// Whether a text is the path of an attribute, such as `name.familyName`, and not only a name. Used for error
/// messages where only a name is allowed.
pub fn is_attribute_path(resource_type: &ResourceType, text: &str) -> bool {
    resource_type.is_attribute_path(text)
}

/// Whether one of two projections is an unchanged clone of the other, so that both show the same attributes. False
/// for two projections that were built separately, even from the same parameters.
pub fn shares_selection_with(projection: &Projection, other: &Projection) -> bool {
    projection.shares_selection_with(other)
}
