//! A request in the table.

use chrono::{DateTime, Utc};
use scim_store::{Param, Row};

use super::content::Content;
use super::message::FinishedEntry;
use super::options::LogOptions;

/// The columns of the table of requests besides `position` and `content`, in the order of [`LoggedRequest`].
pub(super) const COLUMNS: [&str; 17] = [
    "time",
    "request_id",
    "tenant",
    "client",
    "address",
    "method",
    "path",
    "operation",
    "resource_type",
    "resource_id",
    "name",
    "name_key",
    "status",
    "microseconds",
    "quirks",
    "scim_type",
    "detail",
];

/// A request that was recorded. A text is empty if it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoggedRequest {
    /// Its place in the order of the log.
    pub(crate) position: i64,
    /// When it came.
    pub(crate) time: DateTime<Utc>,
    pub(crate) request_id: String,
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) address: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) operation: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    /// The `userName` or `displayName` of the resource.
    pub(crate) name: Option<String>,
    pub(crate) status: u16,
    pub(crate) microseconds: i64,
    /// The names of the quirks that were tolerated.
    pub(crate) quirks: Vec<String>,
    pub(crate) scim_type: String,
    pub(crate) detail: String,
}

impl LoggedRequest {
    /// The request in a row with `position` and [`COLUMNS`].
    pub(super) fn from_row(row: Row<'_>) -> Self {
        let text = |column| row.text(column).unwrap_or_default().to_owned();
        let int = |column| row.int(column).unwrap_or_default();
        Self {
            position: int(0),
            time: DateTime::from_timestamp_millis(int(1)).unwrap_or_default(),
            request_id: text(2),
            tenant: text(3),
            client: text(4),
            address: text(5),
            method: text(6),
            path: text(7),
            operation: text(8),
            resource_type: text(9),
            resource_id: text(10),
            name: row.text(11).map(str::to_owned),
            status: u16::try_from(int(13)).unwrap_or_default(),
            microseconds: int(14),
            quirks: text(15).split(',').filter(|quirk| !quirk.is_empty()).map(str::to_owned).collect(),
            scim_type: text(16),
            detail: text(17),
        }
    }
}

/// The values of [`COLUMNS`] and `content` for a request that has been answered.
pub(super) fn params(finished: &FinishedEntry, options: &LogOptions) -> Vec<Param> {
    let FinishedEntry { entry, status, time } = finished;
    let content = Content::of(entry, options);
    let name = entry.name.clone().filter(|_| options.names).or(content.name);
    let detail = match content.compares_secret && !entry.detail.is_empty() {
        true => "(left out, since the request compares with a value that is never shown)",
        false => entry.detail.as_str(),
    };
    let lines = match content.lines.is_empty() {
        true => None,
        // A list of texts is always JSON.
        false => serde_json::to_string(&content.lines).ok(),
    };
    vec![
        Param::from(entry.time.timestamp_millis()),
        Param::from(entry.id.as_str()),
        Param::from(entry.tenant.as_str()),
        Param::from(entry.client.as_str()),
        Param::from(entry.address.map(|address| address.to_string()).unwrap_or_default()),
        Param::from(entry.method.as_str()),
        Param::from(entry.path.as_str()),
        Param::from(entry.operation),
        Param::from(entry.resource_type.as_str()),
        Param::from(entry.resource_id.as_str()),
        Param::from(name.clone()),
        Param::from(name.map(|name| name_key(&name))),
        Param::from(i64::from(status.as_u16())),
        Param::from(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)),
        Param::from(entry.quirks.join(",")),
        Param::from(entry.scim_type),
        Param::from(detail),
        Param::from(lines),
    ]
}

/// The form in which names are compared.
pub(super) fn name_key(name: &str) -> String {
    name.to_lowercase()
}
