//! Columns with times, in each of the forms that applications use.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use scim_sql::Dialect;

use crate::database::Row;
use crate::table_store::catalog::{CatalogColumn, ColumnKind};
use crate::table_store::table::TimeUnit;

/// A column with times. The store reads and writes milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub(crate) struct TimeColumn {
    /// The quoted name.
    pub(crate) column: String,
    /// The milliseconds as an integer, with the alias `t`, for searches.
    pub(crate) read: String,
    /// What a query selects: the milliseconds, or the text itself, which [`decode`](Self::decode) converts faster than
    /// the database.
    pub(crate) select: String,
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
                format!("round(date_part('epoch', {name}) * 1000)"),
                "to_timestamp(CAST({} AS bigint) / 1000.0)".to_owned(),
            ),
            (_, ColumnKind::Timestamp, _) => (
                format!("round(date_part('epoch', {name}) * 1000)"),
                "(to_timestamp(CAST({} AS bigint) / 1000.0) AT TIME ZONE 'UTC')".to_owned(),
            ),
            _ => return Err("must be a timestamp, or an integer with `.time_unit(..)`"),
        };
        let read = match dialect {
            Dialect::Sqlite => read,
            _ => format!("CAST({read} AS bigint)"),
        };
        let is_text = dialect == Dialect::Sqlite && column.kind != ColumnKind::Integer;
        let select = if is_text { format!("t.{quoted}") } else { read.clone() };
        Ok(Self { column: quoted.to_owned(), read, select, write })
    }

    /// The time in a cell as SCIM writes it; `None` if it is NULL or no time.
    pub(crate) fn decode(row: Row<'_>, column: usize) -> Option<String> {
        match row.text(column) {
            Some(text) => written_from_text(text).or_else(|| Some(written(parse(text)?))),
            None => Some(written(DateTime::from_timestamp_millis(row.int(column)?)?)),
        }
    }
}

/// The time in a text as `datetime()` of SQLite writes it, with up to three digits of a fraction of a second, as SCIM
/// writes it. `None` for all other texts. Most texts have this form, and [`parse`] takes ten times as long.
fn written_from_text(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ')?;
    let mut numbers = date.splitn(3, '-').map(|digits| digits.parse::<u32>().ok());
    let [year, month, day] = [numbers.next()??, numbers.next()??, numbers.next()??];
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let has_form = date.len() == 10
        && clock.len() == 8
        && fraction.len() <= 3
        && [date, clock, fraction]
            .into_iter()
            .flat_map(str::bytes)
            .all(|byte| byte.is_ascii_digit() || b"-:".contains(&byte));
    let mut numbers = clock.splitn(3, ':').map(|digits| digits.parse::<u32>().ok());
    let [hour, minute, second] = [numbers.next()??, numbers.next()??, numbers.next()??];
    if !has_form || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let zeros = "000".get(fraction.len()..).unwrap_or_default();
    Some([date, "T", clock, ".", fraction, zeros, "Z"].concat())
}

/// The time in a text of SQLite: as `datetime()` writes it, or in the format of RFC 3339.
fn parse(text: &str) -> Option<DateTime<Utc>> {
    let written_by_sqlite = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
    match written_by_sqlite.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")) {
        Ok(time) => Some(time.and_utc()),
        Err(_) => {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0)).map(|time| time.and_utc());
            midnight.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()))
        }
    }
}

/// A time as SCIM writes it, with milliseconds.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_sqlite_are_times() {
        for text in [
            "2026-01-02 03:04:05",
            "2026-01-02 03:04:05.000",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05Z",
            "2026-01-02T04:04:05+01:00",
        ] {
            assert_eq!(parse(text).map(written).as_deref(), Some("2026-01-02T03:04:05.000Z"), "{text}");
        }
        assert_eq!(
            parse("2026-01-02 03:04:05.1239").map(written).as_deref(),
            Some("2026-01-02T03:04:05.123Z")
        );
        assert_eq!(parse("2026-01-02").map(written).as_deref(), Some("2026-01-02T00:00:00.000Z"));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn texts_in_the_usual_form_are_converted_without_a_calendar() {
        for (text, time) in [
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02 03:04:05.1", "2026-01-02T03:04:05.100Z"),
            ("2024-02-29 23:59:59.999", "2024-02-29T23:59:59.999Z"),
        ] {
            assert_eq!(written_from_text(text).as_deref(), Some(time));
            assert_eq!(parse(text).map(written).as_deref(), Some(time));
        }
        for text in [
            "2026-02-29 03:04:05",
            "2026-1-02 03:04:05",
            "2026-01-02T03:04:05",
            "2026-01-02 3:04:05",
            "2026-01-02 24:00:00",
            "2026-01-02 03:04:05.12345",
            "2026-01-02 03:04:05.x",
            "+026-01-02 03:04:05 ",
            "2026-01-02 03:04",
            "",
        ] {
            assert_eq!(written_from_text(text), None, "{text}");
        }
    }
}
