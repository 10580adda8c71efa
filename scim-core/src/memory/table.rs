//! The resources of one type in one tenant, with the indexes that answer equality filters.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand, ResourceType, Uniqueness};

use super::members::Members;
use super::related_attributes::reference_value;
use super::rules::Rules;
use crate::{Error, Resource, Result};

/// One resource.
pub(super) struct Row {
    /// Also outside of the resource, so that finding what is related need not look into that.
    pub(super) id: String,
    /// Without the members, and without what is derived from other resources.
    pub(super) resource: Resource,
    pub(super) members: Members,
    pub(super) password_hash: Option<String>,
}

/// The rows of one resource type by their numbers: in the order of creation, which is that of every query.
pub(super) struct Table {
    pub(super) resource_type: ResourceType,
    pub(super) rows: BTreeMap<u64, Row>,
    indexes: Vec<Index>,
}

/// For each value that some row has in an attribute, those rows.
struct Index {
    target: AttributeRef,
    unique: bool,
    rows: HashMap<String, BTreeSet<u64>>,
}

/// Of the attributes that must be unique, of `externalId`, by which identity providers look up, and
/// of references.
fn indexes<'a>(resource_type: &'a ResourceType, rules: &'a Rules) -> impl Iterator<Item = Index> + 'a {
    let own = |target: &AttributeRef| {
        let path = target.path().as_str();
        rules
            .unique
            .iter()
            .any(|(name, attribute)| name == resource_type.name() && attribute.eq_ignore_ascii_case(path))
    };
    let all = resource_type.all_attributes().flat_map(|attribute| {
        let refers = reference_value(attribute);
        attribute.self_and_sub_attributes().map(move |target| (target, refers == Some(target)))
    });
    all.filter(|(target, _)| !target.is_complex() && target.path().as_str() != "id").filter_map(
        move |(target, refers)| {
            let unique = target.definition().uniqueness() != Uniqueness::None || own(target);
            let indexed = unique || refers || target.path().as_str() == "externalId";
            indexed.then(|| Index { target: target.clone(), unique, rows: HashMap::new() })
        },
    )
}

impl Index {
    /// The values of a resource, in the form in which equal ones are the same.
    fn keys<'a>(&'a self, resource: &'a Resource) -> impl Iterator<Item = Cow<'a, str>> {
        self.target.values(resource.as_map()).map(|value| self.target.comparison().equality_key(value))
    }

    fn owned_keys(&self, resource: &Resource) -> Vec<String> {
        self.keys(resource).map(Cow::into_owned).collect()
    }

    fn add(&mut self, number: u64, keys: Vec<String>) {
        for key in keys {
            self.rows.entry(key).or_default().insert(number);
        }
    }

    fn remove(&mut self, number: u64, keys: &[String]) {
        for key in keys {
            if let Some(rows) = self.rows.get_mut(key) {
                rows.remove(&number);
                if rows.is_empty() {
                    self.rows.remove(key);
                }
            }
        }
    }
}

impl Table {
    pub(super) fn new(resource_type: &ResourceType, rules: &Rules) -> Self {
        Self {
            resource_type: resource_type.clone(),
            rows: BTreeMap::new(),
            indexes: indexes(resource_type, rules).collect(),
        }
    }

    fn index(&self, target: &AttributeRef) -> Option<&Index> {
        self.indexes.iter().find(|index| index.target.path() == target.path())
    }

    /// Refuses a resource with a value that must be unique and that another row has.
    pub(super) fn check_unique(&self, resource: &Resource, own: Option<u64>) -> Result<()> {
        for index in self.indexes.iter().filter(|index| index.unique) {
            let other = |key: Cow<'_, str>| index.rows.get(&*key)?.iter().find(|row| Some(**row) != own);
            if index.keys(resource).any(|key| other(key).is_some()) {
                return Err(Error::uniqueness(index.target.path().as_str()));
            }
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, number: u64, row: Row) {
        for index in &mut self.indexes {
            index.add(number, index.owned_keys(&row.resource));
        }
        self.rows.insert(number, row);
    }

    /// Changes the resource of a row.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut Resource)) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        let before: Vec<_> = self.indexes.iter().map(|index| index.owned_keys(&row.resource)).collect();
        change(&mut row.resource);
        for (index, before) in self.indexes.iter_mut().zip(before) {
            // Few changes are of what is indexed.
            if !index.keys(&row.resource).eq(before.iter().map(String::as_str)) {
                index.remove(number, &before);
                index.add(number, index.owned_keys(&row.resource));
            }
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Row> {
        let row = self.rows.remove(&number)?;
        for index in &mut self.indexes {
            index.remove(number, &index.owned_keys(&row.resource));
        }
        Some(row)
    }

    /// The rows that have a value in an indexed attribute.
    pub(super) fn rows_with(&self, target: &AttributeRef, value: &str) -> Vec<u64> {
        let rows = self.index(target).and_then(|index| index.rows.get(&*target.comparison().fold(value)));
        rows.into_iter().flatten().copied().collect()
    }

    /// The rows that can match a filter, if an index tells; the filter must still be asked.
    pub(super) fn candidates(&self, filter: &Predicate) -> Option<Vec<u64>> {
        match filter {
            Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) } => {
                let index = self.index(target)?;
                Some(index.rows.get(text.folded()).into_iter().flatten().copied().collect())
            }
            Predicate::And(terms) => terms.iter().find_map(|term| self.candidates(term)),
            Predicate::Or(terms) => {
                let mut all = BTreeSet::new();
                for term in terms {
                    all.extend(self.candidates(term)?);
                }
                Some(all.into_iter().collect())
            }
            _ => None,
        }
    }
}
