//! The migrations of a database.

use scim_sql::Dialect;

use super::error::DatabaseError;

/// The steps that create and upgrade the tables of a database. They run when the database is opened. If several processes
/// open it at the same time, one runs a step and the others wait.
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
    /// The step that upgrades tables of this version; `None` if the version is the latest.
    pub(crate) next: fn(version: &str, dialect: Dialect) -> Result<Option<MigrationStep>, DatabaseError>,
}

/// A step from one version to another.
#[derive(Debug, Default)]
#[cfg_attr(
    not(any(feature = "rusqlite-0_37", feature = "tokio-postgres-0_7")),
    expect(dead_code, reason = "only these drivers open databases")
)]
pub(crate) struct MigrationStep {
    /// Indexes that PostgreSQL builds before the statements run, while other transactions go on to write the tables.
    #[cfg_attr(not(feature = "tokio-postgres-0_7"), expect(dead_code, reason = "for PostgreSQL"))]
    pub(crate) indexes: &'static [OnlineIndex],
    /// Whether other processes may be using the tables. A database that is new has no tables yet.
    #[cfg_attr(not(feature = "tokio-postgres-0_7"), expect(dead_code, reason = "for PostgreSQL"))]
    pub(crate) is_shared: bool,
    /// The statements, which run in one transaction. They set the new version.
    pub(crate) statements: Vec<String>,
}

/// An index of PostgreSQL that is built while other transactions write the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnlineIndex {
    pub(crate) name: &'static str,
    is_unique: bool,
    /// The table, and the columns as in CREATE INDEX.
    on: &'static str,
}

impl OnlineIndex {
    pub(crate) const fn new(name: &'static str, on: &'static str) -> Self {
        Self { name, is_unique: false, on }
    }

    pub(crate) const fn unique(name: &'static str, on: &'static str) -> Self {
        Self { name, is_unique: true, on }
    }

    /// The statement that creates it; `concurrently` while other transactions go on.
    pub(crate) fn create(&self, concurrently: bool) -> String {
        let unique = if self.is_unique { "UNIQUE " } else { "" };
        let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
        format!("CREATE {unique}INDEX {concurrently}{} ON {}", self.name, self.on)
    }
}
