//! Changes to a list whose elements are identified by their `value`: any number of them in one pass.

use scim_schema::AttributeRef;
use serde_json::Value;

use super::state::Allowance;
use crate::element::matches_request;
use crate::error::Result;
use crate::key::find_key;
use crate::key_effect::KeyEffects;
use crate::step::{KeyedChange, KeyedChanges};

impl KeyedChanges {
    /// Applies the changes in one pass; whether they changed anything.
    pub(super) fn apply(
        &self,
        target: &AttributeRef,
        list: &mut Vec<Value>,
        allowance: &Allowance<'_>,
    ) -> Result<bool> {
        let before = list.len();
        allowance.charge(target, before.saturating_add(self.changes.len()))?;
        let changed = match self.changes.as_slice() {
            [change] if !self.exactly => apply_single(list, change),
            _ => self.apply_all(target, list),
        };
        if list.len() > before {
            allowance.check_length(target, list.len())?;
        }
        Ok(changed)
    }

    fn apply_all(&self, target: &AttributeRef, list: &mut Vec<Value>) -> bool {
        let effects = KeyEffects::new(&self.changes);
        let mut exists = vec![false; effects.list.len()];
        let mut changed = false;
        list.retain_mut(|element| {
            let index = find_key(element).and_then(|key| effects.index_of(key));
            let found = index.and_then(|index| Some((effects.list.get(index)?, exists.get_mut(index)?)));
            let Some((effect, exists)) = found else {
                changed |= self.exactly;
                return !self.exactly;
            };
            if !effect.removed && !self.exactly {
                // It was there before, so adding it again changes nothing.
                *exists = true;
                return true;
            }
            let Some(added) = effect.added else {
                changed = true;
                return false;
            };
            // All of the list is set, or the element was removed and added again.
            let same = if self.exactly {
                element.as_object().is_some_and(|element| matches_request(target, element, added))
            } else {
                element.as_object() == Some(added)
            };
            if !same {
                *element = Value::Object(added.clone());
                changed = true;
            }
            *exists = true;
            true
        });
        for (effect, exists) in effects.list.iter().zip(exists) {
            if let (Some(added), false) = (effect.added, exists) {
                list.push(Value::Object(added.clone()));
                changed = true;
            }
        }
        changed
    }
}

/// Most patches of members have a single change, which needs no table of keys.
fn apply_single(list: &mut Vec<Value>, change: &KeyedChange) -> bool {
    let key = change.key_and_element().0;
    let has_key = |element: &Value| find_key(element) == Some(key);
    match change {
        KeyedChange::Add(..) if list.iter().any(has_key) => false,
        KeyedChange::Add(_, element) => {
            list.push(Value::Object(element.clone()));
            true
        }
        KeyedChange::Remove(_) => {
            let length = list.len();
            list.retain(|element| !has_key(element));
            list.len() < length
        }
    }
}
