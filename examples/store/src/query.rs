//! Reading one resource, and pages of them.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use scim_core::schema::{Projection, ScimType};
use scim_core::{Context, Error, Page, Position, Query, Resource, Window};
use scim_sql::{Bind, Class, Dialect, Fragment, Order, Side};
use serde_json::{Value, json};

use crate::database::{Mode, Transaction};
use crate::fault::Fault;
use crate::members::assemble;
use crate::param::{Param, Row, params};
use crate::record::{COLUMNS, Stored, resource, shown};
use crate::store::{Store, tenant_of};
use crate::tables::Tables;

/// Statements that read a part are one transaction with those that read the rest.
fn mode(tables: &Tables, projection: &Projection) -> Mode {
    let apart = shown(&tables.members, projection).or(shown(&tables.groups, projection));
    if apart.is_some() { Mode::Read } else { Mode::Single }
}

pub(crate) async fn retrieve(
    store: &Store,
    cx: &Context<'_>,
    tables: Arc<Tables>,
    id: &str,
    projection: &Projection,
) -> Result<Option<Resource>, Fault> {
    let tenant = tenant_of(cx)?;
    if id.contains('\0') {
        return Ok(None);
    }
    let mut tx = store.database.begin(mode(&tables, projection)).await?;
    let params = params![tenant.as_str(), id, cx.resource_type().name()];
    let projection = projection.clone();
    run(store.database.in_place(), async move {
        let sql =
            format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3");
        let row = tx.row(&sql, params).await?;
        let Some(row) = row else { return Ok(None) };
        let mut stored = [resource(&row)?];
        assemble(&mut tx, &tables, &tenant, &projection, &mut stored).await?;
        let [Stored { resource, .. }] = stored;
        Ok(Some(resource))
    })
    .await
}

/// Runs what reads: all of it on one blocking thread if the database does.
async fn run<T: Send + 'static>(
    in_place: bool,
    work: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    if !in_place {
        return work.await;
    }
    let work = tokio::task::spawn_blocking(move || {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        match pin!(work).poll(&mut cx) {
            Poll::Ready(done) => done,
            Poll::Pending => Err(Fault::broken("a statement waits although it runs in place")),
        }
    });
    work.await.map_err(|error| Fault::Broken(error.into()))?
}

/// A query in SQL.
struct Plan<'a> {
    /// What all that match fulfil; its parameters are the first.
    condition: String,
    params: Vec<Param>,
    order: Order<'a>,
    /// Whether positions hold the place, and not a sort value and the id.
    by_place: bool,
}

impl<'a> Plan<'a> {
    fn new(store: &Store, cx: &Context<'_>, tables: &'a Tables, query: &Query) -> Result<Self, Fault> {
        let dialect = store.database.dialect();
        let mut params = params![tenant_of(cx)?, cx.resource_type().name()];
        let mut condition = "r.tenant = ?1 AND r.kind = ?2".to_owned();
        let mut class = Class::Indexed;
        if let Some(filter) = &query.filter {
            let fragment = tables.mapping.filter(filter, dialect, params.len() + 1)?;
            class = fragment.class;
            add(&mut condition, &mut params, fragment);
        }
        if class == Class::Scan && store.rules.refuse_scans {
            let detail = "no index serves the filter; look for a value with eq or sw";
            return Err(Fault::Refused(Error::too_many(detail)));
        }
        // By the order of creation, unless the client wants another.
        let by = query.sort.as_ref().map(|sort| (&sort.by, sort.descending));
        let is_found = query.filter.is_some() && class == Class::Indexed;
        let tie = match (by, dialect) {
            (Some(_), _) => "r.id",
            // SQLite knows nothing of how few rows an index finds, and would rather look at all of
            // them in the right order; an operator that does nothing keeps it from that.
            (None, Dialect::Sqlite) if is_found => "+r.place",
            (None, _) => "r.place",
        };
        let order = tables.mapping.order(by, tie, dialect)?;
        Ok(Self { condition, params, order, by_place: by.is_none() })
    }

    /// The statement for a page, and the side of its position that it is on.
    fn page(&self, query: &Query) -> Result<(String, Vec<Param>, Side), Fault> {
        let (mut condition, mut params) = (self.condition.clone(), self.params.clone());
        let (side, position) = match &query.window {
            Window::After(position) => (Side::From, Some(position)),
            Window::Before(position) => (Side::Before, Some(position)),
            _ => (Side::From, None),
        };
        if let Some(position) = position {
            let Read { key, tie, .. } = read(position)?;
            let beyond = self.order.beyond(side, key, tie, params.len() + 1)?;
            add(&mut condition, &mut params, beyond);
        }
        let (order, key) = (self.order.sql(side), self.order.key());
        // One more than wanted tells whether there is more.
        params.push(Param::Int(i64::try_from(query.count).unwrap_or(i64::MAX).saturating_add(1)));
        let limit = params.len();
        let skip = match query.window {
            Window::Start(start) => i64::try_from(start.saturating_sub(1)).unwrap_or(i64::MAX),
            _ => 0,
        };
        if skip == 0 {
            let sql = format!(
                "SELECT {COLUMNS}, {key} FROM resource r WHERE {condition} ORDER BY {order} LIMIT ?{limit}"
            );
            return Ok((sql, params, side));
        }
        // What is skipped is skipped in an index, and only the page is read from the table.
        params.push(Param::Int(skip));
        let sql = format!(
            "SELECT {COLUMNS}, {key} FROM (SELECT r.place AS at FROM resource r WHERE {condition} \
             ORDER BY {order} LIMIT ?{limit} OFFSET ?{}) page JOIN resource r ON r.place = page.at \
             ORDER BY {order}",
            limit + 1
        );
        Ok((sql, params, side))
    }
}

/// The place in front of a row: its sort value, and what ties are resolved by. What comes or goes
/// elsewhere does not move it, nor does it matter whether that row stays. It also tells whether the
/// list is one too long to be counted, so that no page after the first tries again.
fn position(row: &Row, by_place: bool, long: bool) -> Position {
    let key = match row.0.last() {
        Some(Param::Text(text)) => Value::from(text.as_str()),
        Some(Param::Int(number)) => Value::from(*number),
        Some(Param::Bool(flag)) => Value::from(*flag),
        _ => Value::Null,
    };
    let tie = if by_place { json!(row.int(0)) } else { json!(row.text(1)) };
    Position(json!([key, tie, long]).to_string().into_bytes())
}

fn add(condition: &mut String, params: &mut Vec<Param>, fragment: Fragment) {
    condition.push_str(" AND ");
    condition.push_str(&fragment.sql);
    params.extend(fragment.binds.into_iter().map(Param::from));
}

/// A position as it was made.
struct Read {
    key: Option<Bind>,
    tie: Bind,
    long: bool,
}

fn read(position: &Position) -> Result<Read, Fault> {
    let bind = |value: Value| match value {
        Value::String(text) => Some(Bind::Text(text)),
        Value::Number(number) => number.as_i64().map(Bind::Integer),
        Value::Bool(flag) => Some(Bind::Boolean(flag)),
        _ => None,
    };
    let parts: Option<(Value, Value, bool)> = serde_json::from_slice(&position.0).ok();
    let parts = parts.and_then(|(key, tie, long)| Some(Read { key: bind(key), tie: bind(tie)?, long }));
    parts.ok_or_else(|| {
        Fault::Refused(Error::of(ScimType::InvalidCursor, "the cursor is not one of this query"))
    })
}

/// Lists of so many resources and more have no total where pages go by position.
const COUNTED: i64 = 1_000;

pub(crate) async fn page(
    store: &Store,
    cx: &Context<'_>,
    tables: Arc<Tables>,
    query: &Query,
) -> Result<Page, Fault> {
    let tenant = tenant_of(cx)?;
    let plan = Plan::new(store, cx, &tables, query)?;
    let statement = plan.page(query)?;
    // Counting on would make a page of a long list cost more than the page itself.
    let most = if matches!(query.window, Window::Start(_)) || query.count == 0 { i64::MAX } else { COUNTED };
    let count = (
        format!("SELECT count(*) FROM (SELECT 1 FROM resource r WHERE {} LIMIT {most}) c", plan.condition),
        plan.params,
    );
    let by_place = plan.by_place;
    // A page and its total are of the same state.
    let counted = matches!(query.window, Window::Start(_));
    let mode = if counted { Mode::Read } else { mode(&tables, &query.projection) };
    let mut tx = store.database.begin(mode).await?;
    let query = query.clone();
    let work = async move { read_page(&mut tx, &tables, &tenant, &query, statement, count, by_place).await };
    run(store.database.in_place(), work).await
}

async fn read_page(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    query: &Query,
    (sql, params, side): (String, Vec<Param>, Side),
    of_all: (String, Vec<Param>),
    by_place: bool,
) -> Result<Page, Fault> {
    if query.count == 0 {
        return Ok(Page { total: Some(count(tx, &of_all).await?), ..Page::default() });
    }
    let mut rows = tx.rows(&sql, params).await?;
    let more = rows.len() > query.count;
    let further = rows.get(query.count).cloned();
    rows.truncate(query.count);
    if side == Side::Before {
        rows.reverse();
    }
    let mut page = Page::default();
    let mut long = false;
    match &query.window {
        Window::Start(start) => {
            // Only a page that neither is full nor lies behind the end says how many there are.
            let before = start.saturating_sub(1);
            page.total = Some(match more || rows.is_empty() && before > 0 {
                true => count(tx, &of_all).await?,
                false => before + rows.len() as u64,
            });
        }
        Window::First if !more => page.total = Some(rows.len() as u64),
        Window::First => page.total = short(count(tx, &of_all).await?),
        Window::After(position) | Window::Before(position) => {
            long = read(position)?.long;
            if !long {
                page.total = short(count(tx, &of_all).await?);
            }
        }
    }
    long |= page.total.is_none();
    let at = |row: Option<&Row>| row.map(|row| position(row, by_place, long));
    match &query.window {
        Window::Start(_) => {}
        Window::First => page.next = at(further.as_ref()),
        Window::After(_) => (page.previous, page.next) = (at(rows.first()), at(further.as_ref())),
        Window::Before(position) => {
            (page.previous, page.next) = (at(rows.first().filter(|_| more)), Some(position.clone()));
        }
    }
    let mut stored = rows.iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    assemble(tx, tables, tenant, &query.projection, &mut stored).await?;
    page.resources = stored.into_iter().map(|stored| stored.resource).collect();
    Ok(page)
}

/// The total of a list, unless it is too long to be counted.
fn short(total: u64) -> Option<u64> {
    Some(total).filter(|total| *total < COUNTED.unsigned_abs())
}

async fn count(tx: &mut Transaction, (sql, params): &(String, Vec<Param>)) -> Result<u64, Fault> {
    let row = tx.row(sql, params.clone()).await?;
    let total = row.and_then(|row| row.int(0)).unwrap_or_default();
    Ok(u64::try_from(total).unwrap_or_default())
}

/// How the database goes about a page.
pub(crate) async fn explain(
    store: &Store,
    cx: &Context<'_>,
    tables: &Tables,
    query: &Query,
) -> Result<String, Fault> {
    let plan = Plan::new(store, cx, tables, query)?;
    let (sql, params, _) = plan.page(query)?;
    let (explain, column) = match store.database.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        _ => ("EXPLAIN", 0),
    };
    let mut tx = store.database.begin(Mode::Single).await?;
    let rows = tx.rows(&format!("{explain} {sql}"), params).await?;
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    Ok(lines.join("\n"))
}
