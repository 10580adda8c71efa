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

    pub(super) fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// The elements, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.elements.values()
    }

    /// What of a delta changes anything.
    pub(super) fn change<'a>(&self, delta: &ListDelta<'a>) -> Change<'a> {
        match delta {
            ListDelta::Change { add, remove } => {
                let added: HashSet<&str> = add.iter().map(|element| key(element)).collect();
                Change {
                    add: add.iter().filter(|element| !self.contains(key(element))).copied().collect(),
                    // What goes and comes back stays: all that an element says follows from its key.
                    remove: remove
                        .iter()
                        .filter(|key| self.contains(key) && !added.contains(**key))
                        .map(|key| (*key).to_owned())
                        .collect(),
                }
            }
            ListDelta::Exactly(elements) => {
                let wanted: HashSet<&str> = elements.iter().map(|element| key(element)).collect();
                Change {
                    add: elements.iter().filter(|element| !self.contains(key(element))).copied().collect(),
                    remove: self
                        .iter()
                        .map(key)
                        .filter(|key| !wanted.contains(key))
                        .map(str::to_owned)
                        .collect(),
                }
            }
        }
    }

    pub(super) fn add(&mut self, element: Map<String, Value>) {
        let key = key(&element).to_owned();
        if self.places.contains_key(&key) {
            return;
        }
        self.places.insert(key, self.next);
        self.elements.insert(self.next, element);
        self.next += 1;
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key) {
            self.elements.remove(&place);
        }
    }
}
