//! Pages of lists: the positions between two resources, and what a page tells about its neighbors and its total.

use scim_core::schema::ScimType;
use scim_core::{Error, Page, Position, Query, Result, Window};
use scim_sql::{BindValue, PageSide};
use serde_json::{Value, json};

use crate::database::{Row, Rows};

/// A client that pages by cursor gets no total for a list of this many resources or more. Counting more would
/// cost more than reading the page.
const MAX_COUNTED: u64 = 1_000;

/// The position before a row, by the row's values. Resources that are created or deleted elsewhere in the list do
/// not move it, and it stays valid if the row itself is deleted. Cursors contain it.
pub(crate) struct PagePosition {
    /// The sort value of the row; `None` for NULL, and if the list is not sorted by an attribute.
    pub(crate) sort_value: Option<BindValue>,
    /// The value that orders rows with equal sort values.
    pub(crate) tiebreaker: BindValue,
    /// Whether an earlier page found the list too long to be counted, so that this page does not try again.
    is_long: bool,
}

impl PagePosition {
    pub(crate) fn parse(position: &Position) -> Result<Self> {
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
            Error::from_scim_type(
                ScimType::InvalidCursor,
                "the cursor does not belong to this query; request the first page again",
            )
        })
    }
}

/// The window of a page, and the largest number of its resources.
#[derive(Clone)]
pub(crate) struct PageWindow {
    window: Window,
    max: usize,
    /// Whether an earlier page found the list too long to be counted.
    is_long: bool,
}

impl PageWindow {
    /// The window of a query.
    ///
    /// # Errors
    ///
    /// `invalidCursor` if its position was not made by this crate.
    pub(crate) fn new(query: &Query) -> Result<Self> {
        let is_long = match &query.window {
            Window::After(position) | Window::Before(position) => PagePosition::parse(position)?.is_long,
            _ => false,
        };
        Ok(Self { window: query.window.clone(), max: query.count, is_long })
    }

    /// The largest number of resources on the page.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Whether the page may tell the total, so that it must be read from the same state of the database.
    pub(crate) fn may_count(&self) -> bool {
        !self.is_long
    }

    /// How far the list must be counted if this many rows were read, one more than the page has if there are more;
    /// `None` if the total is known, or not told.
    pub(crate) fn count_limit(&self, rows: usize) -> Option<i64> {
        let has_more = rows > self.max;
        match &self.window {
            _ if self.max == 0 => Some(i64::MAX),
            // If this is the last page, its position tells the total, unless it is beyond the end.
            Window::Start(start) => (has_more || rows == 0 && *start > 1).then_some(i64::MAX),
            Window::First => has_more.then_some(MAX_COUNTED.cast_signed()),
            Window::After(_) | Window::Before(_) => (!self.is_long).then_some(MAX_COUNTED.cast_signed()),
        }
    }

    /// The page of these rows, without its resources. `counted` is the number that [`count_limit`](Self::count_limit)
    /// asked for; `tiebreaker` returns that value of a row. The sort value is in the last column.
    pub(crate) fn page(
        &self,
        rows: &Rows,
        side: PageSide,
        counted: Option<u64>,
        tiebreaker: impl Fn(Row<'_>) -> Value,
    ) -> Page {
        if self.max == 0 {
            return Page { total: counted, ..Page::default() };
        }
        let has_more = rows.len() > self.max;
        let page_len = rows.len().min(self.max);
        // A page that ends at a position is read backwards, so its first resource is the last row.
        let first = if side == PageSide::Before { page_len.checked_sub(1) } else { Some(0) };
        let total = match &self.window {
            Window::Start(start) => counted.or(Some(start.saturating_sub(1) + rows.len() as u64)),
            Window::First if !has_more => Some(rows.len() as u64),
            _ => counted.filter(|total| *total < MAX_COUNTED),
        };
        let is_long = total.is_none();
        let before = |index: Option<usize>| -> Option<Position> {
            let row = rows.get(index?)?;
            Some(Position(json!([row.last(), tiebreaker(row), is_long]).to_string().into_bytes()))
        };
        let (previous, next) = match &self.window {
            Window::Start(_) => (None, None),
            Window::First => (None, before(Some(page_len))),
            Window::After(_) => (before(first), before(Some(page_len))),
            Window::Before(position) => (before(first.filter(|_| has_more)), Some(position.clone())),
        };
        Page { total, next, previous, ..Page::default() }
    }

    /// The rows that the statement of the page skips.
    pub(crate) fn skipped(&self) -> i64 {
        match self.window {
            Window::Start(start) => i64::try_from(start.saturating_sub(1)).unwrap_or(i64::MAX),
            _ => 0,
        }
    }

    /// The largest number of rows that the statement of the page reads: one more than the page has, to find out whether
    /// there is another page.
    pub(crate) fn limit(&self) -> i64 {
        i64::try_from(self.max).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The side of the position on which the page is, and the position.
    pub(crate) fn side(&self) -> (PageSide, Option<&Position>) {
        match &self.window {
            Window::After(position) => (PageSide::From, Some(position)),
            Window::Before(position) => (PageSide::Before, Some(position)),
            _ => (PageSide::From, None),
        }
    }

    /// Whether the rows of the page are read backwards.
    pub(crate) fn is_backwards(&self) -> bool {
        matches!(self.window, Window::Before(_))
    }
}
