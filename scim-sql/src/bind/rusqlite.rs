//! For rusqlite.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use crate::BindValue;

impl ToSql for BindValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Integer(number) => number.to_sql(),
            Self::Real(number) => number.to_sql(),
            Self::Boolean(flag) => flag.to_sql(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_the_same_in_sqlite() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let values = [
            BindValue::Text("é".to_owned()),
            BindValue::Integer(7),
            BindValue::Real(1.5),
            BindValue::Boolean(true),
        ];
        let sql = "SELECT ?1 = 'é' AND ?2 = 7 AND ?3 = 1.5 AND ?4 IS TRUE";
        let params = rusqlite::params_from_iter(&values);
        assert!(connection.query_row(sql, params, |row| row.get::<_, bool>(0)).unwrap());
    }
}
