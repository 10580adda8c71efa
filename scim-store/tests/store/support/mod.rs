//! The databases that the tests run on.

#[cfg(unix)]
pub(crate) mod postgres_server;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod recording;
pub(crate) mod service;
pub(crate) mod tenant_equality;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_store::Store;

/// A database to test on. Dropping it removes its file.
pub(crate) struct Database {
    pub(crate) url: String,
    file: Option<PathBuf>,
}

impl Database {
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            if let Some(file) = &self.file {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
        }
    }
}

/// The URL of the PostgreSQL database to test on. Reports to standard error if there is none.
pub(crate) fn postgres() -> Option<String> {
    let url = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    let missing = match url {
        _ if !cfg!(feature = "tokio-postgres-0_7") => "the feature `postgres` is off",
        None => "SCIM_TEST_POSTGRES is not set",
        url => return url,
    };
    // Not with eprintln!, whose output the test harness hides unless a test fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED: tests on PostgreSQL, since {missing}");
    None
}

/// A new SQLite file.
pub(crate) fn file() -> Database {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("scim-store-{}-{}.db", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    let database = Database { url: format!("sqlite:{}", file.display()), file: Some(file) };
    // An earlier process with the same id may have left a file.
    drop(Database { url: String::new(), file: database.file.clone() });
    database
}

/// The database at a URL. Dropping it removes nothing.
pub(crate) fn database_at(url: &str) -> Database {
    Database { url: url.to_owned(), file: None }
}

/// A database of each kind.
pub(crate) fn databases() -> Vec<Database> {
    let postgres = postgres().map(|url| database_at(&url));
    [database_at("sqlite::memory:"), file()].into_iter().chain(postgres).collect()
}

/// A new tenant. All tests share one PostgreSQL database, so each needs its own tenant.
pub(crate) fn tenant() -> String {
    scim_core::new_id()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn open(runtime: &tokio::runtime::Runtime, database: &Database) -> Store {
    runtime.block_on(Store::open(&database.url)).unwrap()
}

/// Runs futures concurrently, and returns their results in order.
pub(crate) async fn join_all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, done) in futures.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if futures.iter().all(|(_, done)| done.is_some()) {
            return std::task::Poll::Ready(futures.drain(..).filter_map(|(_, done)| done).collect());
        }
        std::task::Poll::Pending
    })
    .await
}

/// A connection to PostgreSQL that does not belong to the store.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs SQL on a connection that does not belong to the store. Returns the rows as texts; NULL is an empty text.
pub(crate) fn run_sql(runtime: &tokio::runtime::Runtime, database: &Database, sql: &str) -> Vec<Vec<String>> {
    if database.url.starts_with("postgres") {
        let messages =
            runtime.block_on(async { connect(&database.url).await.simple_query(sql).await.unwrap() });
        let rows = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let cells = |row: &tokio_postgres::SimpleQueryRow| {
            (0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect()
        };
        return rows.map(cells).collect();
    }
    let connection = rusqlite::Connection::open(database.url.trim_start_matches("sqlite:")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let cell = |row: &rusqlite::Row<'_>, column| {
        Ok(match row.get::<_, rusqlite::types::Value>(column)? {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            _ => String::new(),
        })
    };
    let rows = statement.query_map([], |row| (0..columns).map(|column| cell(row, column)).collect());
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}
