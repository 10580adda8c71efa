//! Reads a page of a list.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Page, Query};
use scim_sql::{Dialect, PageSide};
use serde_json::json;

use super::found::{FoundRows, transaction_mode};
use super::query_sql::{Matching, QuerySql};
use crate::database::{Mode, Param, Row, run_blocking};
use crate::paging::PageWindow;
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::{TypeLayout, tenant_of};

/// Reads a page of the resources of the type that the request is about.
pub(crate) async fn page(
    setup: &Setup,
    cx: &Context<'_>,
    layout: Arc<TypeLayout>,
    query: &Query,
) -> Result<Page, StoreError> {
    let sql = QuerySql::new(setup, cx, &layout, query)?;
    let window = PageWindow::new(query)?;
    let read = Box::new(PageRead {
        statement: sql.page(&window)?,
        tenant: tenant_of(cx)?,
        layout: layout.clone(),
        projection: query.projection.clone(),
        window: window.clone(),
        by_place: sql.by_place,
        matching: sql.into_matching(),
    });
    // The page and its total must come from the same state of the database, so from one transaction.
    let mode = if window.may_count() { Mode::Read } else { transaction_mode(&layout, &query.projection) };
    let mut tx = setup.database.begin(mode).await?;
    let cancel_on_drop = tx.block_calling_thread();
    let work = Box::pin(async move { read.run(&mut tx).await });
    let (found, mut page) = run_blocking(cancel_on_drop, work).await?;
    page.resources = found.into_resources(&layout)?;
    if window.is_backwards() {
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
    window: PageWindow,
    by_place: bool,
    matching: Matching,
}

impl PageRead {
    /// Reads the rows of the page, one more if there is a next page, and the total if the list is counted.
    async fn run(self, tx: &mut Transaction) -> Result<(FoundRows, Page), StoreError> {
        let (sql, params, side) = self.statement;
        let max = self.window.max();
        let found = if max == 0 {
            FoundRows::default()
        } else {
            let rows = tx.query(sql, params).await?;
            FoundRows::new(tx, &self.layout, &self.tenant, &self.projection, rows, max).await?
        };
        let counted = match self.window.count_limit(found.rows.len()) {
            Some(limit) => Some(count(tx, self.matching, limit).await?),
            None => None,
        };
        let tiebreaker = |row: Row<'_>| if self.by_place { json!(row.int(0)) } else { json!(row.text(1)) };
        let page = self.window.page(&found.rows, side, counted, tiebreaker);
        Ok((found, page))
    }
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
    let (sql, params, _) = QuerySql::new(setup, cx, layout, query)?.page(&PageWindow::new(query)?)?;
    let (explain, column) = match setup.database.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        _ => ("EXPLAIN", 0),
    };
    let mut tx = setup.database.begin(Mode::Single).await?;
    let rows = tx.query(format!("{explain} {sql}"), params).await?;
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    Ok(lines.join("\n"))
}
