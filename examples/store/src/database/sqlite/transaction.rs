//! A transaction of SQLite.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use tokio::task::spawn_blocking;

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;
use super::super::statement::{Asked, Mode, Statement};
use super::connections::BorrowedConnection;
use super::interrupt::{CancelFlag, CancelOnDrop, InterruptibleConnection};

/// A transaction; its first statement begins it.
pub(crate) struct Transaction {
    /// Statements share the connection with their transaction: if the call is dropped while a statement waits
    /// for its thread or runs, the connection is given back only when that is over.
    connection: Arc<BorrowedConnection>,
    begin: Option<&'static str>,
    open: bool,
    /// Transactions that read run on the thread that calls them, a blocking one, from beginning to end.
    /// Transactions that write send each statement to a blocking thread, since their callers borrow the
    /// context and cannot move to another thread.
    in_place: bool,
    cancelled: CancelFlag,
    _cancel_on_drop: CancelOnDrop,
    timeout: Duration,
}

/// Runs statements on a connection that is locked.
struct Runner<'a> {
    connection: &'a InterruptibleConnection,
    cancelled: CancelFlag,
    timeout: Duration,
}

impl Runner<'_> {
    fn run<T>(&self, statement: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.run(&self.cancelled, self.timeout, statement)
    }

    /// A COMMIT is not interrupted.
    fn commit(&self) -> rusqlite::Result<()> {
        execute(self.connection.uninterrupted(), "COMMIT")
    }
}

impl Transaction {
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
            in_place: mode != Mode::Write,
            timeout,
        }
    }

    /// Ends the statements of the transaction when it is dropped.
    pub(crate) fn cancel_on_drop(&self) -> CancelOnDrop {
        self.cancelled.cancel_on_drop()
    }

    /// Runs statements and reads the rows of each: all of it on one thread.
    pub(crate) async fn rows_of(&mut self, asked: Vec<Asked>) -> Result<Vec<Rows>, DatabaseError> {
        self.run(move |runner| {
            let rows = |(sql, params): Asked| runner.run(|connection| rows(connection, &sql, params));
            asked.into_iter().map(rows).collect()
        })
        .await
    }

    /// Runs statements, and commits if they are the last ones: all of it on one thread, since each
    /// change of threads costs as much as a statement.
    pub(crate) async fn execute(
        &mut self,
        statements: Vec<Statement>,
        commit: bool,
    ) -> Result<(), DatabaseError> {
        let commit = commit && (self.open || !statements.is_empty());
        if statements.is_empty() && !commit {
            return Ok(());
        }
        let done = self.run(move |runner| {
            let mut changed = 1;
            for (sql, params) in statements {
                changed = runner
                    .run(|connection| connection.prepare_cached(sql)?.execute(params_from_iter(params)))?;
            }
            if commit && changed > 0 {
                runner.commit()?;
            }
            Ok(changed > 0)
        });
        if !done.await? {
            return Err(DatabaseError::changed_meanwhile());
        }
        self.open &= !commit;
        Ok(())
    }

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
        if self.in_place {
            return work();
        }
        spawn_blocking(work).await.map_err(|error| DatabaseError::Unexpected(error.into()))?
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn rows(connection: &Connection, sql: &str, params: Vec<Param>) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(params))?;
    let mut rows = Rows::new(columns);
    while let Some(row) = found.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => rows.push_null(),
                ValueRef::Integer(number) => rows.push_int(number),
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
