//! Lists whose elements are identified by their `value`, such as the members of a group.

use scim_schema::{AttributeRef, Mutability, ScimType};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::error::Result;

/// Whether the elements of a list are identified by their `value` alone, so that a change of the list can be
/// told by keys. An immutable list can only be made once, which takes a look at all of it.
pub(crate) fn is_keyed(target: &AttributeRef) -> bool {
    target.holds_members() && target.definition().mutability() != Mutability::Immutable
}

/// The `value` that identifies an element of a list, such as a member of a group; empty if it has none.
pub fn key_of(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}

/// The key of a JSON value that should be an element; `None` if it has none.
pub(crate) fn find_key(element: &Value) -> Option<&str> {
    element.get("value").and_then(Value::as_str)
}

/// The key of an element that must have one.
pub(crate) fn require_key<'a>(target: &AttributeRef, element: &'a Value) -> Result<&'a str> {
    find_key(element).filter(|key| !key.is_empty()).ok_or_else(|| {
        PatchError::new(
            ScimType::InvalidValue,
            target,
            "each element must have a `value` that is a non-empty string",
        )
    })
}
