//! A PATCH whose paths and values are resolved: steps that are ready to be applied.

use scim_filter::Predicate;
use scim_schema::{Mutability, ResourceType, Target};
use serde_json::{Map, Value};

use crate::Limits;

/// A PATCH that is resolved against a resource type.
///
/// Whatever can be refused without knowing the resource has been refused. Made by
/// [`PatchRequest::resolve`](crate::PatchRequest::resolve), used by [`apply`](Self::apply) and
/// [`split`](Self::split).
#[derive(Clone, Debug)]
pub struct Patch {
    pub(crate) on: ResourceType,
    pub(crate) steps: Vec<Step>,
    pub(crate) touched: Vec<Touched>,
    pub(crate) limits: Limits,
}

/// An attribute that at least one step may change.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    pub(crate) attribute: Target,
    /// How many steps there are for it. If only one, what that step says of change is final.
    pub(crate) steps: usize,
}

/// One change to one attribute.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The index of the operation it comes from.
    pub(crate) operation: usize,
    pub(crate) target: Target,
    pub(crate) action: Action,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Gives the target this value.
    Set(Value),
    /// Sets members of a singular complex attribute and keeps the others.
    Merge(Map<String, Value>),
    /// Leaves the target without a value.
    Unassign,
    /// Leaves the target without a value if it has this one; of an object, the members that are listed.
    UnassignEqual(Value),
    /// Adds elements to a list that are not in it yet.
    Append(Vec<Value>),
    /// Removes the elements of a list that are listed.
    RemoveListed(Vec<Value>),
    /// Adds to and removes from a list whose elements are identified by `value`.
    Keyed(Vec<Keyed>),
    /// Sets the target, a sub-attribute, in every element; with `seed`, in a new one if there is none.
    Each { value: Option<Value>, seed: bool },
    /// Changes the elements that a filter selects; `seed` is the element to make if there is none.
    Select { filter: Predicate, change: Change, seed: Option<Map<String, Value>> },
}

/// One change to a list whose elements are identified by `value`.
#[derive(Clone, Debug)]
pub(crate) enum Keyed {
    Add(Map<String, Value>),
    Remove(Box<str>),
}

/// What happens to an element that is selected.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Remove,
    RemoveSub(Target),
    SetSub(Target, Value),
    Merge(Map<String, Value>),
    Replace(Value),
}

impl Patch {
    /// Builds a patch from steps; those that work on one keyed list in a row become one.
    pub(crate) fn new(on: ResourceType, steps: Vec<Step>, limits: Limits) -> Self {
        let mut fused: Vec<Step> = Vec::with_capacity(steps.len());
        for step in steps {
            if let Step { target, action: Action::Keyed(changes), .. } = &step
                && let Some(Step { target: last, action: Action::Keyed(earlier), .. }) = fused.last_mut()
                && last == target
            {
                earlier.extend(changes.iter().cloned());
            } else {
                fused.push(step);
            }
        }
        let mut touched: Vec<Touched> = Vec::new();
        for step in &fused {
            let Some(attribute) = on.attribute_of(&step.target) else { continue };
            match touched.iter_mut().find(|touched| touched.attribute == *attribute) {
                Some(touched) => touched.steps += 1,
                None => touched.push(Touched { attribute: attribute.clone(), steps: 1 }),
            }
        }
        Self { on, steps: fused, touched, limits }
    }

    /// The resource type that it was resolved against.
    pub fn resource_type(&self) -> &ResourceType {
        &self.on
    }

    /// The attributes that it may change, each once, in the order of the operations.
    pub fn attributes(&self) -> impl Iterator<Item = &Target> {
        self.touched.iter().map(|touched| &touched.attribute)
    }

    /// The value that a core attribute has afterwards, if the patch sets it whatever it was before.
    pub fn sets(&self, attribute: &str) -> Option<&Value> {
        let target = self.on.attribute(attribute)?;
        match &self.steps.iter().rev().find(|step| step.target == *target)?.action {
            Action::Set(value) => Some(value),
            _ => None,
        }
    }

    /// Takes the values of `writeOnly` attributes out of the patch, by canonical path; `None` for one
    /// that the patch removes. So no store keeps a password by accident.
    pub fn take_write_only(&mut self) -> Vec<(String, Option<Value>)> {
        let write_only = |target: &Target| target.attribute().mutability() == Mutability::WriteOnly;
        if !self.touched.iter().any(|touched| write_only(&touched.attribute)) {
            return Vec::new();
        }
        let (own, rest): (Vec<Step>, Vec<Step>) =
            std::mem::take(&mut self.steps).into_iter().partition(|step| write_only(&step.target));
        *self = Self::new(self.on.clone(), rest, self.limits.clone());
        own.into_iter()
            .map(|step| {
                let value = match step.action {
                    Action::Set(value) => Some(value),
                    Action::Merge(members) => Some(Value::Object(members)),
                    Action::Append(elements) => Some(Value::Array(elements)),
                    _ => None,
                };
                (step.target.path().to_string(), value)
            })
            .collect()
    }

    /// Whether it changes nothing whatever the resource is, because nothing in it was known.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
