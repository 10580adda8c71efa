//! A row of a file.

use csv::ByteRecord;
use scim_core::schema::AttributeRef;
use serde_json::{Map, Value};

/// A row: what one resource must have.
#[derive(Debug)]
pub(super) struct Row {
    /// Counted from 1, without the first row of a CSV file.
    pub(super) number: u64,
    /// The line of the file on which it begins, counted from 1.
    pub(super) line: u64,
    /// The value of the attribute by which the resource is found, and its form for comparisons.
    pub(super) key: String,
    pub(super) folded_key: String,
    pub(super) content: Content,
    pub(super) raw: Raw,
    /// What a person should know about it, although it is imported.
    pub(super) warning: Option<&'static str>,
}

/// The values of a row.
#[derive(Debug)]
pub(super) enum Content {
    /// A value for each imported column.
    Cells(Vec<Option<Value>>),
    /// A resource in canonical form, and the attributes that it says have no value.
    Resource(Map<String, Value>, Vec<AttributeRef>),
}

/// A row as it is in the file, for the file with the errors.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Cells(ByteRecord),
    Json(String),
    /// The beginning of a line that is too long, or not in UTF-8.
    Text(String),
}

impl Raw {
    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Cells(record) => record.as_slice().len(),
            Self::Json(text) | Self::Text(text) => text.len(),
        }
    }
}

/// A row that cannot be imported.
#[derive(Debug)]
pub(super) struct BadRow {
    pub(super) number: u64,
    pub(super) line: u64,
    /// The value of the key, if it has one.
    pub(super) key: String,
    pub(super) reason: String,
    pub(super) raw: Raw,
}
