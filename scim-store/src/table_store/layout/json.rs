//! The SQL that reads a member of JSON in a column.

use scim_sql::Dialect;

use crate::table_store::sql::literal;

/// The expression for a member of JSON as a text, or in SQLite as a value.
pub(super) fn json_value(json: &str, names: &[&str], dialect: Dialect) -> String {
    let path = literal(&json_path(names, dialect));
    match dialect {
        Dialect::Sqlite => format!("json_extract({json}, {path})"),
        _ => format!("(CAST(CAST({json} AS text) AS jsonb) #>> {path})"),
    }
}

/// The path to a member of JSON in the syntax of the database.
pub(super) fn json_path(names: &[&str], dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => {
            format!("${}", names.iter().map(|name| format!(".\"{name}\"")).collect::<String>())
        }
        _ => {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("{{{}}}", names.join(","))
        }
    }
}
