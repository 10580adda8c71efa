//! Lists whose elements are identified by their `value`: any number of changes in one pass.

use scim_schema::{Comparison, Mutability, ScimType, Target};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::error::Result;
use crate::limits::Allowance;
use crate::net::Nets;

/// Changes to a list whose elements are identified by their `value`, such as the members of a group.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    /// Whether the list has nothing afterwards but what the changes add.
    pub(crate) exactly: bool,
    pub(crate) changes: Vec<KeyedChange>,
}

#[derive(Clone, Debug)]
pub(crate) enum KeyedChange {
    /// Adds an element unless its key is there, for the operation with this index.
    Add(usize, Map<String, Value>),
    /// Removes the element with this key.
    Remove(Box<str>),
}

/// Whether changes to an attribute can be told by keys alone. An immutable list can only be made
/// once, which takes a look at all of it.
pub(crate) fn is_keyed(target: &Target) -> bool {
    target.holds_members() && target.definition().mutability() != Mutability::Immutable
}

/// The `value` of an element that is to be identified by it.
pub(crate) fn require_key<'a>(target: &Target, element: &'a Value) -> Result<&'a str> {
    match element.get("value").and_then(Value::as_str) {
        Some(key) if !key.is_empty() => Ok(key),
        _ => {
            Err(PatchError::new(ScimType::InvalidValue, target, "each element must have a `value`, a string"))
        }
    }
}

/// Whether all that an element says is fixed once it is there, so that adding it again changes nothing.
pub(crate) fn is_fixed(target: &Target, element: &Map<String, Value>) -> bool {
    element.keys().all(|name| {
        let mutability = target.sub_attribute(name).map(|sub| sub.definition().mutability());
        matches!(mutability, Some(Mutability::Immutable | Mutability::ReadOnly))
    })
}

/// How keys compare.
pub(crate) fn key_rule(target: &Target) -> Comparison {
    target.sub_attribute("value").map_or(Comparison::Exact, Target::comparison)
}

impl KeyedChange {
    /// The key, and the element that is added, if one is.
    pub(crate) fn parts(&self) -> (&str, Option<&Map<String, Value>>) {
        match self {
            Self::Add(_, element) => (crate::patch::key_of(element), Some(element)),
            Self::Remove(key) => (key, None),
        }
    }
}

impl Keyed {
    /// Does what the next one does, too; that is left empty.
    pub(crate) fn then(&mut self, next: &mut Self) {
        if next.exactly {
            self.exactly = true;
            self.changes.clear();
        }
        self.changes.append(&mut next.changes);
    }

    /// What the changes come to.
    pub(crate) fn nets(&self, target: &Target) -> Nets<'_> {
        Nets::of(&self.changes, key_rule(target))
    }

    /// Applies the changes in one pass; whether they changed anything.
    pub(crate) fn apply(
        &self,
        target: &Target,
        list: &mut Vec<Value>,
        allowance: &Allowance<'_>,
    ) -> Result<bool> {
        let before = list.len();
        allowance.visit(target, before.saturating_add(self.changes.len()))?;
        let changed = match self.changes.as_slice() {
            [change] if !self.exactly => apply_one(key_rule(target), list, change),
            _ => self.apply_all(target, list),
        };
        if list.len() > before {
            allowance.grow(target, list.len())?;
        }
        Ok(changed)
    }

    fn apply_all(&self, target: &Target, list: &mut Vec<Value>) -> bool {
        let nets = self.nets(target);
        let mut kept = vec![false; nets.all.len()];
        let mut changed = false;
        list.retain_mut(|element| {
            let key = element.get("value").and_then(Value::as_str);
            let place = key.and_then(|key| nets.place(key));
            let Some((net, kept)) = place.and_then(|at| Some((nets.all.get(at)?, kept.get_mut(at)?))) else {
                changed |= self.exactly;
                return !self.exactly;
            };
            let stays = match net.added {
                // It was there before, so adding it again changes nothing.
                _ if !net.removed && !self.exactly => true,
                None => false,
                Some(added) => {
                    // The list is set as a whole, or the element went and came back.
                    let same = if self.exactly {
                        is_same(target, element, added)
                    } else {
                        element.as_object() == Some(added)
                    };
                    if !same {
                        *element = Value::Object(added.clone());
                        changed = true;
                    }
                    true
                }
            };
            *kept |= stays;
            changed |= !stays;
            stays
        });
        for (net, kept) in nets.all.iter().zip(kept) {
            if let (Some(added), false) = (net.added, kept) {
                list.push(Value::Object(added.clone()));
                changed = true;
            }
        }
        changed
    }
}

fn apply_one(rule: Comparison, list: &mut Vec<Value>, change: &KeyedChange) -> bool {
    let folded = rule.fold(change.parts().0);
    let is_it = |element: &Value| {
        element.get("value").and_then(Value::as_str).is_some_and(|value| rule.equals_text(value, &folded))
    };
    match change {
        KeyedChange::Add(..) if list.iter().any(is_it) => false,
        KeyedChange::Add(_, element) => {
            list.push(Value::Object(element.clone()));
            true
        }
        KeyedChange::Remove(_) => {
            let length = list.len();
            list.retain(|element| !is_it(element));
            list.len() < length
        }
    }
}

/// Whether an element is the same as one that is given, but for what the service may have filled in:
/// that is fixed, and clients leave it out (RFC 7643 section 4.2).
pub(crate) fn is_same(target: &Target, old: &Value, given: &Map<String, Value>) -> bool {
    target.sub_attributes().iter().all(|sub| {
        let name = sub.definition().name();
        match (old.get(name), given.get(name)) {
            (Some(old), Some(given)) => sub.same_value(old, given),
            (Some(_), None) => {
                let fixed =
                    matches!(sub.definition().mutability(), Mutability::Immutable | Mutability::ReadOnly);
                fixed || sub.is_derived()
            }
            (None, given) => given.is_none(),
        }
    })
}
