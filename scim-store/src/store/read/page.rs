//! Reads a page of a list.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Page, Position, Query, Window};
use scim_sql::{Dialect, PageSide};

use super::found::{FoundRows, transaction_mode};
use super::position::{PagePosition, position_before};
use super::query_sql::{Matching, QuerySql};
use crate::database::{Mode, Param, run_blocking};
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::{TypeLayout, tenant_of};

/// A client that pages by cursor gets no total for a list of this many resources or more. Counting more would
/// cost more than reading the page.
const MAX_COUNTED: i64 = 1_000;

/// Reads a page of the resources of the type that the request is about.
pub(crate) async fn page(
    setup: &Setup,
    cx: &Context<'_>,
    layout: Arc<TypeLayout>,
    query: &Query,
) -> Result<Page, StoreError> {
    let sql = QuerySql::new(setup, cx, &layout, query)?;
    let read = Box::new(PageRead {
        statement: sql.page(query)?,
        tenant: tenant_of(cx)?,
        layout: layout.clone(),
        projection: query.projection.clone(),
        window: query.window.clone(),
        max: query.count,
        by_place: sql.by_place,
        matching: sql.into_matching(),
    });
    let is_counted = match &query.window {
        Window::Start(_) | Window::First => true,
        Window::After(position) | Window::Before(position) => !PagePosition::parse(position)?.is_long,
    };
    // The page and its total must come from the same state of the database, so from one transaction.
    let mode = if is_counted { Mode::Read } else { transaction_mode(&layout, &query.projection) };
    let mut tx = setup.database.begin(mode).await?;
    let cancel_on_drop = tx.cancel_on_drop();
    let work = Box::pin(async move { read.run(&mut tx).await });
    let (found, mut page) = run_blocking(cancel_on_drop, work).await?;
    page.resources = found.into_resources(&layout)?;
    if matches!(query.window, Window::Before(_)) {
        page.resources.reverse();
    }
    Ok(page)
}

/// What reading a page needs, owned, so that it can move to a blocking thread.
struct PageRead {
    statement: (String, Vec<Param>, PageSide),
    tenant: String,
    layout: Arc<TypeLayout>,
    projection: Projection,
    window: Window,
    /// The maximum number of resources on the page.
    max: usize,
    by_place: bool,
    matching: Matching,
}

impl PageRead {
    /// Reads the rows of the page, one more if there is a next page, and the total if the list is counted.
    async fn run(self, tx: &mut Transaction) -> Result<(FoundRows, Page), StoreError> {
        let (sql, params, side) = self.statement;
        if self.max == 0 {
            let total = Some(count(tx, self.matching, i64::MAX).await?);
            return Ok((FoundRows::default(), Page { total, ..Page::default() }));
        }
        let rows = tx.query(sql, params).await?;
        let has_more = rows.len() > self.max;
        let page_len = rows.len().min(self.max);
        // A page that ends at a position is read backwards, so its first resource is the last row.
        let first = if side == PageSide::Before { page_len.checked_sub(1) } else { Some(0) };
        let found = FoundRows::new(tx, &self.layout, &self.tenant, &self.projection, rows, self.max).await?;
        let rows = &found.rows;

        let mut page = Page::default();
        let mut is_long = false;
        match &self.window {
            Window::Start(start) => {
                // If this is the last page, its position tells the total, unless it is beyond the end.
                let before = start.saturating_sub(1);
                page.total = Some(match has_more || rows.is_empty() && before > 0 {
                    true => count(tx, self.matching, i64::MAX).await?,
                    false => before + rows.len() as u64,
                });
            }
            Window::First if !has_more => page.total = Some(rows.len() as u64),
            Window::First => page.total = count_short(tx, self.matching).await?,
            Window::After(position) | Window::Before(position) => {
                is_long = PagePosition::parse(position)?.is_long;
                if !is_long {
                    page.total = count_short(tx, self.matching).await?;
                }
            }
        }
        is_long |= page.total.is_none();
        let before = |index: Option<usize>| -> Option<Position> {
            rows.get(index?).map(|row| position_before(row, self.by_place, is_long))
        };
        match &self.window {
            Window::Start(_) => {}
            Window::First => page.next = before(Some(page_len)),
            Window::After(_) => (page.previous, page.next) = (before(first), before(Some(page_len))),
            Window::Before(position) => {
                (page.previous, page.next) = (before(first.filter(|_| has_more)), Some(position.clone()));
            }
        }
        Ok((found, page))
    }
}

/// The total of a list; `None` if it has [`MAX_COUNTED`] resources or more.
async fn count_short(tx: &mut Transaction, matching: Matching) -> Result<Option<u64>, StoreError> {
    let total = count(tx, matching, MAX_COUNTED).await?;
    Ok(Some(total).filter(|total| *total < MAX_COUNTED.unsigned_abs()))
}

/// The number of resources that match, but at most `max`.
async fn count(tx: &mut Transaction, matching: Matching, max: i64) -> Result<u64, StoreError> {
    let (sql, params) = matching.count(max);
    let rows = tx.query(sql, params).await?;
    let total = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    Ok(u64::try_from(total).unwrap_or_default())
}

/// The query plan by which the database reads a page, as the database prints it.
pub(crate) async fn explain(
    setup: &Setup,
    cx: &Context<'_>,
    layout: &TypeLayout,
    query: &Query,
) -> Result<String, StoreError> {
    let (sql, params, _) = QuerySql::new(setup, cx, layout, query)?.page(query)?;
    let (explain, column) = match setup.database.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        _ => ("EXPLAIN", 0),
    };
    let mut tx = setup.database.begin(Mode::Single).await?;
    let rows = tx.query(format!("{explain} {sql}"), params).await?;
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    Ok(lines.join("\n"))
}
