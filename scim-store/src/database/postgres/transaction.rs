//! A transaction of PostgreSQL.

use std::any::Any;
use std::borrow::Cow;

use deadpool_postgres::Object;
use futures_util::future::join_all;
use scim_core::async_trait;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement as Prepared};

use super::super::Transaction;
use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;
use super::super::statement::{Mode, Statement};
use super::Session;
use super::values::{check_values, convert_rows};

/// A transaction. BEGIN is sent together with the first statements if these only read. Before anything else is sent,
/// the server has answered the BEGIN: if it failed, since a timeout or a cancellation met it, the server would commit
/// each of the statements after it alone. Transactions that write are READ COMMITTED.
pub(crate) struct PostgresTransaction {
    client: Option<Object>,
    session: Session,
    /// The BEGIN, until the server has begun the transaction.
    begin: Option<Cow<'static, str>>,
    /// Whether the server may have an open transaction, which must be committed or rolled back.
    open: bool,
    /// Whether the server has not yet answered all statements.
    busy: bool,
    /// Whether the server refuses writes, as one that was the primary until a failover does.
    is_read_only: bool,
}

impl PostgresTransaction {
    pub(super) fn new(client: Object, session: Session, mode: Mode) -> Self {
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Mode::Write | Mode::WriteInGroup => Some("BEGIN ISOLATION LEVEL READ COMMITTED"),
        };
        let begin = match &session.local_settings {
            None => begin.map(Cow::Borrowed),
            // A single statement needs a transaction too, for its timeouts. It may lock rows, so it is not READ ONLY.
            Some(settings) => Some(format!("{}; {settings}", begin.unwrap_or("BEGIN")).into()),
        };
        Self { client: Some(client), session, begin, open: false, busy: false, is_read_only: false }
    }

    /// The connection, for statements of the application; the BEGIN has been sent if any statement was.
    pub(crate) fn connection(&self) -> Option<&tokio_postgres::Client> {
        self.client.as_ref().map(|client| &***client)
    }

    fn client(&self) -> Result<&Object, DatabaseError> {
        self.client.as_ref().ok_or_else(|| DatabaseError::unexpected("the transaction has ended"))
    }

    /// Prepares statements, which will run inside the transaction, so this marks the transaction as open. `None` for a
    /// statement that is sent without a name.
    async fn prepare_all(
        &mut self,
        statements: &[Statement],
    ) -> Result<Vec<Option<Prepared>>, DatabaseError> {
        self.busy = true;
        self.open |= self.begin.is_some() && !statements.is_empty();
        if self.session.local_settings.is_some() {
            return Ok(vec![None; statements.len()]);
        }
        let client = self.client()?;
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            let statement_with_name = client.prepare_cached(&statement.sql).await?;
            prepared.push(Some(statement_with_name));
        }
        // A statement whose values cannot be written would not be sent, but those after it would, and the COMMIT too. So
        // all values are checked before anything is sent.
        for (prepared, statement) in prepared.iter().flatten().zip(statements) {
            check_values(&statement.params, prepared.params())?;
        }
        Ok(prepared)
    }

    /// The answers to all statements, or the error of the first that failed. The server refuses every statement after
    /// that, with an error that says nothing about the cause, and any of these answers may be noticed first.
    fn first_error<T>(
        &mut self,
        answers: Vec<Result<T, tokio_postgres::Error>>,
    ) -> Result<Vec<T>, tokio_postgres::Error> {
        let answers = answers.into_iter().collect::<Result<Vec<T>, _>>();
        let code = answers.as_ref().err().and_then(tokio_postgres::Error::code);
        self.is_read_only |= code == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
        answers
    }

    /// Begins the transaction, if it has not begun, and waits for the answer.
    async fn begin(&mut self) -> Result<(), DatabaseError> {
        start(self.client()?, self.begin.as_deref()).await?;
        self.begin = None;
        Ok(())
    }

    /// Runs statements and returns the rows of each, and then commits if `commit`. All are sent before the first is
    /// answered: if one fails, the server answers the COMMIT with a rollback.
    async fn query_all(
        &mut self,
        statements: Vec<Statement>,
        commit: bool,
    ) -> Result<Vec<Rows>, DatabaseError> {
        let prepared = self.prepare_all(&statements).await?;
        let commit = commit && self.open;
        if prepared.is_empty() && !commit {
            self.busy = false;
            return Ok(Vec::new());
        }
        if commit || !statements.iter().all(only_reads) {
            self.begin().await?;
        }
        let client = self.client()?;
        let answers = prepared
            .iter()
            .zip(&statements)
            .map(async |(prepared, statement)| query(client, prepared.as_ref(), statement).await);
        let end = async { if commit { client.batch_execute("COMMIT").await } else { Ok(()) } };
        let (begun, found, ended) =
            futures_util::join!(start(client, self.begin.as_deref()), join_all(answers), end);
        self.busy = false;
        let found = self.first_error(found);
        // An error that the server reports for a statement means that nothing was committed. If the connection broke,
        // or the COMMIT itself failed, it is unknown whether the transaction was committed.
        let unknown = |error: tokio_postgres::Error| match error.into() {
            DatabaseError::Unavailable(source) | DatabaseError::Unexpected(source) => {
                DatabaseError::CommitUnknown(source)
            }
            other => other,
        };
        let before_commit = |error: tokio_postgres::Error| match commit && error.as_db_error().is_none() {
            true => unknown(error),
            false => error.into(),
        };
        begun.map_err(before_commit)?;
        self.begin = None;
        let found = found.map_err(before_commit)?;
        ended.map_err(unknown)?;
        self.open &= !commit;
        found.iter().map(|rows| convert_rows(rows)).collect()
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.query_all(statements, false).await
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        let prepared = self.prepare_all(&statements).await?;
        self.begin().await?;
        let client = self.client()?;
        let answers = prepared
            .iter()
            .zip(&statements)
            .map(async |(prepared, statement)| execute(client, prepared.as_ref(), statement).await);
        let executed = join_all(answers).await;
        self.busy = false;
        Ok(self.first_error(executed)?)
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.query_all(statements, true).await
    }

    fn driver(&mut self) -> &mut dyn Any {
        self
    }
}

/// Whether a statement is a SELECT, which does no harm outside of the transaction.
fn only_reads(statement: &Statement) -> bool {
    statement.sql.starts_with("SELECT ")
}

async fn query(
    client: &Object,
    prepared: Option<&Prepared>,
    statement: &Statement,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    match prepared {
        Some(prepared) => client.query(prepared, &borrowed(&statement.params)).await,
        None => client.query_typed(&statement.sql, &of_unknown_type(&statement.params)).await,
    }
}

async fn execute(
    client: &Object,
    prepared: Option<&Prepared>,
    statement: &Statement,
) -> Result<u64, tokio_postgres::Error> {
    match prepared {
        Some(prepared) => client.execute(prepared, &borrowed(&statement.params)).await,
        None => client.execute_typed(&statement.sql, &of_unknown_type(&statement.params)).await,
    }
}

/// References to parameters whose types the server infers.
fn of_unknown_type(params: &[Param]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (param as _, Type::UNKNOWN)).collect()
}

/// References to parameters, as the driver takes them.
fn borrowed(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

/// Sends the BEGIN, if there is one.
async fn start(client: &Object, begin: Option<&str>) -> Result<(), tokio_postgres::Error> {
    match begin {
        Some(sql) => client.batch_execute(sql).await,
        None => Ok(()),
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| self.open || self.busy) else { return };
        if self.is_read_only {
            // The pool connects again, and `target_session_attrs=read-write` finds the server that is the primary now.
            if let Some(pool) = Object::pool(&client) {
                pool.retain(|_, _| false);
            }
            return drop(Object::take(client));
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(Object::take(client));
        };
        // Rolls back in the background; then the connection returns to the pool. A statement that still runs is
        // cancelled first, since nobody needs its result and it would keep the connection. Then the connection is
        // closed: the server may handle the cancellation late, and would cancel a statement of the next transaction.
        let cancel = self.busy.then(|| (client.cancel_token(), self.session.tls.clone()));
        drop(runtime.spawn(async move {
            let is_cancelled = cancel.is_some();
            if let Some((token, tls)) = cancel {
                let _ = tls.cancel(&token).await;
            }
            if client.batch_execute("ROLLBACK").await.is_err() || is_cancelled {
                drop(Object::take(client));
            }
        }));
    }
}
