//! The migrations of a database.

use scim_sql::Dialect;

use super::error::DatabaseError;

/// Statements that create and upgrade the tables of a database. They run when the database is opened, in one
/// transaction. If several processes open it at the same time, one runs them and the others wait.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(any(feature = "rusqlite-0_37", feature = "tokio-postgres-0_7")),
    expect(dead_code, reason = "only these drivers open databases")
)]
pub(crate) struct Migrations {
    /// The statements that create the table with the version; they have no effect if it exists.
    pub(crate) create_version: &'static str,
    /// The query for the version: one row with one column, a text.
    pub(crate) select_version: &'static str,
    /// The statements that upgrade tables of this version, and set the new version. None if the version is the latest.
    pub(crate) missing: fn(version: &str, dialect: Dialect) -> Result<Vec<String>, DatabaseError>,
}
