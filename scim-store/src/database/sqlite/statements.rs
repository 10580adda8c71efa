//! Runs one statement, which the connection keeps prepared.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::super::param::Param;
use super::super::rows::Rows;

pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

pub(super) fn query(connection: &Connection, sql: &str, params: Vec<Param>) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(params))?;
    let mut rows = Rows::new(columns);
    while let Some(row) = found.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => rows.push_null(),
                ValueRef::Integer(number) => rows.push_int(number),
                ValueRef::Real(number) => rows.push_real(number),
                text @ ValueRef::Text(_) => rows.push_text(text.as_str()?),
                other => {
                    let kind = other.data_type();
                    return Err(rusqlite::Error::InvalidColumnType(column, String::new(), kind));
                }
            }
        }
    }
    Ok(rows)
}

impl rusqlite::ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Bool(flag) => i64::from(*flag).into(),
        })
    }
}
