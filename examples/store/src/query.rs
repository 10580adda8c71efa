//! Reading one resource, and pages of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use scim_core::schema::Projection;
use scim_core::{Context, Page, Position, Query, Resource, Window};
use scim_sql::{Dialect, Side};

use crate::database::{Mode, Transaction, Waiting};
use crate::fault::Fault;
use crate::lists::Lists;
use crate::param::{Param, params};
use crate::plan::{All, Plan, is_long, position};
use crate::record::{COLUMNS, resource, shown};
use crate::rows::Rows;
use crate::store::{Store, tenant_of};
use crate::tables::Tables;

/// Statements that read a part are one transaction with those that read the rest.
fn mode(tables: &Tables, projection: &Projection) -> Mode {
    let apart = shown(&tables.members, projection).or(shown(&tables.groups, projection));
    if apart.is_some() { Mode::Read } else { Mode::Single }
}

/// What the statements of a call returned. Resources are made of it where they are used, since what one
/// thread makes is slow for another to give up.
#[derive(Default)]
struct Found {
    /// The resources, and maybe one more than is asked for.
    rows: Rows,
    count: usize,
    lists: Lists,
}

impl Found {
    /// Reads the lists that go with the first of these rows.
    async fn new(
        tx: &mut Transaction,
        tables: &Tables,
        tenant: &str,
        projection: &Projection,
        rows: Rows,
        most: usize,
    ) -> Result<Self, Fault> {
        let count = rows.len().min(most);
        let mut resources = Vec::with_capacity(count);
        resources.extend(rows.iter().take(count).filter_map(|row| Some((row.int(0)?, row.text(1)?))));
        let lists = Lists::read(tx, tables, tenant, projection, &resources).await?;
        Ok(Self { count, lists, rows })
    }

    fn into_resources(self, tables: &Tables) -> Result<Vec<Resource>, Fault> {
        let mut stored = Vec::with_capacity(self.count);
        for row in self.rows.iter().take(self.count) {
            stored.push(resource(row)?);
        }
        self.lists.put(tables, &mut stored)?;
        Ok(stored.into_iter().map(|stored| stored.resource).collect())
    }
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
    let waiting = tx.waiting();
    let (projection, own) = (projection.clone(), tables.clone());
    let work = Box::pin(async move {
        let sql =
            format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3");
        let rows = tx.rows(sql, params).await?;
        Found::new(&mut tx, &own, &tenant, &projection, rows, 1).await
    });
    Ok(run(waiting, work).await?.into_resources(&tables)?.pop())
}

/// Runs what reads: all of it on one blocking thread if the database does, until nobody waits for it. It
/// is in a box, so that what goes there is no more than its address.
async fn run<T: Send + 'static>(
    waiting: Option<Waiting>,
    mut work: Pin<Box<impl Future<Output = Result<T, Fault>> + Send + 'static>>,
) -> Result<T, Fault> {
    let Some(_waiting) = waiting else {
        return work.await;
    };
    let work = tokio::task::spawn_blocking(move || {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        match work.as_mut().poll(&mut cx) {
            Poll::Ready(done) => done,
            Poll::Pending => Err(Fault::broken("a statement waits although it runs in place")),
        }
    });
    work.await.map_err(|error| Fault::Broken(error.into()))?
}

/// Lists of so many resources and more have no total where pages go by position.
const COUNTED: i64 = 1_000;

pub(crate) async fn page(
    store: &Store,
    cx: &Context<'_>,
    tables: Arc<Tables>,
    query: &Query,
) -> Result<Page, Fault> {
    let plan = Plan::new(store, cx, &tables, query)?;
    let statement = plan.page(query)?;
    let by_place = plan.by_place;
    let read = Box::new(PageRead {
        statement,
        tenant: tenant_of(cx)?,
        tables: tables.clone(),
        projection: query.projection.clone(),
        window: query.window.clone(),
        most: query.count,
        by_place,
        all: plan.into_all(),
    });
    // A page and its total are of the same state.
    let counted = match &query.window {
        Window::Start(_) | Window::First => true,
        Window::After(position) | Window::Before(position) => !is_long(position)?,
    };
    let mode = if counted { Mode::Read } else { mode(&tables, &query.projection) };
    let mut tx = store.database.begin(mode).await?;
    let waiting = tx.waiting();
    let work = Box::pin(async move { read.run(&mut tx).await });
    let (found, mut page) = run(waiting, work).await?;
    page.resources = found.into_resources(&tables)?;
    if matches!(query.window, Window::Before(_)) {
        page.resources.reverse();
    }
    Ok(page)
}

/// What is needed for reading a page.
struct PageRead {
    statement: (String, Vec<Param>, Side),
    tenant: String,
    tables: Arc<Tables>,
    projection: Projection,
    window: Window,
    most: usize,
    by_place: bool,
    all: All,
}

impl PageRead {
    async fn run(self, tx: &mut Transaction) -> Result<(Found, Page), Fault> {
        let (sql, params, side) = self.statement;
        if self.most == 0 {
            let total = Some(count(tx, self.all, i64::MAX).await?);
            return Ok((Found::default(), Page { total, ..Page::default() }));
        }
        let rows = tx.rows(sql, params).await?;
        let more = rows.len() > self.most;
        let shown = rows.len().min(self.most);
        // From the next to the one before, if pages go backwards.
        let first = if side == Side::Before { shown.checked_sub(1) } else { Some(0) };
        let found = Found::new(tx, &self.tables, &self.tenant, &self.projection, rows, self.most).await?;
        let rows = &found.rows;

        let mut page = Page::default();
        let mut long = false;
        match &self.window {
            Window::Start(start) => {
                // Only a page that neither is full nor lies behind the end says how many there are.
                let before = start.saturating_sub(1);
                page.total = Some(match more || rows.is_empty() && before > 0 {
                    true => count(tx, self.all, i64::MAX).await?,
                    false => before + rows.len() as u64,
                });
            }
            Window::First if !more => page.total = Some(rows.len() as u64),
            Window::First => page.total = short(count(tx, self.all, COUNTED).await?),
            Window::After(position) | Window::Before(position) => {
                long = is_long(position)?;
                if !long {
                    page.total = short(count(tx, self.all, COUNTED).await?);
                }
            }
        }
        long |= page.total.is_none();
        let at = |index: Option<usize>| -> Option<Position> {
            rows.get(index?).map(|row| position(row, self.by_place, long))
        };
        match &self.window {
            Window::Start(_) => {}
            Window::First => page.next = at(Some(shown)),
            Window::After(_) => (page.previous, page.next) = (at(first), at(Some(shown))),
            Window::Before(position) => {
                (page.previous, page.next) = (at(first.filter(|_| more)), Some(position.clone()));
            }
        }
        Ok((found, page))
    }
}

/// The total of a list, unless it is too long to be counted.
fn short(total: u64) -> Option<u64> {
    Some(total).filter(|total| *total < COUNTED.unsigned_abs())
}

/// Counts all that match, up to so many: counting on would make a page of a long list cost more than
/// the page itself.
async fn count(tx: &mut Transaction, all: All, most: i64) -> Result<u64, Fault> {
    let (sql, params) = all.count(most);
    let rows = tx.rows(sql, params).await?;
    let total = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
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
    let rows = tx.rows(format!("{explain} {sql}"), params).await?;
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    Ok(lines.join("\n"))
}
