//! A change, applied to one element of a list or to the value of a singular complex attribute.

use scim_schema::{AttributeRef, Mutability, ScimType};
use serde_json::{Map, Value};

use super::list;
use super::overwrite::overwrite;
use super::state::Allowance;
use crate::PatchError;
use crate::error::Result;
use crate::mutability::{check_change, immutable_error};
use crate::step::{ElementChange, SubValue, value_for};

/// What became of an element.
#[derive(PartialEq)]
pub(super) enum ElementOutcome {
    Unchanged,
    Changed,
    Removed,
}

impl ElementChange {
    /// Changes an element of a list. One that is left without any value is removed.
    pub(super) fn apply_to_element(
        &self,
        target: &AttributeRef,
        element: &mut Value,
        allowance: &Allowance<'_>,
    ) -> Result<ElementOutcome> {
        match self {
            Self::Remove => Ok(ElementOutcome::Removed),
            change => match change.apply(target, element, allowance)? {
                false => Ok(ElementOutcome::Unchanged),
                true if element.as_object().is_some_and(Map::is_empty) => Ok(ElementOutcome::Removed),
                true => Ok(ElementOutcome::Changed),
            },
        }
    }

    /// Changes one element, unless it is to be removed; whether that changed anything.
    pub(super) fn apply(
        &self,
        target: &AttributeRef,
        element: &mut Value,
        allowance: &Allowance<'_>,
    ) -> Result<bool> {
        match self {
            Self::Remove => Ok(false),
            Self::RemoveEqual(listed) => remove_equal(element, listed, allowance),
            Self::Merge { values, append_lists } => merge(target, element, values, *append_lists, allowance),
            Self::Replace(value) => replace(target, element, value),
        }
    }
}

/// Sets sub-attributes of a complex value, unassigns those that are null, and keeps the others.
pub(super) fn merge(
    target: &AttributeRef,
    value: &mut Value,
    values: &[SubValue],
    append_lists: bool,
    allowance: &Allowance<'_>,
) -> Result<bool> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(object) = value.as_object_mut() else { return Ok(false) };
    let mut changed = false;
    for SubValue { sub, value } in values {
        let name = sub.definition().name();
        if sub.is_derived() && !value.is_null() && is_derived_reference(sub, object, values, value)? {
            continue;
        }
        let set = match (value, object.get_mut(name)) {
            (Value::Null, None) => false,
            (Value::Null, Some(old)) => check_change(sub, old, None)? && object.remove(name).is_some(),
            (value, None) => {
                object.insert(name.to_owned(), value.clone());
                true
            }
            (Value::Array(added), Some(Value::Array(old))) if append_lists => {
                list::append_nested(sub, old, added, allowance)?
            }
            (value, Some(old)) => {
                old != value && check_change(sub, old, Some(value))? && overwrite(old, value)
            }
        };
        changed |= set;
        if set && name == "value" {
            remove_derived(target, object);
        }
    }
    Ok(changed)
}

/// Whether a reference is ignored, since the service derives it from the `value` beside it. One that
/// contradicts the stored value is an error, so that it is not lost in silence.
fn is_derived_reference(
    sub: &AttributeRef,
    object: &Map<String, Value>,
    values: &[SubValue],
    reference: &Value,
) -> Result<bool> {
    let new_value = value_for(values, "value");
    let Some(value) = new_value.or_else(|| object.get("value")).and_then(Value::as_str) else {
        return Ok(false);
    };
    let agrees = |uri: &str| uri.rsplit('/').next() == Some(value);
    if new_value.is_some() || reference.as_str().is_none_or(agrees) {
        return Ok(true);
    }
    Err(PatchError::new(
        ScimType::Mutability,
        sub,
        "is derived from the `value` next to it; send `value` instead",
    ))
}

/// Removes what the service wrote for the `value` that was there before, such as the name of a manager.
fn remove_derived(target: &AttributeRef, object: &mut Map<String, Value>) {
    for sub in target.sub_attributes() {
        if sub.is_derived() || sub.definition().mutability() == Mutability::ReadOnly {
            object.remove(sub.definition().name());
        }
    }
}

/// Removes values from a sub-attribute that is a list.
fn remove_equal(value: &mut Value, listed: &SubValue, allowance: &Allowance<'_>) -> Result<bool> {
    let (Some(object), Value::Array(values)) = (value.as_object_mut(), &listed.value) else {
        return Ok(false);
    };
    let Some(Value::Array(old)) = object.get_mut(listed.name()) else { return Ok(false) };
    let shorter = list::remove_listed(&listed.sub, old, values, allowance)?;
    if shorter && listed.sub.definition().mutability() == Mutability::Immutable {
        return Err(immutable_error(&listed.sub));
    }
    if old.is_empty() {
        object.remove(listed.name());
    }
    Ok(shorter)
}

/// Puts a complex value in place of another. What clients cannot change is taken over from the old one.
fn replace(target: &AttributeRef, old: &mut Value, new: &Value) -> Result<bool> {
    let mut next = new.clone();
    let same_value = old.get("value") == new.get("value");
    for sub in target.sub_attributes() {
        let name = sub.definition().name();
        let Some(before) = old.get(name) else { continue };
        match sub.definition().mutability() {
            Mutability::ReadOnly if same_value => {
                if let Some(next) = next.as_object_mut() {
                    next.insert(name.to_owned(), before.clone());
                }
            }
            Mutability::Immutable => {
                if !check_change(sub, before, new.get(name))?
                    && let Some(next) = next.as_object_mut()
                {
                    next.insert(name.to_owned(), before.clone());
                }
            }
            _ => {}
        }
    }
    let changed = *old != next;
    *old = next;
    Ok(changed)
}
