//! The positions that cursors hold: between which two resources a page begins or ends.

use scim_core::schema::ScimType;
use scim_core::{Error, Position};
use scim_sql::Bind;
use serde_json::{Value, json};

use crate::database::Row;
use crate::error::Fault;

/// The position before a row. Resources that are created or deleted elsewhere do not move it, and it stays
/// valid if the row itself is deleted.
pub(super) struct PagePosition {
    /// The sort value of the row.
    pub(super) key: Option<Bind>,
    /// The value that decides between rows with equal sort values.
    pub(super) tiebreaker: Bind,
    /// Whether the list is too long to be counted, so that later pages do not try again.
    pub(super) is_long: bool,
}

/// The position before a row of a page's statement.
pub(super) fn position_before(row: Row<'_>, by_place: bool, is_long: bool) -> Position {
    let tiebreaker = if by_place { json!(row.int(0)) } else { json!(row.text(1)) };
    Position(json!([row.last(), tiebreaker, is_long]).to_string().into_bytes())
}

impl PagePosition {
    pub(super) fn parse(position: &Position) -> Result<Self, Fault> {
        let bind = |value: Value| match value {
            Value::String(text) => Some(Bind::Text(text)),
            Value::Number(number) => number.as_i64().map(Bind::Integer),
            Value::Bool(flag) => Some(Bind::Boolean(flag)),
            _ => None,
        };
        let parts: Option<(Value, Value, bool)> = serde_json::from_slice(&position.0).ok();
        let parts = parts.and_then(|(key, tiebreaker, is_long)| {
            Some(Self { key: bind(key), tiebreaker: bind(tiebreaker)?, is_long })
        });
        parts.ok_or_else(|| {
            Fault::Refused(Error::from_scim_type(
                ScimType::InvalidCursor,
                "the cursor does not belong to this query",
            ))
        })
    }
}
