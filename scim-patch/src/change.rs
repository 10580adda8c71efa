//! What happens to one element of a list, or to the value of a singular complex attribute.

use scim_schema::{Mutability, ScimType, Target};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::apply::{immutable, overwrite};
use crate::error::Result;
use crate::limits::Allowance;
use crate::list::{self, is_primary};
use crate::patch::key_of;

/// What happens to an element.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Remove,
    /// Removes the values that are listed from a sub-attribute that is a list.
    RemoveEqual(Member),
    /// Sets sub-attributes, or unassigns those that are null, and keeps the others. What is added to
    /// a sub-attribute that is a list itself joins what is there.
    Merge {
        members: Vec<Member>,
        adding: bool,
    },
    Replace(Value),
}

/// A sub-attribute and a value for it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) sub: Target,
    pub(crate) value: Value,
}

impl Member {
    /// The members of an object, of those that the attribute has.
    pub(crate) fn all(target: &Target, object: Map<String, Value>) -> Vec<Self> {
        let member = |(name, value): (String, Value)| {
            target.sub_attribute(&name).map(|sub| Self { sub: sub.clone(), value })
        };
        object.into_iter().filter_map(member).collect()
    }

    pub(crate) fn name(&self) -> &str {
        self.sub.definition().name()
    }
}

/// The value that is given for a sub-attribute.
pub(crate) fn given<'a>(members: &'a [Member], name: &str) -> Option<&'a Value> {
    members.iter().find(|member| member.name() == name).map(|member| &member.value)
}

/// What became of an element.
#[derive(PartialEq)]
pub(crate) enum Outcome {
    Same,
    Changed,
    Gone,
}

impl Change {
    /// Changes an element of a list. One that has nothing left goes.
    pub(crate) fn in_place(
        &self,
        target: &Target,
        element: &mut Value,
        allowance: &Allowance<'_>,
    ) -> Result<Outcome> {
        match self {
            Self::Remove => Ok(Outcome::Gone),
            change => match change.apply(target, element, allowance)? {
                false => Ok(Outcome::Same),
                true if element.as_object().is_some_and(Map::is_empty) => Ok(Outcome::Gone),
                true => Ok(Outcome::Changed),
            },
        }
    }

    /// Changes one element, unless it is to be removed; whether that changed anything.
    pub(crate) fn apply(
        &self,
        target: &Target,
        element: &mut Value,
        allowance: &Allowance<'_>,
    ) -> Result<bool> {
        match self {
            Self::Remove => Ok(false),
            Self::RemoveEqual(listed) => remove_equal(element, listed, allowance),
            Self::Merge { members, adding } => merge(target, element, members, *adding, allowance),
            Self::Replace(value) => replace(target, element, value),
        }
    }

    /// Whether an element has a `value` afterwards in any case.
    pub(crate) fn gives_key(&self) -> bool {
        match self {
            Self::Merge { members, .. } => {
                given(members, "value").and_then(Value::as_str).is_some_and(|key| !key.is_empty())
            }
            Self::Replace(Value::Object(element)) => !key_of(element).is_empty(),
            _ => false,
        }
    }

    /// Whether there is nothing in it that an element could be made from.
    pub(crate) fn only_unassigns(&self) -> bool {
        match self {
            Self::Merge { members, .. } => members.iter().all(|member| member.value.is_null()),
            Self::Replace(_) => false,
            Self::Remove | Self::RemoveEqual(_) => true,
        }
    }

    /// Whether it may make an element the same as another.
    pub(crate) fn renames(&self) -> bool {
        match self {
            Self::Merge { members, .. } => {
                ["value", "type"].iter().any(|name| given(members, name).is_some())
            }
            Self::Replace(_) => true,
            Self::Remove | Self::RemoveEqual(_) => false,
        }
    }

    pub(crate) fn sets_primary(&self) -> bool {
        match self {
            Self::Merge { members, .. } => given(members, "primary") == Some(&Value::Bool(true)),
            Self::Replace(value) => is_primary(value),
            Self::Remove | Self::RemoveEqual(_) => false,
        }
    }
}

/// Sets sub-attributes of a complex value, unassigns those that are null, and keeps the others.
pub(crate) fn merge(
    target: &Target,
    value: &mut Value,
    members: &[Member],
    adding: bool,
    allowance: &Allowance<'_>,
) -> Result<bool> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(object) = value.as_object_mut() else { return Ok(false) };
    let mut changed = false;
    for Member { sub, value } in members {
        let name = sub.definition().name();
        if sub.is_derived() && !value.is_null() && follows_value(sub, object, members, value)? {
            continue;
        }
        let set = match (value, object.get_mut(name)) {
            (Value::Null, None) => false,
            (Value::Null, Some(old)) => may_change(sub, old, None)? && object.remove(name).is_some(),
            (value, None) => {
                object.insert(name.to_owned(), value.clone());
                true
            }
            (Value::Array(added), Some(Value::Array(old))) if adding => {
                list::join(sub, old, added, allowance)?
            }
            (value, Some(old)) => old != value && may_change(sub, old, Some(value))? && overwrite(old, value),
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
    members: &[Member],
    reference: &Value,
) -> Result<bool> {
    let told = given(members, "value");
    let Some(value) = told.or_else(|| object.get("value")).and_then(Value::as_str) else { return Ok(false) };
    let agrees = |uri: &str| uri.rsplit('/').next() == Some(value);
    if told.is_some() || reference.as_str().is_none_or(agrees) {
        return Ok(true);
    }
    Err(PatchError::new(ScimType::Mutability, sub, "follows from the `value` beside it; send that"))
}

/// What only the service writes, such as the name of a manager, tells of the value that was there, and
/// not of another or of none.
fn drop_derived(target: &Target, object: &mut Map<String, Value>) {
    for sub in target.sub_attributes() {
        if sub.is_derived() || sub.definition().mutability() == Mutability::ReadOnly {
            object.remove(sub.definition().name());
        }
    }
}

/// Removes values from a sub-attribute that is a list.
fn remove_equal(value: &mut Value, listed: &Member, allowance: &Allowance<'_>) -> Result<bool> {
    let (Some(object), Value::Array(values)) = (value.as_object_mut(), &listed.value) else {
        return Ok(false);
    };
    let Some(Value::Array(old)) = object.get_mut(listed.name()) else { return Ok(false) };
    let shorter = list::remove_listed(&listed.sub, old, values, allowance)?;
    if shorter && listed.sub.definition().mutability() == Mutability::Immutable {
        return Err(immutable(&listed.sub));
    }
    if old.is_empty() {
        object.remove(listed.name());
    }
    Ok(shorter)
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
pub(crate) fn may_go(target: &Target, value: &Value) -> Result<()> {
    for sub in target.sub_attributes() {
        if let Some(old) = value.get(sub.definition().name()) {
            may_change(sub, old, None)?;
        }
    }
    Ok(())
}
