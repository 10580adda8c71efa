//! The databases that the tests run on.

pub(crate) mod service;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_store::Store;

/// A database to test on; a file goes with it.
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

/// The URL of a PostgreSQL to test on, if there is one; says loudly if not.
pub(crate) fn postgres() -> Option<String> {
    let url = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    let missing = match url {
        _ if !cfg!(feature = "postgres") => "the feature `postgres` is off",
        None => "SCIM_TEST_POSTGRES is not set",
        url => return url,
    };
    // Not by a macro, whose output is shown for tests that fail only.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}, so nothing is tested on PostgreSQL");
    None
}

pub(crate) fn file() -> Database {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("scim-store-{}-{}.db", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    let database = Database { url: format!("sqlite:{}", file.display()), file: Some(file) };
    drop(Database { url: String::new(), file: database.file.clone() });
    database
}

/// A database of each kind.
pub(crate) fn databases() -> Vec<Database> {
    let memory = Database { url: "sqlite::memory:".to_owned(), file: None };
    let postgres = postgres().map(|url| Database { url, file: None });
    [memory, file()].into_iter().chain(postgres).collect()
}

/// A tenant that no other test has, since all of them share one PostgreSQL.
pub(crate) fn tenant() -> String {
    scim_core::new_id()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn open(runtime: &tokio::runtime::Runtime, database: &Database) -> Store {
    runtime.block_on(Store::open(&database.url)).unwrap()
}

/// Waits for all of them at once.
pub(crate) async fn all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
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

/// Runs a statement on PostgreSQL, apart from the store.
pub(crate) fn run_on_postgres(runtime: &tokio::runtime::Runtime, url: &str, sql: &str) {
    #[cfg(feature = "postgres")]
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
    #[cfg(not(feature = "postgres"))]
    let _ = (runtime, url, sql);
}
