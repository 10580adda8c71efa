//! Resources as they are read from their rows.

use chrono::{DateTime, SecondsFormat};
use scim_core::Resource;
use serde_json::{Map, Value};

use crate::database::Row;
use crate::store::error::StoreError;

/// The columns that [`parse_row`] needs, in their order.
pub(crate) const COLUMNS: &str = "r.place, r.id, r.version, r.created, r.modified, r.document";

/// A resource as it was read, without members and groups, and the place of its row.
pub(crate) struct StoredResource {
    pub(crate) place: i64,
    pub(crate) resource: Resource,
}

/// The resource in a row of [`COLUMNS`].
pub(crate) fn parse_row(row: Row<'_>) -> Result<StoredResource, StoreError> {
    let mut attributes: Map<String, Value> = serde_json::from_str(document(row)?)?;
    attributes.extend(id_and_meta(row)?);
    Ok(StoredResource { place: row.int(0).ok_or_else(missing)?, resource: Resource::new(attributes) })
}

/// The JSON of the attributes in a row of [`COLUMNS`], without those in [`id_and_meta`].
pub(crate) fn document(row: Row<'_>) -> Result<&str, StoreError> {
    row.text(5).ok_or_else(missing)
}

/// `id` and `meta` in a row of [`COLUMNS`].
pub(crate) fn id_and_meta(row: Row<'_>) -> Result<Map<String, Value>, StoreError> {
    let time = |column| {
        let time =
            DateTime::from_timestamp_millis(row.int(column).ok_or_else(missing)?).ok_or_else(missing)?;
        Ok::<_, StoreError>(Value::from(time.to_rfc3339_opts(SecondsFormat::Millis, true)))
    };
    let mut meta = Map::new();
    meta.insert("created".to_owned(), time(3)?);
    meta.insert("lastModified".to_owned(), time(4)?);
    meta.insert("version".to_owned(), Value::from(row.text(2).ok_or_else(missing)?));
    let mut attributes = Map::new();
    attributes.insert("id".to_owned(), Value::from(row.text(1).ok_or_else(missing)?));
    attributes.insert("meta".to_owned(), Value::Object(meta));
    Ok(attributes)
}

fn missing() -> StoreError {
    StoreError::internal("a column of a stored resource is NULL or has another type")
}

/// The version of a resource for the column `version`.
pub(crate) fn stored_version(resource: &Resource) -> Result<String, StoreError> {
    resource
        .text("meta.version")
        .map(str::to_owned)
        .ok_or_else(|| StoreError::internal("the resource has no meta.version"))
}

/// `meta.created` and `meta.lastModified` for the columns `created` and `modified`: milliseconds since 1970.
pub(crate) fn stored_times(resource: &Resource) -> Result<[i64; 2], StoreError> {
    let times = resource.created().zip(resource.last_modified());
    let (created, modified) =
        times.ok_or_else(|| StoreError::internal("the resource has no meta.created or meta.lastModified"))?;
    Ok([created.timestamp_millis(), modified.timestamp_millis()])
}
