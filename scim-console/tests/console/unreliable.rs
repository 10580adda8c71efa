//! A database that can be slow or unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_core::async_trait;
use scim_store::{Database, DatabaseError, Dialect, Mode, Transaction};
use tokio::sync::Semaphore;

/// An SQLite database in memory whose transactions wait for permits, or fail.
#[derive(Clone, Debug)]
pub(crate) struct UnreliableDatabase {
    database: Arc<dyn Database>,
    pub(crate) writes: Arc<Semaphore>,
    pub(crate) is_down: Arc<AtomicBool>,
}

impl UnreliableDatabase {
    pub(crate) async fn open() -> Self {
        let database = scim_store::open("sqlite::memory:").await.unwrap();
        Self { database, writes: Arc::new(Semaphore::new(usize::MAX >> 4)), is_down: Arc::default() }
    }
}

#[async_trait]
impl Database for UnreliableDatabase {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(DatabaseError::Unavailable("the database is down".into()));
        }
        if mode == Mode::Write {
            let _permit = self.writes.acquire().await.unwrap();
        }
        self.database.begin(mode).await
    }
}
