//! The resources of one type in one tenant, with the indexes that answer equality filters.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scim_filter::{CompareOp, Predicate};
use scim_schema::{Operand, ResourceType, Target, Uniqueness};
use serde_json::{Map, Value};

use super::Rules;
use super::members::Members;
use super::references::reference;
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

/// Rows by the order of their creation, which is the order of every query.
#[derive(Default)]
pub(super) struct Table {
    /// The type of the rows, once there are any.
    pub(super) on: Option<ResourceType>,
    pub(super) rows: BTreeMap<u64, Row>,
    /// For each indexed attribute, for each value that some row has, those rows.
    indexes: HashMap<String, HashMap<String, BTreeSet<u64>>>,
}

/// An attribute that is indexed.
struct Indexed {
    target: Target,
    unique: bool,
}

/// The attributes that must be unique, `externalId`, by which identity providers look up, and
/// references.
fn indexed<'a>(on: &'a ResourceType, rules: &'a Rules) -> impl Iterator<Item = Indexed> + 'a {
    let own = |target: &Target| {
        let path = target.path().as_str();
        rules.unique.iter().any(|(name, attribute)| name == on.name() && attribute.eq_ignore_ascii_case(path))
    };
    let all = on.all_attributes().flat_map(|attribute| {
        let refers = reference(attribute);
        let all = std::iter::once(attribute).chain(attribute.sub_attributes());
        all.map(move |target| (target, refers == Some(target)))
    });
    all.filter(|(target, _)| !target.is_complex() && target.path().as_str() != "id").filter_map(
        move |(target, refers)| {
            let unique = target.definition().uniqueness() != Uniqueness::None || own(target);
            let indexed = unique || refers || target.path().as_str() == "externalId";
            indexed.then(|| Indexed { target: target.clone(), unique })
        },
    )
}

fn index_key(target: &Target, value: &Value) -> String {
    match value {
        Value::String(text) => target.comparison().fold(text).into_owned(),
        value => value.to_string(),
    }
}

impl Table {
    /// Refuses a resource with a value that must be unique and that another row has.
    pub(super) fn check_unique(
        &self,
        on: &ResourceType,
        rules: &Rules,
        resource: &Map<String, Value>,
        own: Option<u64>,
    ) -> Result<()> {
        for Indexed { target, .. } in indexed(on, rules).filter(|indexed| indexed.unique) {
            let Some(index) = self.indexes.get(target.path().as_str()) else { continue };
            for value in target.values(resource) {
                let rows = index.get(&index_key(&target, value));
                if rows.is_some_and(|rows| rows.iter().any(|row| Some(*row) != own)) {
                    return Err(Error::uniqueness(target.path().as_str()));
                }
            }
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, on: &ResourceType, rules: &Rules, place: u64, row: Row) {
        for Indexed { target, .. } in indexed(on, rules) {
            for value in target.values(row.resource.as_map()) {
                let index = self.indexes.entry(target.path().as_str().to_owned()).or_default();
                index.entry(index_key(&target, value)).or_default().insert(place);
            }
        }
        self.on.get_or_insert_with(|| on.clone());
        self.rows.insert(place, row);
    }

    /// The rows that have a value in an indexed attribute.
    pub(super) fn rows_with(&self, target: &Target, value: &str) -> Vec<u64> {
        let index = self.indexes.get(target.path().as_str());
        let rows = index.and_then(|index| index.get(&*target.comparison().fold(value)));
        rows.into_iter().flatten().copied().collect()
    }

    /// The rows at some places, or all of them, in order.
    pub(super) fn rows_at(&self, places: Option<Vec<u64>>) -> Box<dyn Iterator<Item = (u64, &Row)> + '_> {
        match places {
            Some(places) => {
                Box::new(places.into_iter().filter_map(|place| Some((place, self.rows.get(&place)?))))
            }
            None => Box::new(self.rows.iter().map(|(place, row)| (*place, row))),
        }
    }

    pub(super) fn remove(&mut self, on: &ResourceType, rules: &Rules, place: u64) -> Option<Row> {
        let row = self.rows.remove(&place)?;
        for Indexed { target, .. } in indexed(on, rules) {
            let Some(index) = self.indexes.get_mut(target.path().as_str()) else { continue };
            for value in target.values(row.resource.as_map()) {
                let key = index_key(&target, value);
                if let Some(rows) = index.get_mut(&key) {
                    rows.remove(&place);
                    if rows.is_empty() {
                        index.remove(&key);
                    }
                }
            }
        }
        Some(row)
    }

    /// The rows that can match a filter, if an index tells; the filter must still be asked.
    pub(super) fn candidates(&self, filter: &Predicate) -> Option<Vec<u64>> {
        match filter {
            Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) } => {
                let index = self.indexes.get(target.path().as_str())?;
                Some(index.get(text.folded()).into_iter().flatten().copied().collect())
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
