//! Positions between two resources of a list, where a page begins or ends. Cursors contain them.

use scim_core::schema::ScimType;
use scim_core::{Error, Position};
use scim_sql::BindValue;
use serde_json::{Value, json};

use crate::database::Row;
use crate::store::error::StoreError;

/// The position before a row, by the row's values. Resources that are created or deleted elsewhere in the list do
/// not move it, and it stays valid if the row itself is deleted.
pub(super) struct PagePosition {
    /// The sort value of the row; `None` for NULL, and if the list is in the order of creation.
    pub(super) sort_value: Option<BindValue>,
    /// The value that orders rows with equal sort values: the id, or `place` in the order of creation.
    pub(super) tiebreaker: BindValue,
    /// Whether an earlier page found the list too long to be counted, so that this page does not try again.
    pub(super) is_long: bool,
}

/// The position before a row that [`QuerySql::page`](super::query_sql::QuerySql::page) selected.
pub(super) fn position_before(row: Row<'_>, by_place: bool, is_long: bool) -> Position {
    let tiebreaker = if by_place { json!(row.int(0)) } else { json!(row.text(1)) };
    Position(json!([row.last(), tiebreaker, is_long]).to_string().into_bytes())
}

impl PagePosition {
    pub(super) fn parse(position: &Position) -> Result<Self, StoreError> {
        let bind_value = |value: Value| match value {
            Value::String(text) => Some(BindValue::Text(text)),
            Value::Number(number) => number.as_i64().map(BindValue::Integer),
            Value::Bool(flag) => Some(BindValue::Boolean(flag)),
            _ => None,
        };
        let parts: Option<(Value, Value, bool)> = serde_json::from_slice(&position.0).ok();
        let position = parts.and_then(|(sort_value, tiebreaker, is_long)| {
            Some(Self { sort_value: bind_value(sort_value), tiebreaker: bind_value(tiebreaker)?, is_long })
        });
        position.ok_or_else(|| {
            StoreError::Refused(Error::from_scim_type(
                ScimType::InvalidCursor,
                "the cursor does not belong to this query; request the first page again",
            ))
        })
    }
}
