//! Adding elements to a list without duplicates, and removing those that are listed.

use scim_schema::{AttributeRef, Mutability};
use serde_json::Value;

use super::element_index::ElementIndex;
use super::state::Allowance;
use crate::element::{has_elements_without_value, is_primary};
use crate::error::Result;
use crate::key::is_keyed;
use crate::mutability::{check_change, immutable_error};

/// Adds elements that are not in the list yet; one that is gets the sub-attributes of the new one.
pub(super) fn append(
    target: &AttributeRef,
    list: &mut Vec<Value>,
    elements: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let length = list.len();
    let mut index = ElementIndex::new(target, elements, length);
    allowance.charge(target, index.cost(length.saturating_add(elements.len())))?;
    for (position, old) in list.iter().enumerate() {
        index.record(position, old);
    }
    let (mut changed, mut primary) = (false, None);
    for element in elements {
        let position = index.find(list, element, allowance)?.unwrap_or(list.len());
        let differs = match list.get_mut(position) {
            Some(old) => merge_into(target, old, element, allowance)?,
            None => {
                list.push(element.clone());
                true
            }
        };
        if differs && let Some(element) = list.get(position) {
            index.record(position, element);
            changed = true;
        }
        if is_primary(element) {
            primary = Some(position);
        }
    }
    if list.len() > length {
        allowance.check_length(target, list.len())?;
    }
    if let Some(primary) = primary
        && make_others_not_primary(list, primary)
    {
        changed = true;
        if has_elements_without_value(list) {
            target.merge_repeated(list);
        }
    }
    Ok(changed)
}

/// Removes every element that is the same as one that is listed.
pub(super) fn remove_listed(
    target: &AttributeRef,
    list: &mut Vec<Value>,
    listed: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let length = list.len();
    let index = ElementIndex::new(target, listed, length);
    allowance.charge(target, index.cost(length.saturating_add(listed.len())))?;
    list.retain(|element| !index.contains(element));
    Ok(list.len() < length)
}

/// Adds values to a sub-attribute that is a list itself.
pub(super) fn append_nested(
    sub: &AttributeRef,
    list: &mut Vec<Value>,
    added: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let longer = append(sub, list, added, allowance)?;
    if longer && sub.definition().mutability() == Mutability::Immutable {
        return Err(immutable_error(sub));
    }
    Ok(longer)
}

/// Adds the sub-attributes of a new element to the same element in the list. What has the same value stays
/// as it is.
fn merge_into(
    target: &AttributeRef,
    old: &mut Value,
    new: &Value,
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let (Some(old), Some(new)) = (old.as_object_mut(), new.as_object()) else { return Ok(false) };
    let mut changed = false;
    for (name, value) in new {
        let Some(sub) = target.sub_attribute(name) else { continue };
        changed |= match (old.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(added)) => append_nested(sub, old, added, allowance)?,
            (Some(old), value) if sub.values_equal(old, value) => false,
            // The key alone says which element is meant, so that another value for what is immutable in it
            // is ignored.
            (Some(_), _) if is_keyed(target) && sub.definition().mutability() == Mutability::Immutable => {
                false
            }
            (Some(old), value) => {
                check_change(sub, old, Some(value))?;
                old.clone_from(value);
                true
            }
            (None, value) => old.insert(name.clone(), value.clone()).is_none(),
        };
    }
    Ok(changed)
}

/// A new primary element makes the others not primary (RFC 7644 section 3.5.2).
pub(super) fn make_others_not_primary(list: &mut [Value], primary: usize) -> bool {
    let mut changed = false;
    for (position, element) in list.iter_mut().enumerate() {
        if position != primary
            && let Some(flag @ Value::Bool(true)) = element.get_mut("primary")
        {
            *flag = Value::Bool(false);
            changed = true;
        }
    }
    changed
}
