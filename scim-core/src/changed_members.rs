//! Which members a change adds to a group, and which it removes.

use std::collections::HashSet;

use scim_patch::{ListChanges, key_of};
use scim_schema::AttributeRef;
use serde_json::Value;

use crate::Resource;

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
    pub(crate) fn between(list: &AttributeRef, before: &Resource, after: &Resource) -> Self {
        let (before, after) = (ids(list, before), ids(list, after));
        let difference = |all: &[&str], without: &[&str]| {
            let without: HashSet<&str> = without.iter().copied().collect();
            all.iter().filter(|id| !without.contains(*id)).map(|id| (*id).to_owned()).collect()
        };
        Self { added: difference(&after, &before), removed: difference(&before, &after) }
    }
}

/// The ids in the elements of a list.
fn ids<'a>(list: &AttributeRef, resource: &'a Resource) -> Vec<&'a str> {
    let elements = list.get(resource.as_map()).and_then(Value::as_array);
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
