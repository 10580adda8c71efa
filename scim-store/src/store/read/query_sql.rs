//! Turns a query, with its filter and its order, into the statements that read a page and count the list.

use scim_core::schema::AttributeRef;
use scim_core::{Context, Error, Query};
use scim_sql::{Cost, Dialect, Fragment, Order, PageSide};

use crate::database::{Param, params};
use crate::paging::{PagePosition, PageWindow};
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::{COLUMNS, TypeLayout, tenant_of};

/// The parts of a query as SQL.
pub(super) struct QuerySql<'a> {
    matching: Matching,
    order: Order<'a>,
    /// Whether the list is in the order of creation, by `place`, and not in an order that the client requested. Then
    /// positions contain `place` and no sort value; otherwise they contain the sort value and the id.
    pub(super) by_place: bool,
}

/// The condition that holds for all resources of the list, and its parameters, which are the first ones of a
/// statement.
pub(super) struct Matching {
    condition: String,
    params: Vec<Param>,
}

impl Matching {
    /// The statement that counts the resources, up to a maximum.
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
        layout: &'a TypeLayout,
        query: &Query,
    ) -> Result<Self, StoreError> {
        let dialect = setup.database.dialect();
        let mut params = params![tenant_of(cx)?, cx.resource_type().name()];
        let mut condition = "r.tenant = ?1 AND r.kind = ?2".to_owned();
        let mut cost = Cost::Indexed;
        if let Some(filter) = &query.filter {
            let fragment = layout.mapping.filter(filter, dialect, params.len() + 1)?;
            cost = fragment.cost;
            push_and(&mut condition, &mut params, fragment);
        }
        if cost == Cost::Scan && setup.rules.refuse_scans {
            let detail = "no index serves this filter, and the server does not search all resources; use `eq` or `sw` on an \
                          attribute that has an index";
            return Err(StoreError::Refused(Error::too_many(detail)));
        }
        let by: Option<(&AttributeRef, bool)> = query.sort.as_ref().map(Into::into);
        let uses_index = query.filter.is_some() && cost == Cost::Indexed;
        let tiebreaker = match (by, dialect) {
            (Some(_), _) => "r.id",
            // SQLite does not know how few rows the index of the filter finds, and prefers to read all rows in the
            // order of `place`. The unary plus has no effect but to exclude the index on `place`.
            (None, Dialect::Sqlite) if uses_index => "+r.place",
            (None, _) => "r.place",
        };
        let unsortable =
            |error: scim_sql::Error| StoreError::Refused(Error::invalid_value("sortBy", &error.to_string()));
        let order = layout.mapping.order(by, tiebreaker, dialect).map_err(unsortable)?;
        Ok(Self { matching: Matching { condition, params }, order, by_place: by.is_none() })
    }

    /// The statement that reads a page, its parameters, and the side of the position on which the page is. The rows
    /// have [`COLUMNS`] and then the sort value.
    pub(super) fn page(&self, window: &PageWindow) -> Result<(String, Vec<Param>, PageSide), StoreError> {
        let (mut condition, mut params) = (self.matching.condition.clone(), self.matching.params.clone());
        let (side, position) = window.side();
        if let Some(position) = position {
            let PagePosition { sort_value, tiebreaker, .. } = PagePosition::parse(position)?;
            let page_condition = self.order.page_condition(side, sort_value, tiebreaker, params.len() + 1)?;
            push_and(&mut condition, &mut params, page_condition);
        }
        let (order, sort_value) = (self.order.sql(side), self.order.sort_value());
        params.push(Param::Int(window.limit()));
        let limit = params.len();
        let skip = window.skipped();
        if skip == 0 {
            let mut sql = String::with_capacity(200 + condition.len() + order.len());
            for part in ["SELECT ", COLUMNS, ", ", sort_value, " FROM resource r WHERE ", &condition] {
                sql.push_str(part);
            }
            for part in [" ORDER BY ", &order, " LIMIT ?", &limit.to_string()] {
                sql.push_str(part);
            }
            return Ok((sql, params, side));
        }
        // The inner query skips rows by the index alone; only the rows of the page are read from the table.
        params.push(Param::Int(skip));
        let sql = format!(
            "SELECT {COLUMNS}, {sort_value} FROM (SELECT r.place AS at FROM resource r WHERE {condition} \
             ORDER BY {order} LIMIT ?{limit} OFFSET ?{}) page JOIN resource r ON r.tenant = ?1 AND r.place = page.at \
             ORDER BY {order}",
            limit + 1
        );
        Ok((sql, params, side))
    }

    pub(super) fn into_matching(self) -> Matching {
        self.matching
    }
}

/// Appends a condition and its parameters.
fn push_and(condition: &mut String, params: &mut Vec<Param>, fragment: Fragment) {
    condition.push_str(" AND ");
    condition.push_str(&fragment.sql);
    params.extend(fragment.bind_values.into_iter().map(Param::from));
}
