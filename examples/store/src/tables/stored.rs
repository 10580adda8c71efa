//! Resources as they were read.

use chrono::{DateTime, SecondsFormat};
use scim_core::Resource;
use serde_json::{Map, Value};

use crate::database::Row;
use crate::error::Fault;

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
