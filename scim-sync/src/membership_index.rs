//! Which people are in which groups of the directory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::GroupChange;

/// The groups of the directory with the ids of their direct members, kept up to date by [`GroupChange`]s.
#[derive(Debug, Default)]
pub(crate) struct MembershipIndex {
    groups: BTreeMap<Arc<str>, Group>,
    /// The groups that contain a member directly. It is computed when it is first needed.
    parents: Option<HashMap<Arc<str>, Vec<Arc<str>>>>,
    /// Each id once, however many groups contain it.
    ids: HashSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    name: String,
    members: BTreeSet<Arc<str>>,
}

/// How a group is kept in the ledger.
#[derive(Serialize, Deserialize)]
struct StoredGroup {
    name: String,
    members: Vec<String>,
}

impl MembershipIndex {
    /// Adds a group as [`to_json`](Self::to_json) has written it. A text that is not understood is left out.
    pub(crate) fn add_json(&mut self, id: &str, json: &str) {
        if let Ok(stored) = serde_json::from_str::<StoredGroup>(json) {
            let members = stored.members.iter().map(|member| self.shared(member)).collect();
            self.groups.insert(id.into(), Group { name: stored.name, members });
            self.parents = None;
        }
    }

    pub(crate) fn to_json(&self, id: &str) -> Option<String> {
        let group = self.groups.get(id)?;
        let members = group.members.iter().map(|member| member.to_string()).collect();
        serde_json::to_string(&StoredGroup { name: group.name.clone(), members }).ok()
    }

    pub(crate) fn apply(&mut self, change: &GroupChange) {
        self.parents = None;
        if change.deleted {
            self.groups.remove(change.id.as_str());
            return;
        }
        let added: Vec<_> = change.added.iter().map(|member| self.shared(member)).collect();
        let group = self.groups.entry(change.id.as_str().into()).or_default();
        if let Some(name) = &change.name {
            group.name.clone_from(name);
        }
        for member in &change.removed {
            group.members.remove(member.as_str());
        }
        group.members.extend(added);
    }

    /// The id, shared with all other groups that contain it.
    fn shared(&mut self, id: &str) -> Arc<str> {
        match self.ids.get(id) {
            Some(id) => id.clone(),
            None => {
                let id: Arc<str> = id.into();
                self.ids.insert(id.clone());
                id
            }
        }
    }

    /// The ids of the groups with this id or name.
    pub(crate) fn find(&self, id_or_name: &str) -> Vec<&str> {
        if let Some((id, _)) = self.groups.get_key_value(id_or_name) {
            return vec![id];
        }
        self.groups.iter().filter(|(_, group)| group.name == id_or_name).map(|(id, _)| id.as_ref()).collect()
    }

    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        Some(self.groups.get(id)?.name.as_str())
    }

    /// The ids of the groups of which a person is a member: directly, or if `nested`, also through other groups.
    pub(crate) fn groups_of(&mut self, person: &str, nested: bool) -> BTreeSet<Arc<str>> {
        let parents = self.parents.get_or_insert_with(|| {
            let mut parents = HashMap::<Arc<str>, Vec<Arc<str>>>::new();
            for (id, group) in &self.groups {
                for member in &group.members {
                    parents.entry(member.clone()).or_default().push(id.clone());
                }
            }
            parents
        });
        let mut found = BTreeSet::new();
        let mut open: Vec<_> = parents.get(person).into_iter().flatten().cloned().collect();
        while let Some(group) = open.pop() {
            // Groups can contain each other in a circle.
            if found.insert(group.clone()) && nested {
                open.extend(parents.get(&group).into_iter().flatten().cloned());
            }
        }
        found
    }

    /// The members of these groups, and of the groups in them. The ids of groups are among them.
    pub(crate) fn members_below(&self, groups: impl IntoIterator<Item = String>) -> HashSet<String> {
        let mut found = HashSet::new();
        let mut open: Vec<String> = groups.into_iter().collect();
        while let Some(id) = open.pop() {
            for member in self.groups.get(id.as_str()).into_iter().flat_map(|group| &group.members) {
                if found.insert(member.to_string()) && self.groups.contains_key(member) {
                    open.push(member.to_string());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::MembershipIndex;
    use crate::GroupChange;

    fn change(id: &str, added: &[&str], removed: &[&str]) -> GroupChange {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        GroupChange {
            id: id.to_owned(),
            name: Some(format!("name of {id}")),
            added: texts(added),
            removed: texts(removed),
            deleted: false,
        }
    }

    #[test]
    fn members_are_found_directly_and_through_groups_that_contain_each_other() {
        let mut index = MembershipIndex::default();
        index.apply(&change("all", &["sales", "bea"], &[]));
        index.apply(&change("sales", &["north", "all"], &[]));
        index.apply(&change("north", &["carl", "dora"], &[]));
        index.apply(&change("north", &[], &["dora"]));
        let mut of = |person, nested| {
            index.groups_of(person, nested).iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((of("carl", false), of("carl", true)), ("north".into(), "all north sales".into()));
        assert_eq!((of("dora", true), of("bea", false)), (String::new(), "all".into()));
        assert!(index.members_below(["sales".to_owned()]).contains("carl"));
        assert_eq!(index.find("name of north"), ["north"]);

        let stored = index.to_json("north").unwrap();
        index.apply(&GroupChange { id: "north".to_owned(), deleted: true, ..GroupChange::default() });
        assert!(index.groups_of("carl", true).is_empty());
        index.add_json("north", &stored);
        assert_eq!(index.groups_of("carl", false).len(), 1);
    }
}
