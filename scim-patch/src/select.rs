//! Changing what is there already: the elements that a value filter selects, and the value of a
//! singular complex attribute, which is its own only element.

use scim_filter::Predicate;
use scim_schema::{Mutability, ScimType, Target};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::apply::{Work, immutable, overwrite};
use crate::error::Result;
use crate::keyed::{is_keyed, key_rule};
use crate::limits::Budget;
use crate::list::{self, demote_others, is_primary, is_same_element};
use crate::patch::key_of;

/// Which elements to change, how, and what to do if there are none.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) filter: Predicate,
    /// How much work it is to look at one element.
    pub(crate) effort: usize,
    /// Whether the filter may select several elements.
    pub(crate) several: bool,
    pub(crate) change: Change,
    pub(crate) otherwise: Otherwise,
}

/// What happens to an element.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Remove,
    /// Removes it if it is the same as one that is listed.
    RemoveListed(Vec<Value>),
    /// Removes the sub-attributes that have these values.
    RemoveEqual(Map<String, Value>),
    /// Sets sub-attributes, or unassigns those that are null, and keeps the others. What is added to
    /// a sub-attribute that is a list itself joins what is there.
    Merge { members: Map<String, Value>, adding: bool },
    Replace(Value),
}

/// What happens if no element is selected.
#[derive(Clone, Debug)]
pub(crate) enum Otherwise {
    Nothing,
    /// It is an error (RFC 7644 section 3.5.2.3).
    Refuse,
    /// Makes this element and changes it.
    Create { element: Map<String, Value>, tolerated: bool },
}

impl Select {
    /// The whole of a list, or the value of a singular complex attribute.
    pub(crate) fn all(change: Change, otherwise: Otherwise) -> Self {
        Self { filter: Predicate::Const(true), effort: 1, several: true, change, otherwise }
    }

    /// Applies it to the attribute in the object that holds it; whether that changed anything.
    pub(crate) fn apply(
        &self,
        target: &Target,
        object: &mut Map<String, Value>,
        work: &mut Work<'_>,
    ) -> Result<bool> {
        let name = target.attribute().name();
        let (changed, empty) = match object.get_mut(name) {
            None => return self.create(target, object, work),
            Some(Value::Array(list)) => match self.in_list(target, list, &mut work.budget)? {
                Some(changed) => (changed, list.is_empty()),
                None => return self.create(target, object, work),
            },
            Some(value) if self.filter.matches_element(value) => match &self.change {
                Change::Remove => {
                    may_go(target, value)?;
                    (true, true)
                }
                change => {
                    let changed = change.apply(target, value, &mut work.budget)?;
                    (changed, value.as_object().is_some_and(Map::is_empty))
                }
            },
            // A filter on a singular attribute makes sure of its value; there is no other to create.
            Some(_) => match self.otherwise {
                Otherwise::Nothing => return Ok(false),
                _ => return Err(no_target(target)),
            },
        };
        if changed && empty {
            object.remove(name);
        }
        Ok(changed)
    }

    /// Whether an element was changed; `None` if none was selected.
    fn in_list(&self, target: &Target, list: &mut Vec<Value>, budget: &mut Budget) -> Result<Option<bool>> {
        let listed = match &self.change {
            Change::RemoveListed(listed) => listed.len().max(1),
            _ => 1,
        };
        budget.visit(target, list.len().saturating_mul(self.effort).saturating_mul(listed))?;
        let (mut selected, mut changed, mut primary) = (0, false, None);
        let mut failed = Ok(());
        let mut next = 0;
        list.retain_mut(|element| {
            let place = next;
            next += 1;
            if failed.is_err() || !self.filter.matches_element(element) {
                return true;
            }
            selected += 1;
            if self.change.sets_primary() && primary.replace(place).is_some() {
                failed = Err(two_primaries(target));
                return true;
            }
            match self.change.in_place(target, element, budget) {
                Ok(outcome) => {
                    changed |= outcome != Outcome::Same;
                    outcome != Outcome::Gone
                }
                Err(error) => {
                    failed = Err(error);
                    true
                }
            }
        });
        failed?;
        if selected > 1 && !self.several {
            let reason = "the value filter selects several elements; make it select one";
            return Err(PatchError::new(ScimType::InvalidFilter, target, reason));
        }
        if let Some(primary) = primary {
            changed |= demote_others(list, primary);
        }
        Ok((selected > 0).then_some(changed))
    }

    /// Does what is to be done if nothing was selected.
    fn create(&self, target: &Target, object: &mut Map<String, Value>, work: &mut Work<'_>) -> Result<bool> {
        let (element, tolerated) = match &self.otherwise {
            Otherwise::Nothing => return Ok(false),
            Otherwise::Refuse => return Err(no_target(target)),
            Otherwise::Create { element, tolerated } => (element, *tolerated),
        };
        let mut element = Value::Object(element.clone());
        match &self.change {
            // What the filter asks for belongs to the element, else it would not be found again.
            Change::Replace(Value::Object(members)) => {
                merge(target, &mut element, members, false, &mut work.budget)?
            }
            change => change.apply(target, &mut element, &mut work.budget)?,
        };
        if element.as_object().is_some_and(Map::is_empty) {
            return Ok(false);
        }
        if tolerated {
            work.created(target);
        }
        let name = target.attribute().name();
        let Some(Value::Array(list)) = object.get_mut(name) else {
            let list = target.definition().is_multi_valued();
            object.insert(name.to_owned(), if list { Value::Array(vec![element]) } else { element });
            return Ok(true);
        };
        if is_keyed(target) && has_key_of(target, list, &element) {
            return Ok(false);
        }
        work.budget.grow(target, list.len() + 1)?;
        let primary = is_primary(&element).then_some(list.len());
        list.push(element);
        if let Some(primary) = primary {
            demote_others(list, primary);
        }
        Ok(true)
    }
}

/// What became of an element.
#[derive(PartialEq)]
enum Outcome {
    Same,
    Changed,
    Gone,
}

impl Change {
    /// Changes an element of a list. One that has nothing left goes.
    fn in_place(&self, target: &Target, element: &mut Value, budget: &mut Budget) -> Result<Outcome> {
        match self {
            Self::Remove => Ok(Outcome::Gone),
            Self::RemoveListed(listed) => {
                let goes = listed.iter().any(|listed| is_same_element(target, element, listed));
                Ok(if goes { Outcome::Gone } else { Outcome::Same })
            }
            change => match change.apply(target, element, budget)? {
                false => Ok(Outcome::Same),
                true if element.as_object().is_some_and(Map::is_empty) => Ok(Outcome::Gone),
                true => Ok(Outcome::Changed),
            },
        }
    }

    /// Changes one element, unless it is to be removed; whether that changed anything.
    fn apply(&self, target: &Target, element: &mut Value, budget: &mut Budget) -> Result<bool> {
        match self {
            Self::Remove | Self::RemoveListed(_) => Ok(false),
            Self::RemoveEqual(members) => remove_equal(target, element, members, budget),
            Self::Merge { members, adding } => merge(target, element, members, *adding, budget),
            Self::Replace(value) => replace(target, element, value),
        }
    }

    /// Whether an element has a `value` afterwards in any case.
    pub(crate) fn gives_key(&self) -> bool {
        match self {
            Self::Merge { members, .. } | Self::Replace(Value::Object(members)) => {
                !key_of(members).is_empty()
            }
            _ => false,
        }
    }

    /// Whether there is nothing in it that an element could be made from.
    pub(crate) fn only_unassigns(&self) -> bool {
        match self {
            Self::Merge { members, .. } => members.values().all(Value::is_null),
            Self::Replace(_) => false,
            Self::Remove | Self::RemoveListed(_) | Self::RemoveEqual(_) => true,
        }
    }

    fn sets_primary(&self) -> bool {
        match self {
            Self::Merge { members, .. } => members.get("primary") == Some(&Value::Bool(true)),
            Self::Replace(value) => is_primary(value),
            Self::Remove | Self::RemoveListed(_) | Self::RemoveEqual(_) => false,
        }
    }
}

/// Sets sub-attributes of a complex value, unassigns those that are null, and keeps the others.
fn merge(
    target: &Target,
    value: &mut Value,
    members: &Map<String, Value>,
    adding: bool,
    budget: &mut Budget,
) -> Result<bool> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(object) = value.as_object_mut() else { return Ok(false) };
    let mut changed = false;
    for (name, value) in members {
        let Some(sub) = target.sub_attribute(name) else { continue };
        if sub.is_derived() && !value.is_null() && follows_value(sub, object, members, value)? {
            continue;
        }
        let set = match (value, object.get_mut(name)) {
            (Value::Null, None) => false,
            (Value::Null, Some(old)) => {
                may_change(sub, old, None)? && object.remove(name).is_some()
            }
            (value, None) => {
                object.insert(name.clone(), value.clone());
                true
            }
            (Value::Array(added), Some(Value::Array(old))) if adding => list::join(sub, old, added, budget)?,
            (value, Some(old)) => {
                old != value && may_change(sub, old, Some(value))? && overwrite(old, value)
            }
        };
        changed |= set;
        if set && name == "value" {
            drop_derived(target, object);
        }
    }
    Ok(changed)
}

/// Whether a reference goes without saying, since it follows from the `value` beside it. One that
/// contradicts the value would be lost in silence, so that is an error.
fn follows_value(
    sub: &Target,
    object: &Map<String, Value>,
    members: &Map<String, Value>,
    reference: &Value,
) -> Result<bool> {
    let Some(value) = members.get("value").or_else(|| object.get("value")).and_then(Value::as_str) else {
        return Ok(false);
    };
    let agrees = |uri: &str| uri.rsplit('/').next() == Some(value);
    if members.contains_key("value") || reference.as_str().is_none_or(agrees) {
        return Ok(true);
    }
    Err(PatchError::new(ScimType::Mutability, sub, "follows from the `value` beside it; send that"))
}

/// What only the service writes, such as the name of a manager, tells of the old value, not of a new one.
fn drop_derived(target: &Target, object: &mut Map<String, Value>) {
    for sub in target.sub_attributes() {
        if sub.is_derived() || sub.definition().mutability() == Mutability::ReadOnly {
            object.remove(sub.definition().name());
        }
    }
}

/// Removes the sub-attributes that have the values that are given.
fn remove_equal(
    target: &Target,
    value: &mut Value,
    members: &Map<String, Value>,
    budget: &mut Budget,
) -> Result<bool> {
    let Some(object) = value.as_object_mut() else { return Ok(false) };
    let mut changed = false;
    for (name, value) in members {
        let (Some(sub), Some(old)) = (target.sub_attribute(name), object.get_mut(name)) else { continue };
        let goes = match (&mut *old, value) {
            (Value::Array(old), Value::Array(listed)) => {
                let shorter = list::remove_listed(sub, old, listed, budget)?;
                if shorter && sub.definition().mutability() == Mutability::Immutable {
                    return Err(immutable(sub));
                }
                changed |= shorter;
                old.is_empty()
            }
            (old, value) => sub.same_value(old, value) && may_change(sub, old, None)?,
        };
        if goes {
            changed |= object.remove(name).is_some();
        }
    }
    Ok(changed)
}

/// Puts a complex value in place of another, but for what only the service writes.
fn replace(target: &Target, old: &mut Value, new: &Value) -> Result<bool> {
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
                if !may_change(sub, before, new.get(name))?
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

/// Whether a value may become another, or go; false if it is immutable and the other is the same.
pub(crate) fn may_change(target: &Target, old: &Value, new: Option<&Value>) -> Result<bool> {
    if target.definition().mutability() != Mutability::Immutable {
        return Ok(true);
    }
    if new.is_some_and(|new| target.same_value(old, new)) { Ok(false) } else { Err(immutable(target)) }
}

/// A singular complex value cannot go if part of it is immutable.
fn may_go(target: &Target, value: &Value) -> Result<()> {
    for sub in target.sub_attributes() {
        if let Some(old) = value.get(sub.definition().name()) {
            may_change(sub, old, None)?;
        }
    }
    Ok(())
}

fn has_key_of(target: &Target, list: &[Value], element: &Value) -> bool {
    let rule = key_rule(target);
    let key = |element: &Value| element.as_object().map(key_of).unwrap_or_default().to_owned();
    let folded = rule.fold(&key(element)).into_owned();
    list.iter().any(|old| rule.equals_text(&key(old), &folded))
}

fn no_target(target: &Target) -> PatchError {
    PatchError::new(ScimType::NoTarget, target, "the value filter selects nothing")
}

pub(crate) fn two_primaries(target: &Target) -> PatchError {
    PatchError::new(ScimType::InvalidValue, target, "at most one element can be primary")
}
