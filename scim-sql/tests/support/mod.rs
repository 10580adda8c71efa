//! Parses filters and selects rows, for the tests on SQLite.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, ToSql, params_from_iter};
use scim_filter::{Filter, Predicate};
use scim_schema::{ReadContext, ResourceType, Tolerance};
use scim_sql::{BindValue, Fragment};

/// Parses and resolves a filter.
pub(crate) fn resolve(text: &str, resource_type: &ResourceType, tolerance: &Tolerance) -> Predicate {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    filter.resolve(resource_type, &mut ReadContext::new(tolerance)).unwrap()
}

/// The texts in the first column of the rows that a fragment selects. `select` is the statement up to `WHERE`, and
/// `before` are the values of the parameters before those of the fragment.
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
