//! Reads a page of a list.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Page, Position, Query, Window};
use scim_sql::{Dialect, PageSide};

use super::blocking::run;
use super::found::{Found, mode};
use super::position::{PagePosition, position_before};
use super::query_sql::{Matching, QuerySql};
use crate::database::{Mode, Param, Transaction};
use crate::error::Fault;
use crate::setup::Setup;
use crate::tables::{Tables, tenant_of};

/// Lists with this many resources or more have no total if the client pages by cursor: counting on would make
/// a page of a long list cost more than the page itself.
const MAX_COUNTED: i64 = 1_000;

/// A page of the resources of the context's type.
pub(crate) async fn page(
    setup: &Setup,
    cx: &Context<'_>,
    tables: Arc<Tables>,
    query: &Query,
) -> Result<Page, Fault> {
    let sql = QuerySql::new(setup, cx, &tables, query)?;
    let read = Box::new(PageRead {
        statement: sql.page(query)?,
        tenant: tenant_of(cx)?,
        tables: tables.clone(),
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
    // A page and its total show the same state.
    let mode = if is_counted { Mode::Read } else { mode(&tables, &query.projection) };
    let mut tx = setup.database.begin(mode).await?;
    let cancel_on_drop = tx.cancel_on_drop();
    let work = Box::pin(async move { read.run(&mut tx).await });
    let (found, mut page) = run(cancel_on_drop, work).await?;
    page.resources = found.into_resources(&tables)?;
    if matches!(query.window, Window::Before(_)) {
        page.resources.reverse();
    }
    Ok(page)
}

/// What is needed for reading a page.
struct PageRead {
    statement: (String, Vec<Param>, PageSide),
    tenant: String,
    tables: Arc<Tables>,
    projection: Projection,
    window: Window,
    /// How many resources the page has at most.
    max: usize,
    by_place: bool,
    matching: Matching,
}

impl PageRead {
    async fn run(self, tx: &mut Transaction) -> Result<(Found, Page), Fault> {
        let (sql, params, side) = self.statement;
        if self.max == 0 {
            let total = Some(count(tx, self.matching, i64::MAX).await?);
            return Ok((Found::default(), Page { total, ..Page::default() }));
        }
        let rows = tx.rows(sql, params).await?;
        let has_more = rows.len() > self.max;
        let shown = rows.len().min(self.max);
        // The rows of a page that ends at a position come in reverse order.
        let first = if side == PageSide::Before { shown.checked_sub(1) } else { Some(0) };
        let found = Found::new(tx, &self.tables, &self.tenant, &self.projection, rows, self.max).await?;
        let rows = &found.rows;

        let mut page = Page::default();
        let mut is_long = false;
        match &self.window {
            Window::Start(start) => {
                // The last page of the list tells the total, unless it lies behind the end.
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
            Window::First => page.next = before(Some(shown)),
            Window::After(_) => (page.previous, page.next) = (before(first), before(Some(shown))),
            Window::Before(position) => {
                (page.previous, page.next) = (before(first.filter(|_| has_more)), Some(position.clone()));
            }
        }
        Ok((found, page))
    }
}

/// The total of a list, unless it is too long to be counted.
async fn count_short(tx: &mut Transaction, matching: Matching) -> Result<Option<u64>, Fault> {
    let total = count(tx, matching, MAX_COUNTED).await?;
    Ok(Some(total).filter(|total| *total < MAX_COUNTED.unsigned_abs()))
}

/// How many resources match; at most `max`.
async fn count(tx: &mut Transaction, matching: Matching, max: i64) -> Result<u64, Fault> {
    let (sql, params) = matching.count(max);
    let rows = tx.rows(sql, params).await?;
    let total = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    Ok(u64::try_from(total).unwrap_or_default())
}

/// The plan by which the database reads a page.
pub(crate) async fn explain(
    setup: &Setup,
    cx: &Context<'_>,
    tables: &Tables,
    query: &Query,
) -> Result<String, Fault> {
    let (sql, params, _) = QuerySql::new(setup, cx, tables, query)?.page(query)?;
    let (explain, column) = match setup.database.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        _ => ("EXPLAIN", 0),
    };
    let mut tx = setup.database.begin(Mode::Single).await?;
    let rows = tx.rows(format!("{explain} {sql}"), params).await?;
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    Ok(lines.join("\n"))
}
