//! Changes to a list whose elements are identified by their `value`: any number of them in one pass.

use scim_schema::AttributeRef;
use serde_json::Value;

use super::state::Allowance;
use crate::element::has_all_of;
use crate::error::Result;
use crate::key::key_in;
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
        allowance.visit(target, before.saturating_add(self.changes.len()))?;
        let changed = match self.changes.as_slice() {
            [change] if !self.exactly => apply_single(list, change),
            _ => self.apply_all(target, list),
        };
        if list.len() > before {
            allowance.grow(target, list.len())?;
        }
        Ok(changed)
    }

    fn apply_all(&self, target: &AttributeRef, list: &mut Vec<Value>) -> bool {
        let effects = KeyEffects::new(&self.changes);
        let mut is_there = vec![false; effects.all.len()];
        let mut changed = false;
        list.retain_mut(|element| {
            let index = key_in(element).and_then(|key| effects.index_of(key));
            let found = index.and_then(|index| Some((effects.all.get(index)?, is_there.get_mut(index)?)));
            let Some((effect, is_there)) = found else {
                changed |= self.exactly;
                return !self.exactly;
            };
            if !effect.removed && !self.exactly {
                // It was there before, so adding it again changes nothing.
                *is_there = true;
                return true;
            }
            let Some(added) = effect.added else {
                changed = true;
                return false;
            };
            // All of the list is set, or the element was removed and added again.
            let same = if self.exactly {
                element.as_object().is_some_and(|element| has_all_of(target, element, added))
            } else {
                element.as_object() == Some(added)
            };
            if !same {
                *element = Value::Object(added.clone());
                changed = true;
            }
            *is_there = true;
            true
        });
        for (effect, is_there) in effects.all.iter().zip(is_there) {
            if let (Some(added), false) = (effect.added, is_there) {
                list.push(Value::Object(added.clone()));
                changed = true;
            }
        }
        changed
    }
}

/// Most patches of members have a single change, which needs no table of keys.
fn apply_single(list: &mut Vec<Value>, change: &KeyedChange) -> bool {
    let key = change.parts().0;
    let has_key = |element: &Value| key_in(element) == Some(key);
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
