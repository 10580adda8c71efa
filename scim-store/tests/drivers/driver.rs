//! The drivers, each with the tables of the tests.

use std::sync::Arc;

use scim_store::{Database, DatabaseError, Mode, Param, Statement, Transaction};
use tokio::runtime::Runtime;

use crate::open::open;
use crate::support;

/// A driver with a new database, or with a new schema in the PostgreSQL database.
pub(crate) struct Driver {
    pub(crate) name: &'static str,
    pub(crate) database: Arc<dyn Database>,
    /// The URL of the database.
    pub(crate) url: String,
    /// The schema of PostgreSQL with a dot at its end; empty in SQLite.
    schema: String,
    by_sqlx: bool,
    _file: Option<support::Database>,
}

const TABLES: [&str; 2] = [
    "CREATE TABLE {}parent (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE {}item (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL CONSTRAINT item_name_key UNIQUE,
        parent INTEGER CONSTRAINT item_parent_fkey REFERENCES {}parent (id),
        guardian INTEGER REFERENCES {}parent (id) DEFERRABLE INITIALLY DEFERRED,
        size INTEGER CHECK (size >= 0)
    )",
];

impl Driver {
    /// Every driver.
    pub(crate) fn all(runtime: &Runtime) -> Vec<Self> {
        let file = support::file();
        let sqlite = Self {
            name: "rusqlite",
            database: runtime.block_on(open(&file.url, false, 16, &[])),
            url: file.url.clone(),
            schema: String::new(),
            by_sqlx: false,
            _file: Some(file),
        };
        sqlite.create_tables(runtime);
        [sqlite].into_iter().chain(Self::postgres(runtime)).collect()
    }

    /// The drivers of PostgreSQL; none if there is no server.
    pub(crate) fn postgres(runtime: &Runtime) -> Vec<Self> {
        let Some(url) = support::postgres() else { return Vec::new() };
        let drivers = if cfg!(feature = "sqlx-0_8") { [false, true].as_slice() } else { &[false] };
        let create = |by_sqlx: &bool| {
            let driver = Self {
                name: if *by_sqlx { "sqlx" } else { "tokio-postgres" },
                database: runtime.block_on(open(&url, *by_sqlx, 16, &[])),
                url: url.clone(),
                schema: format!("drivers_{}.", support::tenant().replace('-', "_")),
                by_sqlx: *by_sqlx,
                _file: None,
            };
            driver.sql(runtime, &format!("CREATE SCHEMA {}", driver.schema.trim_end_matches('.')));
            driver.create_tables(runtime);
            driver
        };
        drivers.iter().map(create).collect()
    }

    fn create_tables(&self, runtime: &Runtime) {
        for table in TABLES {
            self.sql(runtime, table);
        }
        self.sql(runtime, "INSERT INTO {}parent VALUES (1, 'one'), (2, 'two')");
    }

    /// The same PostgreSQL database with settings of the connections. One driver of the two takes a pool with the given
    /// number of connections; the other one always has 16.
    pub(crate) fn with_settings(
        &self,
        runtime: &Runtime,
        connections: u32,
        settings: &[(&str, &str)],
    ) -> Arc<dyn Database> {
        runtime.block_on(open(&self.url, self.by_sqlx, connections, settings))
    }

    /// The same PostgreSQL database at another URL.
    pub(crate) fn at(&self, runtime: &Runtime, url: &str) -> Arc<dyn Database> {
        runtime.block_on(open(url, self.by_sqlx, 4, &[]))
    }

    pub(crate) fn is_postgres(&self) -> bool {
        !self.schema.is_empty()
    }

    /// Runs SQL on another connection. `{}` is the schema.
    pub(crate) fn sql(&self, runtime: &Runtime, sql: &str) -> Vec<Vec<String>> {
        let database = support::database_at(&self.url);
        support::run_sql(runtime, &database, &sql.replace("{}", &self.schema))
    }

    /// A statement. `{}` is the schema.
    pub(crate) fn statement(&self, sql: &str, params: impl IntoIterator<Item = Param>) -> Statement {
        Statement::new(sql.replace("{}", &self.schema), params)
    }

    pub(crate) fn insert(&self, id: i64, name: &str) -> Statement {
        self.statement("INSERT INTO {}item (id, name) VALUES ($1, $2)", [id.into(), name.into()])
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Box<dyn Transaction> {
        self.database.begin(mode).await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Runs a statement in a transaction of its own.
    pub(crate) async fn write(&self, statement: Statement) -> Result<(), DatabaseError> {
        self.database.begin(Mode::Write).await?.commit(vec![statement]).await.map(|_| ())
    }

    /// The number of items.
    pub(crate) async fn count(&self) -> i64 {
        count_in(self, &mut *self.begin(Mode::Single).await).await
    }
}

/// The number of items that a transaction sees.
pub(crate) async fn count_in(driver: &Driver, tx: &mut dyn Transaction) -> i64 {
    let rows = tx.query(vec![driver.statement("SELECT count(*) FROM {}item", [])]).await.unwrap();
    rows[0].first().and_then(|row| row.int(0)).unwrap()
}
