//! A transaction of SQLite.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use scim_core::async_trait;
use tokio::task::spawn_blocking;

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;
use super::super::statement::{Mode, Statement};
use super::super::{CancelOnDrop, Transaction};
use super::connections::BorrowedConnection;
use super::interrupt::{self, CancelFlag, InterruptibleConnection};

/// A transaction. BEGIN runs before the first statement, on the same thread.
pub(crate) struct SqliteTransaction {
    /// Shared with statements that run on another thread: if the transaction is dropped meanwhile, the connection is
    /// returned only when the statement has ended.
    connection: Arc<BorrowedConnection>,
    /// The BEGIN, until it has run.
    begin: Option<&'static str>,
    /// Whether the transaction has begun and not yet been committed.
    open: bool,
    /// Whether statements run on the calling thread. The providers run a transaction that reads on one blocking thread
    /// from beginning to end. A transaction that writes sends its statements to a blocking thread, since its caller
    /// borrows the context and so cannot move to another thread.
    on_calling_thread: bool,
    cancelled: CancelFlag,
    _cancel_on_drop: interrupt::CancelOnDrop,
    timeout: Duration,
}

/// Runs statements on a locked connection.
struct Runner<'a> {
    connection: &'a InterruptibleConnection,
    cancelled: CancelFlag,
    timeout: Duration,
}

impl Runner<'_> {
    fn run<T>(&self, statement: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.run(&self.cancelled, self.timeout, statement)
    }

    /// Commits. A COMMIT is never interrupted, so its result is always known.
    fn commit(&self) -> rusqlite::Result<()> {
        execute(self.connection.uninterrupted(), "COMMIT")
    }
}

impl SqliteTransaction {
    pub(super) fn new(connection: BorrowedConnection, mode: Mode, timeout: Duration) -> Self {
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some("BEGIN"),
            Mode::Write => Some("BEGIN IMMEDIATE"),
        };
        let cancelled = CancelFlag::default();
        Self {
            _cancel_on_drop: cancelled.cancel_on_drop(),
            cancelled,
            connection: Arc::new(connection),
            begin,
            open: false,
            on_calling_thread: false,
            timeout,
        }
    }

    /// Runs statements and returns the rows of each, and then commits if `commit`, all on one thread: changing the thread
    /// costs as much as a statement.
    async fn query_all(
        &mut self,
        statements: Vec<Statement>,
        commit: bool,
    ) -> Result<Vec<Rows>, DatabaseError> {
        let commit = commit && (self.open || !statements.is_empty());
        if statements.is_empty() && !commit {
            return Ok(Vec::new());
        }
        let found = self.run(move |runner| {
            let query = |Statement { sql, params }| runner.run(|connection| query(connection, &sql, params));
            let found = statements.into_iter().map(query).collect::<Result<_, _>>()?;
            if commit {
                runner.commit()?;
            }
            Ok(found)
        });
        let found = found.await?;
        self.open &= !commit;
        Ok(found)
    }

    /// Runs work of the application on the connection, on the thread of the transaction.
    pub(crate) async fn with_connection<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.run(move |runner| runner.run(work)).await
    }

    /// Runs work on the connection, after BEGIN if the transaction has not begun: on the calling thread or on a
    /// blocking thread, according to the mode.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Runner<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (connection, cancelled, timeout) =
            (self.connection.clone(), self.cancelled.clone(), self.timeout);
        let begin = self.begin.take();
        self.open |= begin.is_some();
        let work = move || {
            let connection = connection.lock()?;
            let runner = Runner { connection: &connection, cancelled, timeout };
            let begun = begin.map_or(Ok(()), |sql| runner.run(|connection| execute(connection, sql)));
            Ok(begun.and_then(|()| work(&runner))?)
        };
        if self.on_calling_thread {
            return work();
        }
        spawn_blocking(work).await.map_err(|error| DatabaseError::Unexpected(error.into()))?
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.query_all(statements, false).await
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        self.run(move |runner| {
            let execute = |Statement { sql, params }: Statement| {
                let changed = runner
                    .run(|connection| connection.prepare_cached(&sql)?.execute(params_from_iter(params)))?;
                Ok(changed as u64)
            };
            statements.into_iter().map(execute).collect()
        })
        .await
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.query_all(statements, true).await
    }

    fn block_calling_thread(&mut self) -> Option<CancelOnDrop> {
        self.on_calling_thread = true;
        Some(CancelOnDrop::new(self.cancelled.cancel_on_drop()))
    }

    fn driver(&mut self) -> &mut dyn Any {
        self
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn query(connection: &Connection, sql: &str, params: Vec<Param>) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(params))?;
    let mut rows = Rows::new(columns);
    while let Some(row) = found.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => rows.push_null(),
                ValueRef::Integer(number) => rows.push_int(number),
                ValueRef::Real(number) => rows.push_real(number),
                text @ ValueRef::Text(_) => rows.push_text(text.as_str()?),
                other => {
                    let kind = other.data_type();
                    return Err(rusqlite::Error::InvalidColumnType(column, String::new(), kind));
                }
            }
        }
    }
    Ok(rows)
}

impl rusqlite::ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Bool(flag) => i64::from(*flag).into(),
        })
    }
}
