//! Applying a patch to a resource.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use scim_schema::{Mutability, ScimType, Target};
use serde_json::{Map, Value};

use crate::list::{self, Budget};
use crate::patch::{Action, Change, Step};
use crate::{Patch, PatchError};

type Result<T> = std::result::Result<T, PatchError>;

/// What a patch made of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The resource afterwards.
    pub resource: Map<String, Value>,
    /// Whether it differs from the resource before.
    pub changed: bool,
}

impl Patch {
    /// Applies the operations in order, each to the result of the one before.
    ///
    /// Takes the resource and gives it back changed, so that nothing is copied; a caller that wants
    /// to keep it hands in a copy. The resource must be in canonical form. `meta` is left alone.
    ///
    /// # Errors
    ///
    /// `mutability` for an immutable value that would change or a required one that would go,
    /// `noTarget` for a value filter that selects nothing where something is needed, `invalidValue`
    /// for a second primary element; too large for more work than the limits allow. The resource is
    /// lost then, which is why nothing can be half applied.
    pub fn apply(&self, mut resource: Map<String, Value>) -> Result<Applied> {
        let mut budget = Budget { visits: self.limits.visits, list_length: self.limits.list_length };
        // Where several steps touch an attribute they may cancel each other out, so that is judged
        // by the attribute's fingerprint; where one does, by what it reports.
        let hasher = self.touched.iter().any(|touched| touched.steps > 1).then(RandomState::new);
        let print = |resource: &Map<String, Value>, target: &Target| {
            hasher.as_ref().map(|hasher| fingerprint(hasher, target.get(resource)))
        };
        let many = || self.touched.iter().filter(|touched| touched.steps > 1).map(|touched| &touched.attribute);
        let before: Vec<Option<u64>> = many().map(|target| print(&resource, target)).collect();
        let single = |target: &Target| !many().any(|many| self.on.attribute_of(target) == Some(many));

        let mut changed = false;
        for step in &self.steps {
            let step_changed = step.apply(&mut resource, &mut budget).map_err(|error| error.at(step.operation))?;
            changed |= step_changed && (hasher.is_none() || single(&step.target));
        }
        changed |= many().zip(before).any(|(target, before)| print(&resource, target) != before);

        if self.touched.iter().any(|touched| touched.attribute.extension().is_some()) {
            self.on.update_schemas(&mut resource);
        }
        for touched in &self.touched {
            self.check_required(&touched.attribute, &resource)?;
        }
        Ok(Applied { resource, changed })
    }

    /// Required attributes are judged on the final state, so that a value may be removed and added.
    fn check_required(&self, target: &Target, resource: &Map<String, Value>) -> Result<()> {
        let missing = |at: &Target| {
            let removed = |step: &&Step| {
                self.on.attribute_of(&step.target) == Some(target)
                    && matches!(
                        step.action,
                        Action::Unassign
                            | Action::UnassignEqual(_)
                            | Action::Each { value: None, .. }
                            | Action::RemoveListed(_)
                            | Action::Keyed(_)
                            | Action::Select { change: Change::Remove | Change::RemoveSub(_), .. }
                    )
            };
            match self.steps.iter().find(removed) {
                Some(step) => PatchError::new(ScimType::Mutability, at, "is required").at(step.operation),
                None => PatchError::new(ScimType::InvalidValue, at, "is required"),
            }
        };
        let needed = |target: &Target| {
            target.definition().is_required() && target.definition().mutability() != Mutability::ReadOnly
        };
        let Some(value) = target.get(resource) else {
            let container = target.object(resource).is_some();
            return if container && needed(target) { Err(missing(target)) } else { Ok(()) };
        };
        for sub in target.sub_attributes().iter().filter(|sub| needed(sub)) {
            let elements = match value {
                Value::Array(list) => list.as_slice(),
                value => std::slice::from_ref(value),
            };
            if elements.iter().any(|element| element.get(sub.definition().name()).is_none()) {
                return Err(missing(sub));
            }
        }
        Ok(())
    }
}

impl Step {
    /// Applies the step; whether it changed anything.
    fn apply(&self, resource: &mut Map<String, Value>, budget: &mut Budget) -> Result<bool> {
        let target = &self.target;
        let changed = match &self.action {
            Action::Set(value) => {
                let slot = slot(resource, target, true);
                slot.map_or(Ok(false), |slot| set(target, slot, value))
            }
            Action::Merge(members) => {
                let Some(object) = container(resource, target, true) else { return Ok(false) };
                let value = object.entry(target.attribute().name()).or_insert(Value::Null);
                merge(target, value, members)
            }
            Action::Unassign => match slot(resource, target, false) {
                Some((object, name)) => remove(target, object, name),
                None => Ok(false),
            },
            Action::UnassignEqual(value) => unassign_equal(resource, target, value),
            Action::Append(elements) => {
                list::append(target, elements_mut(resource, target, true), elements, budget)
            }
            Action::RemoveListed(listed) => {
                list::remove_listed(target, elements_mut(resource, target, false), listed, budget)
            }
            Action::Keyed(changes) => {
                let create = list::adds(changes);
                list::keyed(target, elements_mut(resource, target, create), changes, budget)
            }
            Action::Each { value, seed } => {
                list::each(target, elements_mut(resource, target, *seed && value.is_some()), value.as_ref(), *seed, budget)
            }
            Action::Select { filter, change, seed } => {
                if target.attribute().is_multi_valued() {
                    let elements = elements_mut(resource, target, seed.is_some());
                    list::select(target, elements, filter, change, seed.as_ref(), budget)
                } else {
                    select_singular(resource, target, filter, change, seed.as_ref())
                }
            }
        }?;
        if changed {
            prune(resource, target);
        }
        Ok(changed)
    }
}

/// The object that holds the target's attribute; with `create`, made if it is an extension's.
fn container<'a>(
    resource: &'a mut Map<String, Value>,
    target: &Target,
    create: bool,
) -> Option<&'a mut Map<String, Value>> {
    match target.extension() {
        None => Some(resource),
        Some(uri) if create => {
            resource.entry(uri).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
        }
        Some(uri) => resource.get_mut(uri)?.as_object_mut(),
    }
}

/// The object and the member name where the target's value is: the attribute's, or the
/// sub-attribute's in a singular complex attribute.
fn slot<'a, 't>(
    resource: &'a mut Map<String, Value>,
    target: &'t Target,
    create: bool,
) -> Option<(&'a mut Map<String, Value>, &'t str)> {
    let object = container(resource, target, create)?;
    let name = target.attribute().name();
    let Some(sub) = target.sub() else { return Some((object, name)) };
    let parent = if create {
        let parent = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
        if !parent.is_object() {
            *parent = Value::Object(Map::new());
        }
        parent
    } else {
        object.get_mut(name)?
    };
    Some((parent.as_object_mut()?, sub.name()))
}

/// The elements of the target's list; with `create`, an empty list if there is none.
fn elements_mut<'a>(
    resource: &'a mut Map<String, Value>,
    target: &Target,
    create: bool,
) -> Option<&'a mut Vec<Value>> {
    let object = container(resource, target, create)?;
    let name = target.attribute().name();
    if create {
        let value = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if !value.is_array() {
            *value = Value::Array(Vec::new());
        }
        value.as_array_mut()
    } else {
        object.get_mut(name)?.as_array_mut()
    }
}

/// Sets a member to a value unless it is that already.
fn set(target: &Target, (object, name): (&mut Map<String, Value>, &str), value: &Value) -> Result<bool> {
    match object.get_mut(name) {
        Some(old) if old == value => Ok(false),
        Some(old) => {
            may_change(target, old, Some(value))?;
            *old = value.clone();
            Ok(true)
        }
        None => {
            object.insert(name.to_owned(), value.clone());
            Ok(true)
        }
    }
}

fn remove(target: &Target, object: &mut Map<String, Value>, name: &str) -> Result<bool> {
    match object.get(name) {
        Some(old) => may_change(target, old, None)?,
        None => return Ok(false),
    }
    Ok(object.remove(name).is_some())
}

/// An immutable value stays what it is (RFC 7644 section 3.5.2).
pub(crate) fn may_change(target: &Target, old: &Value, new: Option<&Value>) -> Result<()> {
    let fixed = target.definition().mutability() == Mutability::Immutable;
    if !fixed || new.is_some_and(|new| target.same_value(old, new)) {
        return Ok(());
    }
    Err(PatchError::new(ScimType::Mutability, target, "an immutable value cannot be changed"))
}

/// Sets members of a complex value and keeps the others.
pub(crate) fn merge(target: &Target, value: &mut Value, members: &Map<String, Value>) -> Result<bool> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(object) = value.as_object_mut() else { return Ok(false) };
    let mut changed = false;
    for (name, value) in members {
        if let Some(sub) = target.sub_attribute(name) {
            changed |= set(sub, (object, name), value)?;
        }
    }
    Ok(changed)
}

/// `remove` with a value on a singular attribute: what is listed goes if it is there.
fn unassign_equal(resource: &mut Map<String, Value>, target: &Target, value: &Value) -> Result<bool> {
    let Some((object, name)) = slot(resource, target, false) else { return Ok(false) };
    let Some(old) = object.get_mut(name) else { return Ok(false) };
    if let (Some(old), Some(listed)) = (old.as_object_mut(), value.as_object()) {
        let mut changed = false;
        for (name, value) in listed {
            let Some(sub) = target.sub_attribute(name) else { continue };
            if old.get(name).is_some_and(|old| sub.same_value(old, value)) {
                changed |= remove(sub, old, name)?;
            }
        }
        return Ok(changed);
    }
    if target.same_value(old, value) { remove(target, object, name) } else { Ok(false) }
}

/// A value filter on a singular complex attribute: the object is the one element.
fn select_singular(
    resource: &mut Map<String, Value>,
    target: &Target,
    filter: &scim_filter::Predicate,
    change: &Change,
    seed: Option<&Map<String, Value>>,
) -> Result<bool> {
    let Some(object) = container(resource, target, seed.is_some()) else { return no_match(target, change) };
    let name = target.attribute().name();
    match object.get_mut(name) {
        Some(value) if filter.matches_element(value) => match change {
            Change::Remove => remove(target, object, name),
            change => list::change_element(target, value, change),
        },
        Some(_) => no_match(target, change),
        None => match seed {
            Some(seed) => {
                let mut value = Value::Object(seed.clone());
                list::change_element(target, &mut value, change)?;
                object.insert(name.to_owned(), value);
                Ok(true)
            }
            None => no_match(target, change),
        },
    }
}

/// Nothing was selected: fine for a removal, an error for anything else (RFC 7644 section 3.5.2.3).
pub(crate) fn no_match(target: &Target, change: &Change) -> Result<bool> {
    match change {
        Change::Remove | Change::RemoveSub(_) => Ok(false),
        _ => Err(PatchError::new(ScimType::NoTarget, target, "the value filter selects nothing")),
    }
}

/// Leaves no empty lists, objects or extensions behind (RFC 7643 section 2.5).
fn prune(resource: &mut Map<String, Value>, target: &Target) {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    let Some(object) = container(resource, target, false) else { return };
    let name = target.attribute().name();
    if object.get(name).is_some_and(empty) {
        object.remove(name);
    }
    if let Some(uri) = target.extension()
        && resource.get(uri).is_some_and(empty)
    {
        resource.remove(uri);
    }
}

fn fingerprint(hasher: &RandomState, value: Option<&Value>) -> u64 {
    fn feed(state: &mut impl Hasher, value: &Value) {
        std::mem::discriminant(value).hash(state);
        match value {
            Value::Null => {}
            Value::Bool(flag) => flag.hash(state),
            Value::Number(number) => number.hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(list) => {
                state.write_usize(list.len());
                list.iter().for_each(|element| feed(state, element));
            }
            Value::Object(object) => {
                state.write_usize(object.len());
                for (key, value) in object {
                    key.hash(state);
                    feed(state, value);
                }
            }
        }
    }
    let mut state = hasher.build_hasher();
    if let Some(value) = value {
        feed(&mut state, value);
    }
    state.finish()
}
