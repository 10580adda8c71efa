//! The members of one group, kept by key: adding one costs the same whatever the group's size.

use std::collections::{BTreeMap, HashMap, HashSet};

use scim_patch::ListDelta;
use serde_json::{Map, Value};

/// Elements identified by their `value`, in the order in which they were added.
#[derive(Default)]
pub(super) struct Members {
    places: HashMap<String, u64>,
    elements: BTreeMap<u64, Map<String, Value>>,
    next: u64,
}

/// What a delta comes to for the members that there are.
pub(super) struct Change<'a> {
    pub(super) add: Vec<&'a Map<String, Value>>,
    pub(super) remove: Vec<String>,
}

impl Change<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

pub(super) fn key(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// The elements, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.elements.values()
    }

    /// What of a delta changes anything. `stays` tells whether an element that is there, the first, is
    /// as the second wants it.
    pub(super) fn change<'a>(
        &self,
        delta: &ListDelta<'a>,
        stays: impl Fn(&Map<String, Value>, &Map<String, Value>) -> bool,
    ) -> Change<'a> {
        let (given, gone) = match delta {
            ListDelta::Change { add, remove } => {
                (add, Some(remove.iter().copied().collect::<HashSet<&str>>()))
            }
            ListDelta::Exactly(elements) => (elements, None),
        };
        let comes = |element: &&&Map<String, Value>| match self.get(key(element)) {
            None => true,
            Some(stored) => {
                gone.as_ref().is_none_or(|gone| gone.contains(key(element))) && !stays(stored, element)
            }
        };
        let add = given.iter().filter(comes).copied().collect();
        // What goes and comes back keeps its place.
        let wanted: HashSet<&str> = given.iter().map(|element| key(element)).collect();
        let owned = |key: &str| (!wanted.contains(key)).then(|| key.to_owned());
        let remove = match &gone {
            Some(gone) => gone.iter().filter(|key| self.contains(key)).filter_map(|key| owned(key)).collect(),
            None => self.iter().filter_map(|element| owned(key(element))).collect(),
        };
        Change { add, remove }
    }

    fn get(&self, key: &str) -> Option<&Map<String, Value>> {
        self.elements.get(self.places.get(key)?)
    }

    /// Adds an element, or puts it where the one with its key is.
    pub(super) fn put(&mut self, element: Map<String, Value>) {
        let place = *self.places.entry(key(&element).to_owned()).or_insert(self.next);
        self.elements.insert(place, element);
        self.next = self.next.max(place + 1);
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key) {
            self.elements.remove(&place);
        }
    }
}
