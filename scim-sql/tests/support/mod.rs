//! Filters and rows, for the tests on SQLite.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql, params_from_iter};
use scim_filter::{Filter, Predicate};
use scim_schema::{ReadContext, ResourceType, Tolerance};
use scim_sql::{Bind, Fragment};

pub(crate) fn resolve(text: &str, on: &ResourceType, tolerance: &Tolerance) -> Predicate {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    filter.resolve(on, &mut ReadContext::new(tolerance)).unwrap()
}

/// The texts in the first column of the rows that a fragment selects. `select` goes up to `WHERE`; the first
/// parameters of the statement are `before`.
pub(crate) fn select(
    connection: &Connection,
    select: &str,
    before: &[Bind],
    fragment: &Fragment,
    order: &str,
) -> Vec<String> {
    let sql = format!("{select} {} ORDER BY {order}", fragment.sql);
    let mut statement = connection.prepare(&sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let binds = before.iter().chain(&fragment.binds).map(Param);
    statement.query_map(params_from_iter(binds), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

struct Param<'a>(&'a Bind);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Bind::Text(text) => text.to_sql(),
            Bind::Integer(number) => number.to_sql(),
            Bind::Real(number) => number.to_sql(),
            Bind::Boolean(flag) => flag.to_sql(),
            other => panic!("{other:?}"),
        }
    }
}
