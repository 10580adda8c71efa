//! Applying a patch to a resource.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use scim_schema::{Fired, Mutability, Quirk, Reading, ScimType, Target, Tolerance};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::limits::Budget;
use crate::patch::{Action, Step};
use crate::{Patch, PatchError, list};

/// What a patch made of a resource.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// The resource afterwards.
    pub resource: Map<String, Value>,
    /// Whether it differs from the resource before.
    pub changed: bool,
    /// The quirks that only show on the resource: a `replace` that created what it should replace.
    pub fired: Vec<Fired>,
}

/// What is spent and found out while a patch is applied.
pub(crate) struct Work<'a> {
    pub(crate) budget: Budget,
    pub(crate) reading: Reading<'a>,
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
        // What is not tolerated has been refused when the patch was resolved.
        let tolerance = Tolerance::lenient();
        let mut work = Work { budget: Budget::new(&self.limits), reading: Reading::new(&tolerance) };
        let mut changed = false;
        let mut extended: Vec<Extended<'_>> = Vec::new();
        for steps in self.groups() {
            let Some(Step { target, .. }) = steps.first() else { continue };
            let existed = target.object(&resource).is_some();
            if !apply_group(target, steps, &mut resource, &mut work)? {
                continue;
            }
            changed = true;
            if target.extension().is_none() {
                check_required(target, steps, &resource)?;
            } else {
                extended.push(Extended { target, steps, existed });
            }
        }
        if !extended.is_empty() {
            self.on.update_schemas(&mut resource);
            extended.iter().try_for_each(|extended| self.check_extension(extended, &resource))?;
        }
        Ok(Applied { resource, changed, fired: work.reading.into_fired() })
    }

    /// An extension must be there if it is required, and one that is new must be complete.
    fn check_extension(&self, extended: &Extended<'_>, resource: &Map<String, Value>) -> Result<()> {
        let Extended { target, steps, existed } = extended;
        let Some(extension) = target.extension().and_then(|uri| self.on.extension(uri)) else { return Ok(()) };
        if target.object(resource).is_none() {
            return if extension.is_required() { Err(missing(target, None, steps)) } else { Ok(()) };
        }
        check_required(target, steps, resource)?;
        let siblings = extension.attributes().iter().filter(|_| !existed);
        siblings.map(|sibling| check_present(sibling, steps, resource)).collect()
    }
}

/// An attribute of an extension that was changed, and whether the extension had values before.
struct Extended<'a> {
    target: &'a Target,
    steps: &'a [Step],
    existed: bool,
}

/// Applies all steps for one attribute; whether it changed.
///
/// Steps may undo each other, so of several the attribute's fingerprint tells.
fn apply_group(
    target: &Target,
    steps: &[Step],
    resource: &mut Map<String, Value>,
    work: &mut Work<'_>,
) -> Result<bool> {
    if let [step] = steps
        && step.reports_exactly()
    {
        return step.apply(resource, work);
    }
    let hasher = RandomState::new();
    let before = target.get(resource).map(|value| fingerprint(&hasher, value));
    let mut changed = false;
    for step in steps {
        changed |= step.apply(resource, work)?;
    }
    Ok(changed && target.get(resource).map(|value| fingerprint(&hasher, value)) != before)
}

impl Step {
    /// Applies the step; whether it changed anything.
    fn apply(&self, resource: &mut Map<String, Value>, work: &mut Work<'_>) -> Result<bool> {
        work.reading.at_operation(Some(self.operation));
        self.try_apply(resource, work).map_err(|error| error.at(self.operation))
    }

    fn try_apply(&self, resource: &mut Map<String, Value>, work: &mut Work<'_>) -> Result<bool> {
        let target = &self.target;
        let fixed = match target.definition().mutability() {
            Mutability::Immutable => target.get(resource).cloned(),
            _ => None,
        };
        let budget = &mut work.budget;
        let changed = match &self.action {
            Action::Set(value) => set(resource, target, value, budget),
            Action::Unassign => Ok(take(resource, target).is_some()),
            Action::UnassignEqual(value) => {
                let same = target.get(resource).is_some_and(|old| target.same_value(old, value));
                Ok(same && take(resource, target).is_some())
            }
            Action::Append(elements) => {
                edit_list(resource, target, |list| list::append(target, list, elements, budget))
            }
            Action::RemoveListed(listed) => {
                edit_list(resource, target, |list| list::remove_listed(target, list, listed, budget))
            }
            Action::Keyed(keyed) => edit_list(resource, target, |list| keyed.apply(target, list, budget)),
            Action::Select(select) => select.apply(target, resource, work),
        }?;
        if changed {
            prune(resource, target);
        }
        match fixed {
            Some(before) if changed => stay_fixed(target, before, resource, &mut work.budget),
            _ => Ok(changed),
        }
    }
}

/// An immutable value stays what it is; setting it again is no change (RFC 7644 section 3.5.2).
fn stay_fixed(
    target: &Target,
    before: Value,
    resource: &mut Map<String, Value>,
    budget: &mut Budget,
) -> Result<bool> {
    let length = |value: &Value| value.as_array().map_or(1, Vec::len);
    if let Some(now) = target.get(resource) {
        budget.visit(target, length(&before).saturating_mul(length(now)))?;
        if length(&before) == length(now) && target.same_value(&before, now) {
            insert(resource, target, before);
            return Ok(false);
        }
    }
    Err(immutable(target))
}

pub(crate) fn immutable(target: &Target) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is immutable, and it has a value already")
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

/// The attribute's value.
pub(crate) fn value_mut<'a>(resource: &'a mut Map<String, Value>, target: &Target) -> Option<&'a mut Value> {
    container(resource, target, false)?.get_mut(target.attribute().name())
}

/// Gives the attribute a value.
pub(crate) fn insert(resource: &mut Map<String, Value>, target: &Target, value: Value) {
    if let Some(object) = container(resource, target, true) {
        object.insert(target.attribute().name().to_owned(), value);
    }
}

/// Takes the attribute's value away.
pub(crate) fn take(resource: &mut Map<String, Value>, target: &Target) -> Option<Value> {
    container(resource, target, false)?.remove(target.attribute().name())
}

fn set(resource: &mut Map<String, Value>, target: &Target, value: &Value, budget: &mut Budget) -> Result<bool> {
    if let Value::Array(list) = value {
        budget.grow(target, list.len())?;
    }
    match value_mut(resource, target) {
        Some(old) if old == value => Ok(false),
        Some(old) => {
            old.clone_from(value);
            Ok(true)
        }
        None => {
            insert(resource, target, value.clone());
            Ok(true)
        }
    }
}

/// Lets a change at the attribute's list, which is made if that leaves anything in it.
fn edit_list(
    resource: &mut Map<String, Value>,
    target: &Target,
    change: impl FnOnce(&mut Vec<Value>) -> Result<bool>,
) -> Result<bool> {
    if let Some(list) = value_mut(resource, target).and_then(Value::as_array_mut) {
        return change(list);
    }
    let mut list = Vec::new();
    let changed = change(&mut list)?;
    if !list.is_empty() {
        insert(resource, target, Value::Array(list));
    }
    Ok(changed)
}

/// Leaves no empty lists, objects or extensions behind (RFC 7643 section 2.5).
fn prune(resource: &mut Map<String, Value>, target: &Target) {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    if value_mut(resource, target).is_some_and(|value| empty(value)) {
        take(resource, target);
    }
    if let Some(uri) = target.extension()
        && resource.get(uri).is_some_and(empty)
    {
        resource.remove(uri);
    }
}

/// Required values are judged on the final state, so that one may be removed and added again.
fn check_required(target: &Target, steps: &[Step], resource: &Map<String, Value>) -> Result<()> {
    check_present(target, steps, resource)?;
    let Some(value) = target.get(resource) else { return Ok(()) };
    let elements = match value {
        Value::Array(list) => list.as_slice(),
        value => std::slice::from_ref(value),
    };
    for sub in target.sub_attributes().iter().filter(|sub| is_needed(sub)) {
        if elements.iter().any(|element| element.get(sub.definition().name()).is_none()) {
            return Err(missing(sub, Some(sub.definition().name()), steps));
        }
    }
    Ok(())
}

fn check_present(target: &Target, steps: &[Step], resource: &Map<String, Value>) -> Result<()> {
    if is_needed(target) && target.get(resource).is_none() {
        return Err(missing(target, None, steps));
    }
    Ok(())
}

/// What is never read back is not there in what is stored.
fn is_needed(target: &Target) -> bool {
    let definition = target.definition();
    definition.is_required() && !matches!(definition.mutability(), Mutability::ReadOnly | Mutability::WriteOnly)
}

/// The error for a required value that is not there: whether an operation took it away or forgot it.
fn missing(at: &Target, sub: Option<&str>, steps: &[Step]) -> PatchError {
    let taken = steps.iter().rev().find(|step| at.attribute() == step.target.attribute() && step.removes(sub));
    match (taken, steps.last()) {
        (Some(step), _) => {
            PatchError::new(ScimType::Mutability, at, "is required and cannot be removed").at(step.operation)
        }
        (None, Some(step)) => PatchError::new(ScimType::InvalidValue, at, "is required").at(step.operation),
        (None, None) => PatchError::new(ScimType::InvalidValue, at, "is required"),
    }
}

/// Tells values apart, whatever the order of the members of objects.
fn fingerprint(hasher: &RandomState, value: &Value) -> u64 {
    fn feed(hasher: &RandomState, state: &mut impl Hasher, value: &Value) {
        std::mem::discriminant(value).hash(state);
        match value {
            Value::Null => {}
            Value::Bool(flag) => flag.hash(state),
            Value::Number(number) => number.hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(list) => {
                state.write_usize(list.len());
                list.iter().for_each(|element| feed(hasher, state, element));
            }
            Value::Object(object) => {
                let member = |(name, value): (&String, &Value)| {
                    let mut state = hasher.build_hasher();
                    name.hash(&mut state);
                    feed(hasher, &mut state, value);
                    state.finish()
                };
                state.write_u64(object.iter().map(member).fold(0, u64::wrapping_add));
            }
        }
    }
    let mut state = hasher.build_hasher();
    feed(hasher, &mut state, value);
    state.finish()
}

impl Work<'_> {
    /// Reports that a `replace` created what it should replace.
    pub(crate) fn created(&mut self, target: &Target) {
        self.reading.tolerates(Quirk::ReplaceCreates, target);
    }
}
