//! Resources as rows, and rows as resources.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat};
use scim_core::schema::{Projection, Target};
use scim_core::{Error, Resource, Result};
use serde_json::{Map, Value, json};

use crate::fault::Fault;
use crate::rows::Row;
use crate::tables::{Home, Tables, home, key_name, leaves, value_column};

/// The longest text in a column that has an index: PostgreSQL's end at 2,704 bytes in all.
const MAX_INDEXED: usize = 1_500;

/// What the tables `resource`, `value` and `unique_value` hold of a resource besides id, times and version.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) unique_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) keys: String,
    pub(crate) document: String,
    pub(crate) values: BTreeSet<Element>,
    /// Attributes, and values of theirs that no other resource may have.
    pub(crate) unique: BTreeSet<(String, String)>,
}

/// A row of `value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Element {
    pub(crate) attribute: String,
    pub(crate) number: usize,
    columns: [Option<String>; 3],
    keys: String,
}

impl Element {
    /// As an element of the array that a statement inserts from.
    pub(crate) fn to_json(&self) -> Value {
        let [value, kind, main] = &self.columns;
        json!([self.attribute, self.number, value, kind, main, self.keys])
    }

    pub(crate) fn value(&self) -> Option<&str> {
        self.columns[0].as_deref()
    }
}

impl Record {
    pub(crate) fn new(tables: &Tables, resource: &Resource) -> Result<Self> {
        let map = resource.as_map();
        let mut record = Self {
            unique_name: None,
            external_id: None,
            display: None,
            active: None,
            keys: String::new(),
            document: String::new(),
            values: BTreeSet::new(),
            unique: BTreeSet::new(),
        };
        let mut keys = Map::new();
        for target in tables.on.all_attributes() {
            let Some(value) = target.get(map) else { continue };
            if has_nul(value) {
                let path = target.path().as_str();
                return Err(Error::invalid_value(path, "the character U+0000 cannot be stored"));
            }
            if tables.is_unique(target) {
                record.unique_name = Some(indexed(target, value)?);
            }
            match home(target) {
                Home::Promoted => match target.path().as_str() {
                    "externalId" => record.external_id = Some(indexed(target, value)?),
                    "displayName" => record.display = Some(indexed(target, value)?),
                    "active" => record.active = value.as_bool(),
                    _ => {}
                },
                Home::Keys => {
                    for leaf in leaves(target) {
                        let found = leaf.values(map).next().and_then(|v| scim_sql::key(leaf.comparison(), v));
                        if let Some(key) = found {
                            keys.insert(key_name(leaf).to_owned(), Value::from(key));
                        }
                    }
                }
                Home::Rows => {
                    let elements = match value {
                        Value::Array(list) => list.as_slice(),
                        one => std::slice::from_ref(one),
                    };
                    for (number, element) in elements.iter().enumerate() {
                        record.values.insert(row_of(target, number, element)?);
                    }
                }
            }
        }
        for target in &tables.also_unique {
            for value in target.values(map) {
                record.unique.insert((target.path().as_str().to_owned(), indexed(target, value)?));
            }
        }
        record.keys = Value::Object(keys).to_string();
        let mut document = map.clone();
        let apart = tables.members.iter().chain(&tables.groups).map(|target| target.attribute().name());
        for name in apart.chain(["id", "meta"]) {
            document.remove(name);
        }
        record.document = Value::Object(document).to_string();
        Ok(record)
    }

    /// All texts of one column of the search index.
    pub(crate) fn searched(&self) -> String {
        let values: Vec<&str> = self.values.iter().filter_map(Element::value).collect();
        values.join("\n")
    }
}

/// The key of a value in a column with an index.
fn indexed(target: &Target, value: &Value) -> Result<String> {
    let key = scim_sql::key(target.comparison(), value).unwrap_or_default();
    if key.len() > MAX_INDEXED {
        let reason = format!("it is longer than {MAX_INDEXED} bytes");
        return Err(Error::invalid_value(target.path().as_str(), &reason));
    }
    Ok(key)
}

fn row_of(target: &Target, number: usize, element: &Value) -> Result<Element> {
    let mut columns = [None, None, None];
    let mut keys = Map::new();
    for leaf in leaves(target) {
        let value = match leaf.sub() {
            Some(sub) => element.get(sub.name()),
            None => Some(element),
        };
        let Some(value) = value else { continue };
        let [column, kind, main] = &mut columns;
        match value_column(leaf) {
            Some("value") => *column = Some(indexed(leaf, value)?),
            Some("type") => *kind = Some(indexed(leaf, value)?),
            Some(_) => *main = scim_sql::key(leaf.comparison(), value),
            None => {
                if let Some(key) = scim_sql::key(leaf.comparison(), value) {
                    keys.insert(key_name(leaf).to_owned(), Value::from(key));
                }
            }
        }
    }
    let (attribute, keys) = (target.path().as_str().to_owned(), Value::Object(keys).to_string());
    Ok(Element { attribute, number, columns, keys })
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(object) => object.values().any(has_nul),
        _ => false,
    }
}

/// The columns from which [`resource`] reads.
pub(crate) const COLUMNS: &str = "r.place, r.id, r.version, r.created, r.modified, r.document";

/// A resource as it was read.
pub(crate) struct Stored {
    pub(crate) place: i64,
    pub(crate) resource: Resource,
}

/// The resource in a row of [`COLUMNS`].
pub(crate) fn resource(row: Row<'_>) -> Result<Stored, Fault> {
    let lacks = || Fault::broken("a row of a resource lacks a column");
    let mut document: Map<String, Value> = serde_json::from_str(row.text(5).ok_or_else(lacks)?)?;
    let time = |column| {
        let time = DateTime::from_timestamp_millis(row.int(column).ok_or_else(lacks)?).ok_or_else(lacks)?;
        Ok::<_, Fault>(Value::from(time.to_rfc3339_opts(SecondsFormat::Millis, true)))
    };
    let mut meta = Map::new();
    meta.insert("created".to_owned(), time(3)?);
    meta.insert("lastModified".to_owned(), time(4)?);
    meta.insert("version".to_owned(), Value::from(row.text(2).ok_or_else(lacks)?));
    document.insert("id".to_owned(), Value::from(row.text(1).ok_or_else(lacks)?));
    document.insert("meta".to_owned(), Value::Object(meta));
    Ok(Stored { place: row.int(0).ok_or_else(lacks)?, resource: Resource::new(document) })
}

/// `meta.version` as it is stored.
pub(crate) fn version(resource: &Resource) -> Result<String, Fault> {
    resource.text("meta.version").map(str::to_owned).ok_or_else(|| Fault::broken("a resource has no version"))
}

/// `meta.created` and `meta.lastModified` as they are stored.
pub(crate) fn times(resource: &Resource) -> Result<[i64; 2], Fault> {
    let times = resource.created().zip(resource.last_modified());
    let (created, modified) = times.ok_or_else(|| Fault::broken("a resource has no times"))?;
    Ok([created.timestamp_millis(), modified.timestamp_millis()])
}

/// Whether the list that is kept apart is to be shown.
pub(crate) fn shown<'a>(list: &'a Option<Target>, projection: &Projection) -> Option<&'a Target> {
    list.as_ref().filter(|target| projection.shows(target))
}
