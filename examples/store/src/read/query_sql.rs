//! A query as SQL: the statement that reads a page, and the one that counts. Here a filter becomes SQL.

use scim_core::{Context, Error, Query, Window};
use scim_sql::{Cost, Dialect, Fragment, Order, PageSide};

use super::position::PagePosition;
use crate::database::{Param, params};
use crate::error::Fault;
use crate::setup::Setup;
use crate::tables::{COLUMNS, Tables, tenant_of};

/// A query as SQL.
pub(super) struct QuerySql<'a> {
    matching: Matching,
    order: Order<'a>,
    /// Whether the list is sorted by `place`, the order of creation. Then positions hold no sort value, and
    /// `place` instead of the id.
    pub(super) by_place: bool,
}

/// The condition that all resources of the list fulfil; its parameters come first.
pub(super) struct Matching {
    condition: String,
    params: Vec<Param>,
}

impl Matching {
    /// The statement that counts them, up to a maximum.
    pub(super) fn count(self, max: i64) -> (String, Vec<Param>) {
        let Self { condition, params } = self;
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM resource r WHERE {condition} LIMIT {max}) c");
        (sql, params)
    }
}

impl<'a> QuerySql<'a> {
    pub(super) fn new(
        setup: &Setup,
        cx: &Context<'_>,
        tables: &'a Tables,
        query: &Query,
    ) -> Result<Self, Fault> {
        let dialect = setup.database.dialect();
        let mut params = params![tenant_of(cx)?, cx.resource_type().name()];
        let mut condition = "r.tenant = ?1 AND r.kind = ?2".to_owned();
        let mut cost = Cost::Indexed;
        if let Some(filter) = &query.filter {
            let fragment = tables.mapping.filter(filter, dialect, params.len() + 1)?;
            cost = fragment.cost;
            and(&mut condition, &mut params, fragment);
        }
        if cost == Cost::Scan && setup.rules.refuse_scans {
            let detail = "no index serves the filter; look for a value with eq or sw";
            return Err(Fault::Refused(Error::too_many(detail)));
        }
        // Sorted by the order of creation unless the client asks for another order.
        let by = query.sort.as_ref().map(|sort| (&sort.by, sort.descending));
        let uses_index = query.filter.is_some() && cost == Cost::Indexed;
        let tiebreaker = match (by, dialect) {
            (Some(_), _) => "r.id",
            // SQLite does not know how few rows the index finds, and would rather read all rows in the
            // right order; the unary plus, which does nothing, prevents that.
            (None, Dialect::Sqlite) if uses_index => "+r.place",
            (None, _) => "r.place",
        };
        let unsortable =
            |error: scim_sql::Error| Fault::Refused(Error::invalid_value("sortBy", &error.to_string()));
        let order = tables.mapping.order(by, tiebreaker, dialect).map_err(unsortable)?;
        Ok(Self { matching: Matching { condition, params }, order, by_place: by.is_none() })
    }

    /// The statement that reads a page, and on which side of its position the page is.
    pub(super) fn page(&self, query: &Query) -> Result<(String, Vec<Param>, PageSide), Fault> {
        let (mut condition, mut params) = (self.matching.condition.clone(), self.matching.params.clone());
        let (side, position) = match &query.window {
            Window::After(position) => (PageSide::From, Some(position)),
            Window::Before(position) => (PageSide::Before, Some(position)),
            _ => (PageSide::From, None),
        };
        if let Some(position) = position {
            let PagePosition { key, tiebreaker, .. } = PagePosition::parse(position)?;
            let page_condition = self.order.page_condition(side, key, tiebreaker, params.len() + 1)?;
            and(&mut condition, &mut params, page_condition);
        }
        let (order, key) = (self.order.sql(side), self.order.sort_value());
        // One row more than the page has tells whether there is another page.
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
        // Rows are skipped in an index, and only those of the page are read from the table.
        params.push(Param::Int(skip));
        let sql = format!(
            "SELECT {COLUMNS}, {key} FROM (SELECT r.place AS at FROM resource r WHERE {condition} \
             ORDER BY {order} LIMIT ?{limit} OFFSET ?{}) page JOIN resource r ON r.place = page.at \
             ORDER BY {order}",
            limit + 1
        );
        Ok((sql, params, side))
    }

    pub(super) fn into_matching(self) -> Matching {
        self.matching
    }
}

fn and(condition: &mut String, params: &mut Vec<Param>, fragment: Fragment) {
    condition.push_str(" AND ");
    condition.push_str(&fragment.sql);
    params.extend(fragment.binds.into_iter().map(Param::from));
}
