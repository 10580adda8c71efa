//! What the crates of this workspace share with each other.
//!
//! This module is exempt from semantic versioning: it changes from one release to the next without notice.
//! A host uses the documented items.

use serde_json::{Map, Value};

use crate::{AttributeRef, Projection, ReadContext, ResourceType};

pub use crate::message::canonicalize_message;
pub use crate::projection::Derive;
pub use crate::shortened::shortened;
pub use crate::strict_json::StrictJson;

/// Makes a resource sort by a value: the inverse of [`AttributeRef::sort_value`], for resuming a sorted query at
/// that value.
pub fn set_sort_value(target: &AttributeRef, resource: &mut Map<String, Value>, value: Value) {
    target.set_sort_value(resource, value);
}

/// The sub-attribute of that name, in any case, or in a form that is tolerated.
pub fn find_sub_attribute<'a>(
    target: &'a AttributeRef,
    name: &str,
    read_context: &mut ReadContext<'_>,
) -> Option<&'a AttributeRef> {
    target.sub_attribute_refs().find_tolerated(name, read_context)
}

/// Whether a text that is no name is the path of an attribute: `name.familyName`, or with a URI in front.
/// For saying what is wrong with it where a name is wanted.
pub fn has_path(resource_type: &ResourceType, text: &str) -> bool {
    resource_type.has_path(text)
}

/// Whether a projection is a clone of another one, and neither has been changed since. Then both show the
/// same. Two that were made alike are not clones.
pub fn is_clone_of(projection: &Projection, other: &Projection) -> bool {
    projection.is_clone_of(other)
}
