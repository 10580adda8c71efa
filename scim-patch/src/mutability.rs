//! The rules of mutability: which values a patch may change or remove (RFC 7643 section 2.2).

use scim_schema::{AttributeRef, Mutability, ScimType};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::error::Result;

/// Whether only the service writes the attribute or sub-attribute.
pub(crate) fn is_service_owned(target: &AttributeRef) -> bool {
    target.attribute().mutability() == Mutability::ReadOnly
        || target.definition().mutability() == Mutability::ReadOnly
        || is_schemas(target)
}

/// Whether this is `schemas`, which the service derives from the extensions that have values.
pub(crate) fn is_schemas(target: &AttributeRef) -> bool {
    target.extension().is_none() && target.attribute().name() == "schemas"
}

/// Whether every sub-attribute of an element is immutable or `readOnly`, so that adding an element whose key
/// is in the list changes nothing.
pub(crate) fn all_fixed(list: &AttributeRef, element: &Map<String, Value>) -> bool {
    element.keys().all(|name| list.sub_attribute(name).is_some_and(AttributeRef::is_fixed))
}

/// Checks whether a value may be replaced by `new`, or removed if that is `None`. Returns false if the value
/// is immutable and equal to `new`, so that it stays as it is.
///
/// # Errors
///
/// `mutability` if the value is immutable and would change.
pub(crate) fn check_change(target: &AttributeRef, old: &Value, new: Option<&Value>) -> Result<bool> {
    if target.definition().mutability() != Mutability::Immutable {
        return Ok(true);
    }
    if new.is_some_and(|new| target.values_equal(old, new)) {
        Ok(false)
    } else {
        Err(immutable_error(target))
    }
}

/// Refuses to remove a singular complex value that has an immutable sub-attribute.
pub(crate) fn check_removable(target: &AttributeRef, value: &Value) -> Result<()> {
    for sub in target.sub_attributes() {
        if let Some(old) = value.get(sub.definition().name()) {
            check_change(sub, old, None)?;
        }
    }
    Ok(())
}

pub(crate) fn immutable_error(target: &AttributeRef) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is immutable and already has a value")
}

pub(crate) fn read_only_error(target: &AttributeRef) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is readOnly; only the service can change it")
}
