//! What the tables hold of a resource.

use std::collections::BTreeSet;

use scim_core::schema::AttributeRef;
use scim_core::{Error, Resource, Result};
use serde_json::{Map, Value, json};

use super::Tables;
use super::placement::{Placement, key_name, leaves, placement, value_column};

/// The longest text in a column that has an index: PostgreSQL's end at 2,704 bytes in all.
const MAX_INDEXED: usize = 1_500;

/// What the tables `resource`, `value` and `unique_value` hold of a resource besides id, times and version.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ResourceRows {
    pub(crate) unique_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) keys: String,
    pub(crate) document: String,
    pub(crate) values: BTreeSet<ValueRow>,
    /// Attributes and their values, for which no other resource may have the same.
    pub(crate) unique: BTreeSet<(String, String)>,
}

/// A row of `value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ValueRow {
    pub(crate) attribute: String,
    pub(crate) number: usize,
    columns: [Option<String>; 3],
    keys: String,
}

impl ValueRow {
    /// The row as an element of the array that a statement inserts from.
    pub(crate) fn to_json(&self) -> Value {
        let [value, kind, main] = &self.columns;
        json!([self.attribute, self.number, value, kind, main, self.keys])
    }

    pub(crate) fn value(&self) -> Option<&str> {
        self.columns[0].as_deref()
    }
}

impl ResourceRows {
    pub(crate) fn new(tables: &Tables, resource: &Resource) -> Result<Self> {
        let map = resource.as_map();
        let mut rows = Self::default();
        let mut keys = Map::new();
        for target in tables.on.all_attributes() {
            let Some(value) = target.get(map) else { continue };
            if has_nul(value) {
                let path = target.path().as_str();
                return Err(Error::invalid_value(path, "the character U+0000 cannot be stored"));
            }
            if tables.is_unique(target) {
                rows.unique_name = Some(indexed(target, value)?);
            }
            match placement(target) {
                Placement::Promoted => rows.promote(target, value)?,
                Placement::Keys => keys.extend(leaves(target).filter_map(|leaf| {
                    let key = scim_sql::sortable_key(leaf.comparison(), leaf.values(map).next()?)?;
                    Some((key_name(leaf).to_owned(), Value::from(key)))
                })),
                Placement::Rows => {
                    let elements = match value {
                        Value::Array(list) => list.as_slice(),
                        single => std::slice::from_ref(single),
                    };
                    for (number, element) in elements.iter().enumerate() {
                        rows.values.insert(value_row(target, number, element)?);
                    }
                }
            }
        }
        for target in &tables.also_unique {
            for value in target.values(map) {
                rows.unique.insert((target.path().as_str().to_owned(), indexed(target, value)?));
            }
        }
        rows.keys = Value::Object(keys).to_string();
        rows.document = document(tables, map);
        Ok(rows)
    }

    /// Puts an attribute into its own column, if it has one.
    fn promote(&mut self, target: &AttributeRef, value: &Value) -> Result<()> {
        match target.path().as_str() {
            "externalId" => self.external_id = Some(indexed(target, value)?),
            "displayName" => self.display = Some(indexed(target, value)?),
            "active" => self.active = value.as_bool(),
            _ => {}
        }
        Ok(())
    }

    /// All texts of one column of the search index.
    pub(crate) fn searched(&self) -> String {
        let values: Vec<&str> = self.values.iter().filter_map(ValueRow::value).collect();
        values.join("\n")
    }
}

/// The document of a resource: without members, groups, id and meta, which have rows or columns of their own.
fn document(tables: &Tables, map: &Map<String, Value>) -> String {
    let mut document = map.clone();
    let apart = tables.members.iter().chain(&tables.groups).map(|target| target.attribute().name());
    for name in apart.chain(["id", "meta"]) {
        document.remove(name);
    }
    Value::Object(document).to_string()
}

/// The key of a value in a column with an index.
fn indexed(target: &AttributeRef, value: &Value) -> Result<String> {
    let key = scim_sql::sortable_key(target.comparison(), value).unwrap_or_default();
    if key.len() > MAX_INDEXED {
        let reason = format!("it is longer than {MAX_INDEXED} bytes");
        return Err(Error::invalid_value(target.path().as_str(), &reason));
    }
    Ok(key)
}

fn value_row(target: &AttributeRef, number: usize, element: &Value) -> Result<ValueRow> {
    let mut columns = [None, None, None];
    let mut keys = Map::new();
    for leaf in leaves(target) {
        let value = match leaf.sub_attribute_definition() {
            Some(sub) => element.get(sub.name()),
            None => Some(element),
        };
        let Some(value) = value else { continue };
        let [column, kind, main] = &mut columns;
        match value_column(leaf) {
            Some("value") => *column = Some(indexed(leaf, value)?),
            Some("type") => *kind = Some(indexed(leaf, value)?),
            Some(_) => *main = scim_sql::sortable_key(leaf.comparison(), value),
            None => {
                if let Some(key) = scim_sql::sortable_key(leaf.comparison(), value) {
                    keys.insert(key_name(leaf).to_owned(), Value::from(key));
                }
            }
        }
    }
    let (attribute, keys) = (target.path().as_str().to_owned(), Value::Object(keys).to_string());
    Ok(ValueRow { attribute, number, columns, keys })
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(object) => object.values().any(has_nul),
        _ => false,
    }
}
