//! The members of one group, indexed by their ids: adding or removing a member costs the same in a group of any size.

use std::collections::{BTreeMap, HashMap};

use scim_patch::{ListChanges, ListDelta, key_of};
use serde_json::{Map, Value};

/// Elements identified by their `value`, in the order in which they were added.
#[derive(Default)]
pub(super) struct Members {
    /// The position of each member, by its id.
    positions: HashMap<String, u64>,
    elements: BTreeMap<u64, Map<String, Value>>,
    next_position: u64,
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The elements, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.elements.values()
    }

    /// Determines which members a delta adds, replaces and removes. `is_same` compares a stored element with one of the
    /// delta.
    pub(super) fn changes<'a>(
        &'a self,
        delta: &ListDelta<'a>,
        is_same: impl FnMut(&'a Map<String, Value>, &'a Map<String, Value>) -> bool,
    ) -> ListChanges<'a> {
        match delta.keys() {
            Some(keys) => delta.changes(keys.filter_map(|key| Some((key, self.get(key)?))), is_same),
            None => delta.changes(self.iter().map(|element| (key_of(element), element)), is_same),
        }
    }

    fn get(&self, key: &str) -> Option<&Map<String, Value>> {
        self.elements.get(self.positions.get(key)?)
    }

    /// Adds an element at the end, or replaces the one with the same id.
    pub(super) fn insert(&mut self, element: Map<String, Value>) {
        let position = *self.positions.entry(key_of(&element).to_owned()).or_insert(self.next_position);
        self.elements.insert(position, element);
        self.next_position = self.next_position.max(position + 1);
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(position) = self.positions.remove(key) {
            self.elements.remove(&position);
        }
    }
}
