//! A database that records the statements that it runs.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use scim_core::async_trait;
use scim_sql::Dialect;
use scim_store::{CancelOnDrop, Database, DatabaseError, Dependencies, Mode, Rows, Statement, Transaction};

/// A database that records the SQL of each statement.
#[derive(Clone, Debug)]
pub(crate) struct RecordingDatabase {
    database: Arc<dyn Database>,
    recorded: Recorded,
}

type Recorded = Arc<Mutex<BTreeSet<String>>>;

impl RecordingDatabase {
    pub(crate) fn new(database: Arc<dyn Database>) -> Self {
        Self { database, recorded: Arc::default() }
    }

    /// Forgets the statements that were run so far.
    pub(crate) fn forget(&self) {
        self.recorded.lock().unwrap().clear();
    }

    /// The different statements that were run.
    pub(crate) fn statements(&self) -> BTreeSet<String> {
        self.recorded.lock().unwrap().clone()
    }
}

#[async_trait]
impl Database for RecordingDatabase {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        let inner = self.database.begin(mode).await?;
        Ok(Box::new(RecordingTransaction { inner, recorded: self.recorded.clone() }))
    }
}

struct RecordingTransaction {
    inner: Box<dyn Transaction>,
    recorded: Recorded,
}

impl RecordingTransaction {
    fn record(&self, statements: &[Statement]) {
        let sql = statements.iter().map(|statement| statement.sql.to_string());
        self.recorded.lock().unwrap().extend(sql);
    }
}

#[async_trait]
impl Transaction for RecordingTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.record(&statements);
        self.inner.query(statements).await
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        self.record(&statements);
        self.inner.execute(statements).await
    }

    async fn commit(self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.record(&statements);
        self.inner.commit(statements).await
    }

    fn block_calling_thread(&mut self) -> Option<CancelOnDrop> {
        self.inner.block_calling_thread()
    }

    fn dependencies(&self) -> Option<Dependencies> {
        self.inner.dependencies()
    }

    fn driver(&mut self) -> &mut dyn Any {
        self.inner.driver()
    }
}
