//! Filters and rows, for the tests on SQLite.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql, params_from_iter};
use scim_filter::{Filter, Predicate};
use scim_schema::{ReadContext, ResourceType, Tolerance};
use scim_sql::{BindValue, Fragment};

pub(crate) fn resolve(text: &str, on: &ResourceType, tolerance: &Tolerance) -> Predicate {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    filter.resolve(on, &mut ReadContext::new(tolerance)).unwrap()
}

/// The texts in the first column of the rows that a fragment selects. `select` goes up to `WHERE`; the first
/// parameters of the statement are `before`.
pub(crate) fn select(
    connection: &Connection,
    select: &str,
    before: &[BindValue],
    fragment: &Fragment,
    order: &str,
) -> Vec<String> {
    let sql = format!("{select} {} ORDER BY {order}", fragment.sql);
    let mut statement = connection.prepare(&sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let bind_values = before.iter().chain(&fragment.bind_values).map(Param);
    statement
        .query_map(params_from_iter(bind_values), |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

struct Param<'a>(&'a BindValue);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            BindValue::Text(text) => text.to_sql(),
            BindValue::Integer(number) => number.to_sql(),
            BindValue::Real(number) => number.to_sql(),
            BindValue::Boolean(flag) => flag.to_sql(),
            other => panic!("{other:?}"),
        }
    }
}
