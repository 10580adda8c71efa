//! A query in SQL: the statement of a page, the one that counts, and the positions in between.

use scim_core::schema::ScimType;
use scim_core::{Context, Error, Position, Query, Window};
use scim_sql::{Bind, Class, Dialect, Fragment, Order, Side};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::param::{Param, params};
use crate::record::COLUMNS;
use crate::rows::Row;
use crate::store::{Store, tenant_of};
use crate::tables::Tables;

/// A query in SQL.
pub(crate) struct Plan<'a> {
    all: All,
    order: Order<'a>,
    /// Whether positions hold the place, and not a sort value and the id.
    pub(crate) by_place: bool,
}

/// What all that match fulfil; its parameters are the first.
pub(crate) struct All {
    condition: String,
    params: Vec<Param>,
}

impl All {
    /// The statement that counts them, up to so many.
    pub(crate) fn count(self, most: i64) -> (String, Vec<Param>) {
        let Self { condition, params } = self;
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM resource r WHERE {condition} LIMIT {most}) c");
        (sql, params)
    }
}

impl<'a> Plan<'a> {
    pub(crate) fn new(
        store: &Store,
        cx: &Context<'_>,
        tables: &'a Tables,
        query: &Query,
    ) -> Result<Self, Fault> {
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
        let unsortable =
            |error: scim_sql::Error| Fault::Refused(Error::invalid_value("sortBy", &error.to_string()));
        let order = tables.mapping.order(by, tie, dialect).map_err(unsortable)?;
        Ok(Self { all: All { condition, params }, order, by_place: by.is_none() })
    }

    /// The statement for a page, and the side of its position that it is on.
    pub(crate) fn page(&self, query: &Query) -> Result<(String, Vec<Param>, Side), Fault> {
        let (mut condition, mut params) = (self.all.condition.clone(), self.all.params.clone());
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
            let mut sql = String::with_capacity(200 + condition.len() + order.len());
            for part in ["SELECT ", COLUMNS, ", ", key, " FROM resource r WHERE ", &condition] {
                sql.push_str(part);
            }
            for part in [" ORDER BY ", &order, " LIMIT ?", &limit.to_string()] {
                sql.push_str(part);
            }
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

    pub(crate) fn into_all(self) -> All {
        self.all
    }
}

/// The place in front of a row: its sort value, and what ties are resolved by. What comes or goes
/// elsewhere does not move it, nor does it matter whether that row stays. It also tells whether the
/// list is one too long to be counted, so that no page after the first tries again.
pub(crate) fn position(row: Row<'_>, by_place: bool, long: bool) -> Position {
    let tie = if by_place { json!(row.int(0)) } else { json!(row.text(1)) };
    Position(json!([row.last(), tie, long]).to_string().into_bytes())
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

/// Whether a position is one in a list that is too long to be counted.
pub(crate) fn is_long(position: &Position) -> Result<bool, Fault> {
    Ok(read(position)?.long)
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
