//! The resources of one type in one tenant, with indexes for equality filters and unique values.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use scim_schema::{AttributeRef, ResourceType, Uniqueness};

use super::members::Members;
use super::rules::Rules;
use crate::related_attributes::reference_value;
use crate::{Error, Resource, Result};

/// One resource.
pub(super) struct Row {
    /// The id of the resource, repeated here so that lookups need not search the JSON object.
    pub(super) id: String,
    /// The resource without its members and without values that are derived from other resources.
    pub(super) resource: Resource,
    pub(super) members: Members,
    pub(super) password_hash: Option<String>,
}

/// The rows of one resource type, by their numbers. That is the order of creation, in which queries return resources
/// unless they are sorted.
pub(super) struct Table {
    pub(super) resource_type: ResourceType,
    pub(super) rows: BTreeMap<u64, Row>,
    indexes: Vec<Index>,
}

/// The rows that have a value in an attribute, by that value.
struct Index {
    attribute: AttributeRef,
    unique: bool,
    rows: HashMap<String, BTreeSet<u64>>,
}

/// The attributes by whose values identity providers look up resources, beside those that must be unique.
const LOOKED_UP: [&str; 3] = ["externalId", "displayName", "emails.value"];

/// Creates the indexes of a resource type: of attributes that must be unique, of those that identity providers look up,
/// and of references.
fn indexes<'a>(resource_type: &'a ResourceType, rules: &'a Rules) -> impl Iterator<Item = Index> + 'a {
    let is_unique_by_rule = |attribute: &AttributeRef| {
        let path = attribute.path().as_str();
        rules
            .unique
            .iter()
            .any(|(name, unique)| name == resource_type.name() && unique.eq_ignore_ascii_case(path))
    };
    let all = resource_type.all_attributes().flat_map(|attribute| {
        let reference = reference_value(attribute);
        attribute.self_and_sub_attributes().map(move |part| (part, reference == Some(part)))
    });
    all.filter(|(attribute, _)| !attribute.is_complex() && attribute.path().as_str() != "id").filter_map(
        move |(attribute, is_reference)| {
            let unique =
                attribute.definition().uniqueness() != Uniqueness::None || is_unique_by_rule(attribute);
            let indexed = unique || is_reference || LOOKED_UP.contains(&attribute.path().as_str());
            indexed.then(|| Index { attribute: attribute.clone(), unique, rows: HashMap::new() })
        },
    )
}

impl Index {
    /// The values of a resource, folded so that values that are equal to a filter have the same key.
    fn keys<'a>(&'a self, resource: &'a Resource) -> impl Iterator<Item = Cow<'a, str>> {
        self.attribute.values(resource.as_map()).map(|value| self.attribute.comparison().equality_key(value))
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

    fn index(&self, attribute: &AttributeRef) -> Option<&Index> {
        self.indexes.iter().find(|index| index.attribute.path() == attribute.path())
    }

    /// Refuses a resource that has a unique value of another row. `except` is the row of the resource itself.
    ///
    /// # Errors
    ///
    /// 409 `uniqueness`.
    pub(super) fn check_unique(&self, resource: &Resource, except: Option<u64>) -> Result<()> {
        for index in self.indexes.iter().filter(|index| index.unique) {
            let other = |key: Cow<'_, str>| index.rows.get(&*key)?.iter().find(|row| Some(**row) != except);
            if index.keys(resource).any(|key| other(key).is_some()) {
                return Err(Error::uniqueness(index.attribute.path().as_str()));
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

    /// Updates the resource of a row, and the indexes.
    pub(super) fn update(&mut self, number: u64, update: impl FnOnce(&mut Resource)) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        let before: Vec<_> = self.indexes.iter().map(|index| index.owned_keys(&row.resource)).collect();
        update(&mut row.resource);
        for (index, before) in self.indexes.iter_mut().zip(before) {
            // Most updates do not touch an indexed value, so comparing the keys is cheaper than inserting them.
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

    /// The rows that have a value with this key in an attribute; `None` if the attribute has no index.
    pub(super) fn rows_with_key(
        &self,
        attribute: &AttributeRef,
        key: &str,
    ) -> Option<Cow<'_, BTreeSet<u64>>> {
        let rows = self.index(attribute)?.rows.get(key);
        Some(rows.map_or_else(Cow::default, Cow::Borrowed))
    }

    /// The rows that have this value in an indexed attribute.
    pub(super) fn rows_with(&self, attribute: &AttributeRef, value: &str) -> Vec<u64> {
        let rows = self.rows_with_key(attribute, &attribute.comparison().fold(value));
        rows.iter().flat_map(|rows| rows.iter()).copied().collect()
    }
}
