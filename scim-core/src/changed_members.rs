//! Which members a change adds to a group, and which it removes.

use std::collections::HashSet;

use scim_patch::{ListChanges, key_of};
use scim_schema::AttributeRef;
use serde_json::{Map, Value};

/// The ids of the members that a change adds to a group, and of those that it removes: what has changed, not what the
/// request says. Adding a member that the group has already is no change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedMembers {
    /// The ids of the new members.
    pub added: Vec<String>,
    /// The ids of the resources that are no members any more.
    pub removed: Vec<String>,
}

impl ChangedMembers {
    /// The difference between two states of a resource whose members are in this attribute.
    pub(crate) fn between(
        list: &AttributeRef,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Self {
        let (before, after) = (ids(list, before), ids(list, after));
        let difference = |all: &[&str], without: &[&str]| {
            let without: HashSet<&str> = without.iter().copied().collect();
            all.iter().filter(|id| !without.contains(*id)).map(|id| (*id).to_owned()).collect()
        };
        Self { added: difference(&after, &before), removed: difference(&before, &after) }
    }
}

/// The ids in the elements of a list.
fn ids<'a>(list: &AttributeRef, attributes: &'a Map<String, Value>) -> Vec<&'a str> {
    let elements = list.get(attributes).and_then(Value::as_array);
    elements.into_iter().flatten().filter_map(|element| element.get("value")?.as_str()).collect()
}

impl From<&ListChanges<'_>> for ChangedMembers {
    fn from(changes: &ListChanges<'_>) -> Self {
        Self {
            added: changes.added.iter().map(|element| key_of(element).to_owned()).collect(),
            removed: changes.removed.iter().map(|id| (*id).to_owned()).collect(),
        }
    }
}
