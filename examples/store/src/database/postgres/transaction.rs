//! A transaction of PostgreSQL.

use std::error::Error;

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{NoTls, Statement as Prepared};

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;
use super::super::statement::{Asked, Mode, Statement};
use super::syntax;

/// A transaction; its first statement begins it. Transactions that write are READ COMMITTED.
pub(crate) struct Transaction {
    client: Option<Object>,
    begin: Option<&'static str>,
    open: bool,
    /// Whether the server has still to answer statements.
    busy: bool,
}

/// A statement in PostgreSQL's form, and its parameters.
type Translated = (String, Vec<Param>);

impl Transaction {
    pub(super) fn new(client: Object, mode: Mode) -> Self {
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Mode::Write => Some("BEGIN ISOLATION LEVEL READ COMMITTED"),
        };
        Self { client: Some(client), begin, open: false, busy: false }
    }

    /// The prepared statement, which will run inside the transaction.
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DatabaseError> {
        self.open |= self.begin.is_some();
        Ok(self.client()?.prepare_cached(sql).await?)
    }

    fn client(&self) -> Result<&Object, DatabaseError> {
        self.client.as_ref().ok_or_else(|| DatabaseError::unexpected("the transaction is over"))
    }

    async fn prepare_all(&mut self, statements: &[Translated]) -> Result<Vec<Prepared>, DatabaseError> {
        self.busy = true;
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            prepared.push(self.prepare(sql).await?);
        }
        Ok(prepared)
    }

    /// Runs statements and reads the rows of each; all are sent before the first is answered.
    pub(crate) async fn rows_of(&mut self, asked: Vec<Asked>) -> Result<Vec<Rows>, DatabaseError> {
        let asked: Vec<Translated> =
            asked.into_iter().map(|(sql, params)| (syntax::translate(&sql), params)).collect();
        let prepared = self.prepare_all(&asked).await?;
        let begin = self.begin.take();
        let client = self.client()?;
        let sent = prepared
            .iter()
            .zip(&asked)
            .map(async |(statement, (_, params))| client.query(statement, &borrowed(params)).await);
        let (begun, found) = futures_util::join!(start(client, begin), try_join_all(sent));
        self.busy = false;
        begun?;
        found?.iter().map(|rows| Ok(read(rows)?)).collect()
    }

    /// Runs statements, and commits if they are the last ones; all are sent before the first is answered.
    /// If one fails the server makes a rollback of the commit.
    pub(crate) async fn execute(
        &mut self,
        statements: Vec<Statement>,
        commit: bool,
    ) -> Result<(), DatabaseError> {
        let statements: Vec<Translated> =
            statements.into_iter().map(|(sql, params)| (syntax::translate(sql), params)).collect();
        let prepared = self.prepare_all(&statements).await?;
        let commit = commit && self.open;
        if prepared.is_empty() && !commit {
            self.busy = false;
            return Ok(());
        }
        let begin = self.begin.take();
        let client = self.client()?;
        let sent = prepared
            .iter()
            .zip(&statements)
            .map(async |(statement, (_, params))| client.execute(statement, &borrowed(params)).await);
        let end = async { if commit { client.batch_execute("COMMIT").await } else { Ok(()) } };
        let (begun, done, ended) = futures_util::join!(start(client, begin), try_join_all(sent), end);
        self.busy = false;
        // The first statement that failed says why. But if the connection broke before the commit was
        // answered, or the commit failed, it is unknown whether the commit happened.
        let is_reported = |error: &tokio_postgres::Error| error.as_db_error().is_some();
        let unknown = |error: tokio_postgres::Error| match error.into() {
            DatabaseError::Unavailable(source) | DatabaseError::Unexpected(source) => {
                DatabaseError::CommitUnknown(source)
            }
            other => other,
        };
        begun?;
        let done = done.map_err(|error| match commit && !is_reported(&error) {
            true => unknown(error),
            false => error.into(),
        })?;
        ended.map_err(unknown)?;
        self.open &= !commit;
        match !commit && done.last() == Some(&0) {
            true => Err(DatabaseError::changed_meanwhile()),
            false => Ok(()),
        }
    }
}

fn borrowed(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

async fn start(client: &Object, begin: Option<&str>) -> Result<(), DatabaseError> {
    match begin {
        Some(sql) => Ok(client.batch_execute(sql).await?),
        None => Ok(()),
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| self.open || self.busy) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return drop(Object::take(client));
        };
        // The rollback runs in the background, after which the connection goes back to the pool. A statement
        // that nobody waits for any more is cancelled first, so that it does not keep the connection.
        let cancel = self.busy.then(|| client.cancel_token());
        drop(runtime.spawn(async move {
            if let Some(cancel) = cancel {
                let _ = cancel.cancel_query(NoTls).await;
            }
            if client.batch_execute("ROLLBACK").await.is_err() {
                drop(Object::take(client));
            }
        }));
    }
}

fn read(found: &[tokio_postgres::Row]) -> Result<Rows, tokio_postgres::Error> {
    let mut rows = Rows::new(found.first().map_or(0, tokio_postgres::Row::len));
    for row in found {
        for (column, of) in row.columns().iter().enumerate() {
            match *of.type_() {
                Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(|number| rows.push_int(number)),
                Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(|flag| rows.push_bool(flag)),
                _ => row.try_get::<_, Option<&str>>(column)?.map(|text| rows.push_text(text)),
            }
            .unwrap_or_else(|| rows.push_null());
        }
    }
    Ok(rows)
}

impl ToSql for Param {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Int(number) => number.to_sql_checked(ty, out),
            Self::Real(number) => number.to_sql_checked(ty, out),
            Self::Bool(flag) => flag.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
