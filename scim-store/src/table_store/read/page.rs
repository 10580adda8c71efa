//! Reads a page of a list.

use std::sync::Arc;

use scim_core::schema::AttributeRef;
use scim_core::{Context, Error, Page, Query};
use scim_sql::{Dialect, PageSide};
use serde_json::{Value, json};

use super::lists::{WantedLists, read_resources};
use super::row::ReadResource;
use crate::database::{Mode, Param, Row, Rows, Statement, run_blocking};
use crate::paging::{PagePosition, PageWindow};
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::sql::{SqlBuilder, as_text, literal};
use crate::table_store::tables::Tables;

/// Reads a page of the resources of the type that the request is about.
pub(crate) async fn page(
    tables: &Arc<Tables>,
    layout: &Arc<Layout>,
    cx: &Context<'_>,
    query: &Query,
) -> Result<Page, TableError> {
    let tenant = layout.tenant_of(cx)?;
    let window = PageWindow::new(query)?;
    let (statement, side) = page_statement(layout, tenant.as_ref(), query, &window)?;
    let wanted = WantedLists::shown(layout, &query.projection);
    let is_single = !layout.has_lists() && !window.may_count();
    let mut tx = tables.database.begin(if is_single { Mode::Single } else { Mode::Read }).await?;
    let cancel_on_drop = tx.block_calling_thread();
    let matching = matching(layout, tenant.as_ref(), query, "1")?;
    let read =
        PageRead { tables: tables.clone(), layout: layout.clone(), tenant, window: window.clone(), wanted };
    let by_key = query.sort.is_none();
    let work = Box::pin(async move {
        let rows = match read.window.max() {
            0 => Rows::default(),
            _ => tx.query(vec![statement]).await?.pop().unwrap_or_default(),
        };
        let counted = match read.window.count_limit(rows.len()) {
            Some(limit) => Some(count(&mut *tx, matching, limit).await?),
            None => None,
        };
        let shown = rows.iter().take(read.window.max());
        let resources =
            read_resources(&mut *tx, &read.tables, &read.layout, read.tenant.as_ref(), shown, read.wanted)
                .await?;
        let page = read.window.page(&rows, side, counted, |row| tiebreaker(&read.layout, row, by_key));
        Ok::<(Vec<ReadResource>, Page), TableError>((resources, page))
    });
    let (resources, mut page) = run_blocking(cancel_on_drop, work).await?;
    page.resources = resources.into_iter().map(|resource| resource.into_resource(layout)).collect();
    if window.is_backwards() {
        page.resources.reverse();
    }
    Ok(page)
}

/// What reading a page needs, owned, so that it can move to a blocking thread.
struct PageRead {
    tables: Arc<Tables>,
    layout: Arc<Layout>,
    tenant: Option<Param>,
    window: PageWindow,
    wanted: WantedLists,
}

/// The value that orders rows with equal sort values: the key if the list is not sorted, else the id.
fn tiebreaker(layout: &Layout, row: Row<'_>, by_key: bool) -> Value {
    let key = row.text(0).unwrap_or_default();
    match (by_key, layout.codec.is_integer()) {
        (true, true) => json!(key.parse::<i64>().unwrap_or_default()),
        (true, false) => json!(key),
        (false, _) => json!(layout.codec.id(key)),
    }
}

/// Begins a statement with the condition that holds for all resources of the list.
fn matching(
    layout: &Layout,
    tenant: Option<&Param>,
    query: &Query,
    select: &str,
) -> Result<SqlBuilder, TableError> {
    let mut sql = layout.select_from(select, tenant);
    let fragment = layout.mapping.filter(query.filter.as_ref(), layout.dialect, sql.next_parameter())?;
    sql.push_fragment(fragment);
    Ok(sql)
}

/// The statement that reads a page, and the side of the position on which the page is. The rows have the select list of
/// the layout and then the sort value.
fn page_statement(
    layout: &Layout,
    tenant: Option<&Param>,
    query: &Query,
    window: &PageWindow,
) -> Result<(Statement, PageSide), TableError> {
    let by: Option<(&AttributeRef, bool)> = query.sort.as_ref().map(Into::into);
    let key = layout.key();
    // Resources with equal sort values are in the order of their ids, which for integer keys is not that of the keys.
    let id = match layout.codec.prefix.as_str() {
        "" => as_text(&key),
        prefix => format!("({} || {})", literal(prefix), as_text(&key)),
    };
    let id = if layout.dialect == Dialect::Postgres { format!("({id} COLLATE \"C\")") } else { id };
    let tiebreaker = if by.is_some() { id.as_str() } else { key.as_str() };
    let unsortable = |error: scim_sql::Error| Error::invalid_value("sortBy", &error.to_string());
    let order = layout.mapping.order(by, tiebreaker, layout.dialect).map_err(unsortable)?;
    let mut sql = matching(layout, tenant, query, &format!("{}, {}", layout.select, order.sort_value()))?;
    let (side, position) = window.side();
    if let Some(position) = position {
        let PagePosition { sort_value, tiebreaker, .. } = PagePosition::parse(position)?;
        let condition = order.page_condition(side, sort_value, tiebreaker, sql.next_parameter())?;
        sql.push_fragment(condition);
    }
    sql.push(" ORDER BY ").push(&order.sql(side)).push(" LIMIT ").bind(Param::Int(window.limit()));
    if window.skipped() > 0 {
        sql.push(" OFFSET ").bind(Param::Int(window.skipped()));
    }
    Ok((sql.finish(), side))
}

/// The number of resources that match, but at most `limit`.
async fn count(
    tx: &mut dyn crate::database::Transaction,
    mut matching: SqlBuilder,
    limit: i64,
) -> Result<u64, TableError> {
    matching.push(" LIMIT ").bind(Param::Int(limit));
    let Statement { sql, params } = matching.finish();
    let counting = Statement::new(format!("SELECT count(*) FROM ({sql}) counted"), params);
    let rows = tx.query(vec![counting]).await?;
    let total = rows.first().and_then(|rows| rows.first()?.int(0)).unwrap_or_default();
    Ok(u64::try_from(total).unwrap_or_default())
}
