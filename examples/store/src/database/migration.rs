//! How a database gets its tables, whatever these are.

use scim_sql::Dialect;

use super::error::DatabaseError;

/// What brings the tables of a database up to date. Each database runs it when it is opened: in one
/// transaction, and one process after the other if several start at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migrations {
    /// The statements that create the table with the version; harmless if it exists.
    pub(crate) create_version: &'static str,
    /// The query for the version: one row with one text.
    pub(crate) select_version: &'static str,
    /// The statements that bring tables of this version up to date, which also set the version.
    pub(crate) missing: fn(version: &str, dialect: Dialect) -> Result<Vec<String>, DatabaseError>,
}
