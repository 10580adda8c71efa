//! Columns with times, in each of the forms that applications use.

use scim_sql::Dialect;

use crate::table_store::catalog::{CatalogColumn, ColumnKind};
use crate::table_store::table::TimeUnit;

/// A column with times. The store reads and writes milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub(crate) struct TimeColumn {
    /// The quoted name.
    pub(crate) column: String,
    /// The milliseconds as an integer, with the alias `t`.
    pub(crate) read: String,
    /// The value to set, with `{}` for the milliseconds.
    pub(crate) write: String,
}

impl TimeColumn {
    /// The conversions for a column; the error says why there are none, and what to write instead.
    pub(crate) fn new(
        quoted: &str,
        column: &CatalogColumn,
        unit: Option<TimeUnit>,
        dialect: Dialect,
    ) -> Result<Self, &'static str> {
        let name = format!("t.{quoted}");
        let (read, write) = match (dialect, column.kind, unit) {
            (_, ColumnKind::Integer, Some(TimeUnit::Seconds)) => {
                // Without the casts, PostgreSQL would compute in 32 bits.
                (format!("(CAST({name} AS bigint) * 1000)"), "(CAST({} AS bigint) / 1000)".to_owned())
            }
            (_, ColumnKind::Integer, Some(TimeUnit::Milliseconds)) => (name, "{}".to_owned()),
            (_, ColumnKind::Integer, None) => {
                return Err(
                    "has integers: call `.time_unit(TimeUnit::Seconds)` or `.time_unit(TimeUnit::Milliseconds)`",
                );
            }
            (Dialect::Sqlite, ColumnKind::Text | ColumnKind::Timestamp, _) => (
                // 2440587.5 is the Julian day number of 1970-01-01.
                format!("CAST(round((julianday({name}) - 2440587.5) * 86400000.0) AS integer)"),
                "strftime('%Y-%m-%d %H:%M:%f', {} / 1000.0, 'unixepoch')".to_owned(),
            ),
            (_, ColumnKind::TimestampWithZone, _) => (
                format!("CAST(floor(extract(epoch FROM {name}) * 1000) AS bigint)"),
                "to_timestamp(CAST({} AS bigint) / 1000.0)".to_owned(),
            ),
            (_, ColumnKind::Timestamp, _) => (
                format!("CAST(floor(extract(epoch FROM {name}) * 1000) AS bigint)"),
                "(to_timestamp(CAST({} AS bigint) / 1000.0) AT TIME ZONE 'UTC')".to_owned(),
            ),
            _ => return Err("must be a timestamp, or an integer with `.time_unit(..)`"),
        };
        let read = match dialect {
            Dialect::Sqlite => read,
            _ => format!("CAST({read} AS bigint)"),
        };
        Ok(Self { column: quoted.to_owned(), read, write })
    }
}
