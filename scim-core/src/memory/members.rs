//! The members of one group, kept by key: adding one costs the same whatever the group's size.

use std::collections::{BTreeMap, HashMap};

use scim_patch::{ListChanges, ListDelta, key_of};
use serde_json::{Map, Value};

/// Elements identified by their `value`, in the order in which they were added.
#[derive(Default)]
pub(super) struct Members {
    places: HashMap<String, u64>,
    elements: BTreeMap<u64, Map<String, Value>>,
    next: u64,
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

    /// What a delta comes to. `is_same` compares a stored element with the one that is to be there.
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
        self.elements.get(self.places.get(key)?)
    }

    /// Adds an element, or puts it where the one with its key is.
    pub(super) fn put(&mut self, element: Map<String, Value>) {
        let place = *self.places.entry(key_of(&element).to_owned()).or_insert(self.next);
        self.elements.insert(place, element);
        self.next = self.next.max(place + 1);
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key) {
            self.elements.remove(&place);
        }
    }
}
