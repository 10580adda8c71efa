//! One step, applied to the object that holds its attribute.

use scim_schema::{AttributeRef, Mutability, is_unassigned};
use serde_json::{Map, Value};

use super::list;
use super::overwrite::overwrite;
use super::state::{Allowance, ApplyState};
use crate::error::Result;
use crate::mutability::{immutable_error, read_only_error};
use crate::step::{Action, Step};

/// Applies a step to the object that holds its attribute; whether it changed anything.
pub(super) async fn apply_step(
    step: &Step,
    object: &mut Map<String, Value>,
    state: &mut ApplyState<'_>,
) -> Result<bool> {
    let selected_elements = match &step.action {
        Action::Select(select) => {
            let selected_elements = select.find_selected(&step.target, object, &state.allowance).await;
            selected_elements.map_err(|error| error.at(step.operation))?
        }
        _ => Vec::new(),
    };
    step.apply(object, &selected_elements, state)
}

impl Step {
    /// Applies the step, whose filter has selected the elements that `found` marks; whether it changed
    /// anything.
    pub(super) fn apply(
        &self,
        object: &mut Map<String, Value>,
        selected_elements: &[bool],
        state: &mut ApplyState<'_>,
    ) -> Result<bool> {
        state.read_context.set_operation(Some(self.operation));
        let applied = match self.target.definition().mutability() {
            Mutability::Immutable => self.apply_immutable(object, selected_elements, state),
            _ => self.apply_mutable(object, selected_elements, state),
        };
        applied.map_err(|error| error.at(self.operation))
    }

    /// An immutable value stays what it is; setting it again is no change (RFC 7644 section 3.5.2).
    fn apply_immutable(
        &self,
        object: &mut Map<String, Value>,
        selected_elements: &[bool],
        state: &mut ApplyState<'_>,
    ) -> Result<bool> {
        let target = &self.target;
        let name = target.attribute().name();
        let Some(before) = object.get(name).cloned() else {
            return self.apply_mutable(object, selected_elements, state);
        };
        if !self.apply_mutable(object, selected_elements, state)? {
            return Ok(false);
        }
        let length = |value: &Value| value.as_array().map_or(1, Vec::len);
        let Some(now) = object.get_mut(name) else { return Err(immutable_error(target)) };
        state.allowance.charge(target, length(&before).saturating_mul(length(now)))?;
        if length(&before) != length(now) || !target.values_equal(&before, now) {
            return Err(immutable_error(target));
        }
        *now = before;
        Ok(false)
    }

    fn apply_mutable(
        &self,
        object: &mut Map<String, Value>,
        selected_elements: &[bool],
        state: &mut ApplyState<'_>,
    ) -> Result<bool> {
        let target = &self.target;
        let name = target.attribute().name();
        let allowance = &state.allowance;
        match &self.action {
            Action::Confirm { requested_target, value } => {
                confirm(requested_target, value, object.get(name)).map(|()| false)
            }
            Action::Set(value) => set(object, target, value, allowance),
            Action::Unassign => Ok(object.remove(name).is_some()),
            Action::Append(elements) => {
                edit_list(object, target, |list| list::append(target, list, elements, allowance))
            }
            Action::RemoveListed(listed) => {
                edit_list(object, target, |list| list::remove_listed(target, list, listed, allowance))
            }
            Action::Keyed(keyed) => edit_list(object, target, |list| keyed.apply(target, list, allowance)),
            Action::Select(select) => select.apply(target, object, selected_elements, state),
        }
    }
}

/// Refuses a value for what only the service writes, unless it is the stored one. What is derived is not
/// stored, so it cannot be compared.
fn confirm(requested_target: &AttributeRef, value: &Value, stored: Option<&Value>) -> Result<()> {
    let stored = match requested_target.sub() {
        None => stored,
        Some(sub) => stored.and_then(|value| value.get(sub.name())),
    };
    let is_same = match (stored, value) {
        (stored, value) if is_unassigned(value) => stored.is_none(),
        (Some(Value::Object(stored)), Value::Object(sent)) => sent.iter().all(|(name, value)| {
            let Some(sub) = requested_target.sub_attribute(name) else { return false };
            sub.is_derived()
                || stored.get(sub.definition().name()).is_some_and(|stored| sub.values_equal(stored, value))
        }),
        (Some(stored), value) => requested_target.values_equal(stored, value),
        (None, _) => requested_target.is_derived(),
    };
    if is_same { Ok(()) } else { Err(read_only_error(requested_target)) }
}

fn set(
    object: &mut Map<String, Value>,
    target: &AttributeRef,
    value: &Value,
    allowance: &Allowance<'_>,
) -> Result<bool> {
    if let Value::Array(list) = value {
        allowance.check_length(target, list.len())?;
    }
    match object.get_mut(target.attribute().name()) {
        Some(old) => Ok(overwrite(old, value)),
        None => {
            object.insert(target.attribute().name().to_owned(), value.clone());
            Ok(true)
        }
    }
}

/// Changes the attribute's list. A list without elements is left out of the object.
fn edit_list(
    object: &mut Map<String, Value>,
    target: &AttributeRef,
    change: impl FnOnce(&mut Vec<Value>) -> Result<bool>,
) -> Result<bool> {
    let name = target.attribute().name();
    if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
        let changed = change(list)?;
        if changed && list.is_empty() {
            object.remove(name);
        }
        return Ok(changed);
    }
    let mut list = Vec::new();
    let changed = change(&mut list)?;
    if !list.is_empty() {
        object.insert(name.to_owned(), Value::Array(list));
    }
    Ok(changed)
}
