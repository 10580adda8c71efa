//! Keyed lists: lists whose elements are identified by their `value` alone, such as the members of a group.

use scim_schema::{AttributeRef, Mutability, ScimType};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::error::Result;

/// Whether a list is keyed, so that its changes can be expressed by keys without loading the list. An
/// immutable list is not, because whether it may be written depends on all its elements.
pub(crate) fn is_keyed(target: &AttributeRef) -> bool {
    target.holds_members() && target.definition().mutability() != Mutability::Immutable
}

/// Returns the `value` that identifies an element of a list, such as a member of a group, or an empty text if
/// it has none.
pub fn key_of(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}

/// Returns the key of an element, or `None` if it has none.
pub(crate) fn find_key(element: &Value) -> Option<&str> {
    element.get("value").and_then(Value::as_str)
}

/// Returns the key of an element, or an error if it has none.
pub(crate) fn require_key<'a>(target: &AttributeRef, element: &'a Value) -> Result<&'a str> {
    find_key(element).filter(|key| !key.is_empty()).ok_or_else(|| {
        PatchError::new(
            ScimType::InvalidValue,
            target,
            "each element must have a `value` that is a non-empty string",
        )
    })
}
