//! A directory in memory with a log of its changes.

use std::collections::{BTreeMap, BTreeSet};

use scim_sync::{
    Directory, DirectoryError, DirectoryPage, GroupChange, MAX_FOUND, Next, Person, PersonChange, async_trait,
};
use serde_json::Value;

#[derive(Default)]
pub(crate) struct FakeDirectory {
    pub(crate) people: BTreeMap<String, Value>,
    pub(crate) groups: BTreeMap<String, (String, BTreeSet<String>)>,
    /// The ids of changed people, and the changes of groups, in order.
    person_log: Vec<String>,
    group_log: Vec<GroupChange>,
    /// Positions below these have expired.
    expired: (usize, usize),
    /// How many entries a page has; 0 stands for 2.
    pub(crate) page_size: usize,
    /// Pages begin elsewhere: the order is turned by this many entries.
    pub(crate) turn: usize,
    /// How many calls have been made.
    pub(crate) calls: usize,
    /// The calls that fail.
    pub(crate) failing_calls: BTreeSet<usize>,
}

impl FakeDirectory {
    /// Adds or changes a person; null removes one.
    pub(crate) fn set_person(&mut self, id: &str, fields: Value) {
        match fields {
            Value::Null => self.people.remove(id),
            fields => self.people.insert(id.to_owned(), fields),
        };
        self.person_log.push(id.to_owned());
    }

    /// Adds or changes a group; `None` deletes one.
    pub(crate) fn set_group(&mut self, id: &str, group: Option<(&str, BTreeSet<String>)>) {
        let (old_name, old) = self.groups.remove(id).unwrap_or_default();
        let change = match &group {
            None => GroupChange { id: id.to_owned(), deleted: true, ..GroupChange::default() },
            Some((name, members)) => GroupChange {
                id: id.to_owned(),
                name: Some((*name).to_owned()).filter(|name| *name != old_name),
                added: members.difference(&old).cloned().collect(),
                removed: old.difference(members).cloned().collect(),
                deleted: false,
            },
        };
        self.group_log.push(change);
        if let Some((name, members)) = group {
            self.groups.insert(id.to_owned(), (name.to_owned(), members));
        }
    }

    /// Lets all positions so far expire.
    pub(crate) fn expire_positions(&mut self) {
        self.expired = (self.person_log.len() + 1, self.group_log.len() + 1);
    }

    fn call(&mut self) -> Result<(), DirectoryError> {
        self.calls += 1;
        if self.failing_calls.contains(&self.calls) {
            return Err(DirectoryError::Failed("the connection was lost".to_owned()));
        }
        Ok(())
    }

    /// A page of `all`. `from` is the number of changes before the first page and the number of entries before this one.
    fn page<T>(&self, mut all: Vec<T>, log: usize, from: usize) -> DirectoryPage<T> {
        let size = if self.page_size == 0 { 2 } else { self.page_size };
        if !all.is_empty() {
            let turn = self.turn % all.len();
            all.rotate_left(turn);
        }
        let is_last = all.len() <= from + size;
        let changes: Vec<_> = all.into_iter().skip(from).take(size).collect();
        let next = if is_last {
            Next::Position(format!("{log}"))
        } else {
            Next::Page(format!("page {log} {}", from + size))
        };
        DirectoryPage { changes, next }
    }
}

/// A position: `None` for everything, `5` for what has changed since the fifth change, `page 5 4` for the fifth and later
/// entries of everything, as it was after the fifth change.
fn parse(from: Option<&str>) -> (Option<usize>, usize) {
    let Some(from) = from else { return (None, 0) };
    match from.strip_prefix("page ") {
        None => (Some(from.parse().unwrap()), 0),
        Some(rest) => {
            let numbers: Vec<usize> = rest.split(' ').map(|number| number.parse().unwrap()).collect();
            (None, numbers[1])
        }
    }
}

#[async_trait]
impl Directory for FakeDirectory {
    async fn people(&mut self, from: Option<&str>) -> Result<DirectoryPage<PersonChange>, DirectoryError> {
        self.call()?;
        let change = |id: &String| match self.people.get(id) {
            Some(fields) => PersonChange::Present(Person::new(id, fields.clone())),
            None => PersonChange::Removed(id.clone()),
        };
        match parse(from) {
            (Some(position), _) if position < self.expired.0 => Err(DirectoryError::PositionExpired),
            // What has changed is one page.
            (Some(position), _) => {
                let changes = self.person_log[position..].iter().map(change).collect();
                Ok(DirectoryPage { changes, next: Next::Position(self.person_log.len().to_string()) })
            }
            (None, from) => {
                Ok(self.page(self.people.keys().map(change).collect(), self.person_log.len(), from))
            }
        }
    }

    async fn groups(&mut self, from: Option<&str>) -> Result<DirectoryPage<GroupChange>, DirectoryError> {
        self.call()?;
        match parse(from) {
            (Some(position), _) if position < self.expired.1 => Err(DirectoryError::PositionExpired),
            (Some(position), _) => Ok(DirectoryPage {
                changes: self.group_log[position..].to_vec(),
                next: Next::Position(self.group_log.len().to_string()),
            }),
            (None, from) => {
                let group = |(id, (name, members)): (&String, &(String, BTreeSet<String>))| GroupChange {
                    id: id.clone(),
                    name: Some(name.clone()),
                    added: members.iter().cloned().collect(),
                    ..GroupChange::default()
                };
                Ok(self.page(self.groups.iter().map(group).collect(), self.group_log.len(), from))
            }
        }
    }

    async fn find(&mut self, ids: &[String]) -> Result<Vec<Person>, DirectoryError> {
        self.call()?;
        assert!(ids.len() <= MAX_FOUND);
        Ok(ids.iter().filter_map(|id| Some(Person::new(id, self.people.get(id)?.clone()))).collect())
    }
}
