//! The database as the store uses it: with statements in the syntax of SQLite, for both dialects.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_sql::Dialect;

use super::syntax;
use crate::database::{self, CancelOnDrop, DatabaseError, Dependencies, Mode, Param, Rows, params};

/// A statement that returns rows, with its parameters.
pub(crate) type RowQuery = (Cow<'static, str>, Vec<Param>);

/// A statement that returns no rows, with its parameters.
pub(crate) type Statement = (&'static str, Vec<Param>);

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    inner: Arc<dyn database::Database>,
    /// The number of changes since the search index was written.
    search_changes: Arc<AtomicUsize>,
}

/// After how many changes the search index of SQLite is written. Searches compare the resources that are not in it yet one by
/// one.
const SEARCH_CHANGES: usize = 64;

/// A transaction. Dropping it without a commit rolls it back.
pub(crate) struct Transaction {
    inner: Box<dyn database::Transaction>,
    dialect: Dialect,
    search_changes: Arc<AtomicUsize>,
}

impl Database {
    pub(crate) fn new(database: Arc<dyn database::Database>) -> Self {
        Self { inner: database, search_changes: Arc::default() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    /// The database, for statements that are in its own syntax.
    pub(crate) fn inner(&self) -> Arc<dyn database::Database> {
        self.inner.clone()
    }

    /// Takes a connection and begins a transaction on it.
    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, DatabaseError> {
        let inner = self.inner.begin(mode).await?;
        Ok(Transaction { inner, dialect: self.dialect(), search_changes: self.search_changes.clone() })
    }
}

impl Transaction {
    /// See [`database::Transaction::block_calling_thread`].
    pub(crate) fn block_calling_thread(&mut self) -> Option<CancelOnDrop> {
        self.inner.block_calling_thread()
    }

    /// See [`database::Transaction::dependencies`].
    pub(crate) fn dependencies(&self) -> Option<Dependencies> {
        self.inner.dependencies()
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The transaction, for statements that are in the syntax of the database.
    pub(crate) fn inner(&mut self) -> &mut dyn database::Transaction {
        &mut *self.inner
    }

    /// Counts a change of what the search index of SQLite has. Returns true if the index must be written: it costs as much for
    /// many resources as for one.
    pub(crate) fn count_search_change(&self) -> bool {
        let changes = self.search_changes.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = changes >= SEARCH_CHANGES;
        if is_due {
            self.search_changes.store(0, Ordering::Relaxed);
        }
        is_due
    }

    /// The clause at the end of a query that locks its rows. Empty for SQLite, which needs none: only one
    /// transaction can write at a time.
    pub(crate) fn lock(&self, clause: &'static str) -> &'static str {
        if self.dialect == Dialect::Sqlite { "" } else { clause }
    }

    /// Locks a tenant until the transaction ends, so that one transaction at a time does what must not happen twice at
    /// once. Does nothing in SQLite, where only one transaction can write at a time.
    pub(crate) async fn lock_tenant(&mut self, tenant: &str) -> Result<(), DatabaseError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(());
        }
        // The update locks the row that another transaction has inserted, or inserts meanwhile.
        let sql = "INSERT INTO tenant (tenant) VALUES (?1) ON CONFLICT (tenant) DO UPDATE SET position = tenant.position";
        self.inner.execute(self.translate(vec![(sql, params![tenant])])).await.map(|_| ())
    }

    /// Runs a query and returns its rows.
    pub(crate) async fn query(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
    ) -> Result<Rows, DatabaseError> {
        Ok(self.query_all(vec![(sql.into(), params)]).await?.pop().unwrap_or_default())
    }

    /// Runs queries in their order, and returns the rows of each.
    pub(crate) async fn query_all(&mut self, queries: Vec<RowQuery>) -> Result<Vec<Rows>, DatabaseError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        self.inner.query(self.translate(queries)).await
    }

    /// Runs statements that return no rows, in their order.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Conflict`] if the last statement changes no row. Callers put the statement last that would
    /// find no row if another transaction interfered.
    pub(crate) async fn execute(&mut self, statements: Vec<Statement>) -> Result<(), DatabaseError> {
        let changed = self.inner.execute(self.translate(statements)).await?;
        match changed.last() {
            Some(0) => Err(DatabaseError::changed_meanwhile()),
            _ => Ok(()),
        }
    }

    /// Runs statements, and commits. `events` are the statements that record events.
    pub(crate) async fn commit(
        self,
        statements: Vec<Statement>,
        events: Vec<database::Statement>,
    ) -> Result<(), DatabaseError> {
        let mut statements = self.translate(statements);
        statements.extend(events);
        self.inner.commit(statements).await.map(|_| ())
    }

    /// The statements in the syntax of the database.
    fn translate<S: Into<Cow<'static, str>>>(
        &self,
        statements: Vec<(S, Vec<Param>)>,
    ) -> Vec<database::Statement> {
        let translate = |(sql, params): (S, Vec<Param>)| {
            let sql: Cow<'static, str> = sql.into();
            database::Statement {
                sql: if self.dialect == Dialect::Sqlite { sql } else { syntax::translate(&sql).into() },
                params,
            }
        };
        statements.into_iter().map(translate).collect()
    }
}
