//! The JSON of delta queries.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A page of a delta query.
#[derive(Deserialize)]
pub(super) struct DeltaPage<T> {
    pub(super) value: Vec<T>,
    /// The next page.
    #[serde(default, rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
    /// From where the next run reads.
    #[serde(default, rename = "@odata.deltaLink")]
    pub(super) delta_link: Option<String>,
}

/// A person who is new, has changed, or was removed.
#[derive(Deserialize)]
pub(super) struct DeltaUser {
    pub(super) id: String,
    #[serde(default, rename = "@removed")]
    pub(super) removed: Option<Value>,
    #[serde(flatten)]
    pub(super) fields: Map<String, Value>,
}

/// A group that is new, has changed, or was removed.
#[derive(Deserialize)]
pub(super) struct DeltaGroup {
    pub(super) id: String,
    #[serde(default, rename = "displayName")]
    pub(super) name: Option<String>,
    #[serde(default, rename = "@removed")]
    pub(super) removed: Option<Value>,
    /// Members that were added or removed: people, groups, devices and applications.
    #[serde(default, rename = "members@delta")]
    pub(super) members: Vec<DeltaMember>,
}

#[derive(Deserialize)]
pub(super) struct DeltaMember {
    pub(super) id: String,
    #[serde(default, rename = "@removed")]
    pub(super) removed: Option<Value>,
}
