//! The content of the rows that store a resource.

use std::collections::BTreeSet;

use scim_core::schema::AttributeRef;
use scim_core::{Error, Resource, Result};
use serde_json::{Map, Value, json};

use super::TypeLayout;
use super::placement::{Placement, key_name, leaves, placement, value_column};

/// The longest text in a column that has an index, in bytes. An index entry of PostgreSQL has at most 2,704 bytes in
/// all columns.
const MAX_INDEXED: usize = 1_500;

/// The content of the tables `resource`, `value` and `unique_value` for a resource, without id, times and version.
/// Comparing two of them tells which rows a change has to write.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ResourceRows {
    pub(crate) unique_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) keys: String,
    pub(crate) document: String,
    pub(crate) values: BTreeSet<ValueRow>,
    /// The rows of `unique_value`: the path of an attribute, and a value that no other resource may have.
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
    /// The row as a JSON array, for a statement that inserts all rows of a JSON array of such arrays.
    pub(crate) fn to_json(&self) -> Value {
        let [value, kind, main] = &self.columns;
        json!([self.attribute, self.number, value, kind, main, self.keys])
    }

    pub(crate) fn value(&self) -> Option<&str> {
        self.columns[0].as_deref()
    }
}

impl ResourceRows {
    /// The rows for a resource.
    ///
    /// # Errors
    ///
    /// If a value is too long for its column, or contains U+0000.
    pub(crate) fn new(layout: &TypeLayout, resource: &Resource) -> Result<Self> {
        let map = resource.as_map();
        let mut rows = Self::default();
        let mut keys = Map::new();
        for target in layout.resource_type.all_attributes() {
            let Some(value) = target.get(map) else { continue };
            if has_nul(value) {
                let path = target.path().as_str();
                return Err(Error::invalid_value(
                    path,
                    "the value contains the character U+0000, which cannot be stored",
                ));
            }
            if layout.is_unique_name(target) {
                rows.unique_name = Some(indexed(target, value)?);
            }
            match placement(target) {
                Placement::Dedicated => rows.set_dedicated_column(target, value)?,
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
        for target in &layout.also_unique {
            for value in target.values(map) {
                rows.unique.insert((target.path().as_str().to_owned(), indexed(target, value)?));
            }
        }
        rows.keys = Value::Object(keys).to_string();
        rows.document = document(layout, map);
        Ok(rows)
    }

    /// Sets the column of an attribute. Does nothing for those that are not stored here: id, times, version, members
    /// and groups.
    fn set_dedicated_column(&mut self, target: &AttributeRef, value: &Value) -> Result<()> {
        match target.path().as_str() {
            "externalId" => self.external_id = Some(indexed(target, value)?),
            "displayName" => self.display = Some(indexed(target, value)?),
            "active" => self.active = value.as_bool(),
            _ => {}
        }
        Ok(())
    }

    /// The text in the column `value` of the search index: all values, one on each line.
    pub(crate) fn search_text(&self) -> String {
        let values: Vec<&str> = self.values.iter().filter_map(ValueRow::value).collect();
        values.join("\n")
    }
}

/// The document of a resource: all attributes but members, groups, id and meta, which are stored elsewhere.
fn document(layout: &TypeLayout, map: &Map<String, Value>) -> String {
    let mut document = map.clone();
    let lists = layout.members.iter().chain(&layout.groups).map(|target| target.attribute().name());
    for name in lists.chain(["id", "meta"]) {
        document.remove(name);
    }
    Value::Object(document).to_string()
}

/// The key of a value, for a column that has an index.
fn indexed(target: &AttributeRef, value: &Value) -> Result<String> {
    let key = scim_sql::sortable_key(target.comparison(), value).unwrap_or_default();
    if key.len() > MAX_INDEXED {
        let reason = format!("the value is longer than {MAX_INDEXED} bytes of UTF-8");
        return Err(Error::invalid_value(target.path().as_str(), &reason));
    }
    Ok(key)
}

/// The row of `value` for the element of an attribute with this number.
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
