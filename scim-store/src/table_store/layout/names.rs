//! The SQL of the names of resources: the one without which a row does not exist for SCIM, and the one that references
//! show.

use scim_core::schema::standard;
use scim_sql::Dialect;

use super::json::json_value;
use crate::table_store::expression::ExpressionType;
use crate::table_store::sql::{as_text, quote};
use crate::table_store::table::{Place, Table};

/// The SQL of the `userName` of a user, or of the `displayName` of a group.
pub(super) fn required_name(table: &Table) -> Option<String> {
    text(table, "userName").or_else(|| text(table, "displayName"))
}

/// The SQL of the name that references to a resource show: `displayName`, else `userName`.
pub(super) fn shown_name(table: &Table, dialect: Dialect) -> String {
    let in_rest = |rest: &String| json_value(&format!("t.{}", quote(rest)), &["displayName"], dialect);
    let display = text(table, "displayName").or_else(|| table.rest.as_ref().map(in_rest));
    match (display, text(table, "userName")) {
        (Some(display), Some(user)) => format!("coalesce({display}, {user})"),
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => "NULL".to_owned(),
    }
}

/// The SQL of an attribute of the core schema.
fn text(table: &Table, name: &str) -> Option<String> {
    let is_named = |path: &str| {
        let schemas = [standard::USER, standard::GROUP];
        let in_schema = |schema: &&str| path.strip_prefix(*schema).and_then(|rest| rest.strip_prefix(':'));
        schemas.iter().find_map(in_schema).unwrap_or(path).eq_ignore_ascii_case(name)
    };
    table.attributes.iter().filter(|declared| is_named(&declared.path)).find_map(|declared| {
        match &declared.place {
            Place::Text(column) => Some(as_text(&format!("t.{}", quote(column)))),
            Place::Expression(read) if read.result == ExpressionType::Text => Some(as_text(&read.read)),
            _ => None,
        }
    })
}
