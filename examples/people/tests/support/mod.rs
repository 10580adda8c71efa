//! New databases for the tests, which are read and changed beside the host.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::PathBuf;

use host_common::testing::HostProgram;
use serde_json::{Map, Value};
use tokio_postgres::SimpleQueryMessage;

/// A database without tables. Dropping it removes it.
pub(crate) struct TestDatabase {
    /// The value of `DATABASE_URL`.
    pub(crate) url: String,
    kind: Kind,
}

enum Kind {
    /// A file in a directory of its own.
    Sqlite { directory: PathBuf },
    /// A schema in the database of this URL.
    Postgres { server: String, schema: String },
}

impl TestDatabase {
    /// A database in a new file.
    pub(crate) fn sqlite() -> Self {
        let directory = std::env::temp_dir().join(format!("people-{}", scim_core::new_id()));
        std::fs::create_dir(&directory).unwrap();
        let url = format!("sqlite:{}", directory.join("people.db").display());
        Self { url, kind: Kind::Sqlite { directory } }
    }

    /// A new schema in the database of `SCIM_TEST_POSTGRES`; `None` if the variable is not set.
    pub(crate) fn postgres() -> Option<Self> {
        let Some(server) = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            let skipped = "SKIPPED: tests on PostgreSQL, since SCIM_TEST_POSTGRES is not set";
            // Not with eprintln!, whose output the test harness hides unless a test fails.
            let _ = writeln!(std::io::stderr(), "{skipped}");
            return None;
        };
        let schema = format!("people_{}", scim_core::new_id().replace('-', "_"));
        postgres_query(&server, &format!("CREATE SCHEMA {schema}"));
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options=-c%20search_path%3D{schema}");
        Some(Self { url, kind: Kind::Postgres { server, schema } })
    }

    /// The host with this database.
    pub(crate) fn host(&self) -> HostProgram {
        HostProgram::new(env!("CARGO_BIN_EXE_people-host"), self.url.as_str())
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.kind, Kind::Postgres { .. })
    }

    /// Runs statements, as the application does beside SCIM.
    pub(crate) fn run(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite { .. } => self.sqlite_connection().execute_batch(sql).expect(sql),
            Kind::Postgres { .. } => {
                postgres_query(&self.url, sql);
            }
        }
    }

    /// The rows of a table in order of its first columns, as JSON objects that are equal on all databases: without the
    /// columns that are NULL, and without times and the keys of the audit table. Keys are texts, so that a placeholder
    /// can stand for them.
    pub(crate) fn rows(&self, table: &str) -> Value {
        let rows = match &self.kind {
            Kind::Sqlite { .. } => self.sqlite_rows(table),
            Kind::Postgres { .. } => {
                let sql = format!("SELECT to_jsonb(r) FROM (SELECT * FROM {table} ORDER BY 1, 2) r");
                let rows = postgres_query(&self.url, &sql);
                rows.iter().map(|row| serde_json::from_str(row).expect("PostgreSQL writes JSON")).collect()
            }
        };
        rows.into_iter().map(comparable).collect()
    }

    fn sqlite_rows(&self, table: &str) -> Vec<Map<String, Value>> {
        use rusqlite::types::ValueRef;
        let connection = self.sqlite_connection();
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let rows = statement.query_map([], |row| {
            let cell = |(index, name): (usize, &String)| {
                let value = match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => number.into(),
                    other => other.as_str()?.into(),
                };
                Ok((name.clone(), value))
            };
            names.iter().enumerate().map(cell).collect()
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn sqlite_connection(&self) -> rusqlite::Connection {
        let path = self.url.strip_prefix("sqlite:").expect("the URL of a file");
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        connection
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Sqlite { directory } => {
                let _ = std::fs::remove_dir_all(directory);
            }
            // After a failure the schema is left behind, since a second panic would hide the reason of the first.
            Kind::Postgres { .. } if std::thread::panicking() => {}
            Kind::Postgres { server, schema } => {
                postgres_query(server, &format!("DROP SCHEMA {schema} CASCADE"));
            }
        }
    }
}

/// Runs statements on a new connection. Returns the first column of each row.
fn postgres_query(url: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await.expect(sql);
        let first = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        messages.iter().filter_map(first).collect()
    })
}

/// A row in the form that is equal on all databases.
fn comparable(row: Map<String, Value>) -> Value {
    let is_compared = |name: &str| !matches!(name, "audit_id" | "at" | "created_at" | "updated_at");
    let cells = row.into_iter().filter(|(name, value)| is_compared(name) && !value.is_null());
    let cells = cells.map(|(name, value)| {
        let value = match &value {
            Value::Number(key) if name == "key" || name.ends_with("_id") => Value::from(key.to_string()),
            Value::Number(flag) if name == "is_active" => Value::from(flag.as_i64() != Some(0)),
            _ => value,
        };
        (name, value)
    });
    Value::Object(cells.collect())
}
