//! Makes resources of rows.

use std::ops::Range;

use scim_core::schema::AttributeRef;
use scim_core::{ETag, Resource};
use serde_json::{Map, Value};

use crate::database::{DatabaseError, Row};
use crate::table_store::layout::{Layout, TimeColumn};
use crate::table_store::version::VersionHash;

/// A resource while it is read: its row is known, and its lists are added.
pub(crate) struct ReadResource {
    /// The key of the row as a text.
    pub(crate) key: String,
    attributes: Map<String, Value>,
    created: Option<String>,
    updated: Option<String>,
    /// The count of changes, if the table has one.
    version: Option<i64>,
    hash: VersionHash,
}

impl ReadResource {
    /// The resource in a row of the select list of the layout, without lists in other tables.
    pub(crate) fn new(layout: &Layout, row: Row<'_>) -> Result<Self, DatabaseError> {
        let missing = || DatabaseError::unexpected("a row has no key");
        let key = row.text(0).ok_or_else(missing)?.to_owned();
        let mut attributes = Map::new();
        let mut column = 1;
        for field in &layout.fields {
            if let Some(value) = field.codec.decode(row, column) {
                field.target.set(&mut attributes, value);
            }
            column += 1;
        }
        let mut next = |is_present: bool| {
            is_present.then(|| {
                column += 1;
                column - 1
            })
        };
        let created = next(layout.created.is_some()).and_then(|column| TimeColumn::decode(row, column));
        let updated = next(layout.updated.is_some()).and_then(|column| TimeColumn::decode(row, column));
        let version = next(layout.version.is_some()).map(|column| row.int(column).unwrap_or_default());
        next(layout.password.is_some());
        let rest = next(layout.rest.is_some()).and_then(|column| row.text(column));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            add_rest(layout, &mut attributes, rest)?;
        }
        for (attribute, value) in &layout.constants {
            attribute.set(&mut attributes, value.clone());
        }
        let mut hash = VersionHash::new();
        // A page has the sort value as well, which is no part of the resource.
        hash.add_cells(row, 1..layout.columns);
        Ok(Self { key, attributes, created, updated, version, hash })
    }

    /// Begins a list whose rows are part of the version.
    pub(crate) fn begin_list(&mut self) {
        self.hash.begin_list();
    }

    /// Adds cells of a row of a list to the version.
    pub(crate) fn add_cells(&mut self, row: Row<'_>, columns: Range<usize>) {
        self.hash.add_cells(row, columns);
    }

    /// Adds an element to a list.
    pub(crate) fn push(&mut self, list: &AttributeRef, element: Map<String, Value>) {
        match list.get_mut(&mut self.attributes).and_then(Value::as_array_mut) {
            Some(elements) => elements.push(Value::Object(element)),
            None => {
                list.set(&mut self.attributes, Value::Array(vec![Value::Object(element)]));
            }
        }
    }

    /// The version: the count of changes, or the hash.
    pub(crate) fn version(&self) -> ETag {
        match self.version {
            Some(version) => ETag::new(&version.to_string()),
            None => self.hash.finish(),
        }
    }

    /// The resource.
    pub(crate) fn into_resource(self, layout: &Layout) -> Resource {
        let version = self.version();
        let Self { key, mut attributes, created, updated, .. } = self;
        attributes.insert("id".to_owned(), Value::from(layout.codec.id(&key)));
        let mut meta = Map::new();
        if let Some(created) = created {
            meta.insert("created".to_owned(), Value::from(created));
        }
        if let Some(updated) = updated {
            meta.insert("lastModified".to_owned(), Value::from(updated));
        }
        meta.insert("version".to_owned(), Value::from(version.to_string()));
        attributes.insert("meta".to_owned(), Value::Object(meta));
        layout.resource_type.update_schemas(&mut attributes);
        Resource::new(attributes)
    }
}

/// Adds the attributes in the JSON of the rest.
fn add_rest(layout: &Layout, attributes: &mut Map<String, Value>, rest: &str) -> Result<(), DatabaseError> {
    let Some(column) = &layout.rest else { return Ok(()) };
    let parsed: Map<String, Value> =
        serde_json::from_str(rest).map_err(|error| DatabaseError::Unexpected(error.into()))?;
    for attribute in &column.attributes {
        if let Some(value) = attribute.get(&parsed) {
            attribute.set(attributes, value.clone());
        }
    }
    Ok(())
}
