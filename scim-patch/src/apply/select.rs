//! Changing the elements that a value filter selects. The value of a singular complex attribute is treated as
//! the only element of a list.
//!
//! If the filter selects nothing, `if_none` of the step decides: nothing happens, the operation fails, or a
//! new element is created. After a change, at most one element is primary, and elements that have become the
//! same are merged.

use scim_filter::Predicate;
use scim_schema::{AttributeRef, ScimType};
use serde_json::{Map, Value};

use super::change::{ElementOutcome, merge};
use super::list::make_others_not_primary;
use super::state::{Allowance, ApplyState};
use crate::PatchError;
use crate::element::{has_elements_without_value, is_primary};
use crate::error::Result;
use crate::key::{find_key, is_keyed};
use crate::mutability::check_removable;
use crate::step::{ElementChange, IfNoneSelected, Select, SubValue};

impl Select {
    /// Returns for each element of the list whether the filter selects it. A filter with many terms takes
    /// long, so this yields to other tasks in between.
    pub(super) async fn find_selected(
        &self,
        target: &AttributeRef,
        object: &Map<String, Value>,
        allowance: &Allowance<'_>,
    ) -> Result<Vec<bool>> {
        // The minimum number of elements to compare before other tasks may run.
        const CHUNK: usize = 512;
        let list = object.get(target.attribute().name()).and_then(Value::as_array);
        let list = list.map(Vec::as_slice).unwrap_or_default();
        if self.filter == Predicate::Const(true) {
            allowance.charge(target, list.len())?;
            return Ok(vec![true; list.len()]);
        }
        let mut selected = Vec::with_capacity(list.len());
        for elements in list.chunks(CHUNK) {
            let mut visits = 0;
            selected.extend(
                elements.iter().map(|element| self.filter.matches_element_with_cost(element, &mut visits)),
            );
            allowance.charge(target, visits)?;
            allowance.budget.yield_if_due().await;
        }
        Ok(selected)
    }

    /// Applies the change to the attribute in the object that contains it. `selected_elements` is the result
    /// of [`find_selected`](Self::find_selected). Returns whether anything changed.
    pub(super) fn apply(
        &self,
        target: &AttributeRef,
        object: &mut Map<String, Value>,
        selected_elements: &[bool],
        state: &mut ApplyState<'_>,
    ) -> Result<bool> {
        let name = target.attribute().name();
        let (changed, empty) = match object.get_mut(name) {
            None => return self.create(target, object, state),
            Some(Value::Array(list)) => {
                match self.change_selected(target, list, selected_elements, &state.allowance)? {
                    Some(changed) => (changed, list.is_empty()),
                    None => return self.create(target, object, state),
                }
            }
            Some(value) if self.filter.matches_element(value) => match &self.change {
                ElementChange::Remove => {
                    check_removable(target, value)?;
                    (true, true)
                }
                change => {
                    let changed = change.apply(target, value, &state.allowance)?;
                    (changed, value.as_object().is_some_and(Map::is_empty))
                }
            },
            // The filter does not select the value of the singular attribute, and a second one cannot be
            // created.
            Some(_) => match self.if_none {
                IfNoneSelected::Nothing => return Ok(false),
                _ => return Err(self.no_target(target)),
            },
        };
        if changed && empty {
            object.remove(name);
        }
        Ok(changed)
    }

    /// Changes the selected elements of a list. Returns whether an element changed, or `None` if none was
    /// selected.
    fn change_selected(
        &self,
        target: &AttributeRef,
        list: &mut Vec<Value>,
        selected_elements: &[bool],
        allowance: &Allowance<'_>,
    ) -> Result<Option<bool>> {
        let (mut selected, mut changed, mut primary) = (0, false, None);
        let mut failed = Ok(());
        let mut next = 0;
        list.retain_mut(|element| {
            let position = next;
            next += 1;
            if failed.is_err() || selected_elements.get(position) != Some(&true) {
                return true;
            }
            selected += 1;
            if self.change.sets_primary() && primary.replace(position).is_some() {
                failed = Err(two_primaries(target));
                return true;
            }
            match self.change.apply_to_element(target, element, allowance) {
                Ok(outcome) => {
                    changed |= outcome != ElementOutcome::Unchanged;
                    outcome != ElementOutcome::Removed
                }
                Err(error) => {
                    failed = Err(error);
                    true
                }
            }
        });
        failed?;
        if selected > 1 && !self.may_select_several {
            let reason = "the value filter matches several elements; send a filter that matches exactly one";
            return Err(PatchError::new(ScimType::InvalidFilter, target, reason));
        }
        if let Some(primary) = primary {
            changed |= make_others_not_primary(list, primary);
        }
        if changed && (self.change.may_change_identity() || has_elements_without_value(list)) {
            allowance.charge(target, list.len())?;
            target.merge_repeated(list);
        }
        Ok((selected > 0).then_some(changed))
    }

    /// Creates an element because none was selected, if `if_none` says so. Returns whether it did.
    fn create(
        &self,
        target: &AttributeRef,
        object: &mut Map<String, Value>,
        state: &mut ApplyState<'_>,
    ) -> Result<bool> {
        let (element, tolerated) = match &self.if_none {
            IfNoneSelected::Nothing => return Ok(false),
            IfNoneSelected::Refuse => return Err(self.no_target(target)),
            IfNoneSelected::Create { element, tolerated } => (element, *tolerated),
        };
        let mut element = Value::Object(element.clone());
        match &self.change {
            // Keep the values that the filter compares, so that the same filter selects the new element next
            // time.
            ElementChange::Replace(Value::Object(members)) => merge(
                target,
                &mut element,
                &SubValue::from_object(target, members.clone()),
                false,
                &state.allowance,
            )?,
            change => change.apply(target, &mut element, &state.allowance)?,
        };
        if element.as_object().is_some_and(Map::is_empty) {
            return Ok(false);
        }
        if let (Some(default_type), Value::Object(members)) =
            (target.definition().kept_types().first(), &mut element)
        {
            members.entry("type").or_insert_with(|| Value::from(default_type.as_str()));
        }
        if tolerated {
            state.report_creation(target);
        }
        let name = target.attribute().name();
        let Some(Value::Array(list)) = object.get_mut(name) else {
            let list = target.definition().is_multi_valued();
            object.insert(name.to_owned(), if list { Value::Array(vec![element]) } else { element });
            return Ok(true);
        };
        if is_keyed(target) && list.iter().any(|old| find_key(old) == find_key(&element)) {
            return Ok(false);
        }
        state.allowance.check_length(target, list.len() + 1)?;
        if !target.definition().kept_types().is_empty() {
            list.retain(|old| !target.has_same_type(old, &element));
        }
        let primary = is_primary(&element).then_some(list.len());
        list.push(element);
        if let Some(primary) = primary {
            make_others_not_primary(list, primary);
        }
        if self.change.may_change_identity() || has_elements_without_value(list) {
            state.allowance.charge(target, list.len())?;
            target.merge_repeated(list);
        }
        Ok(true)
    }

    /// The error for a step that needs an element and finds none (RFC 7644 section 3.5.2.3).
    fn no_target(&self, target: &AttributeRef) -> PatchError {
        let reason = match self.filter {
            Predicate::Const(true) => "has no elements to change; add one first",
            _ => "no value matches the value filter",
        };
        PatchError::new(ScimType::NoTarget, target, reason)
    }
}

fn two_primaries(target: &AttributeRef) -> PatchError {
    PatchError::new(ScimType::InvalidValue, target, "at most one element can be primary")
}
