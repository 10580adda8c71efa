//! Commits a write. If the connection breaks during the COMMIT, asks the server whether the write happened.

use std::time::Duration;

use scim_sql::Dialect;

use crate::database::{DatabaseError, Mode, Param, Rows, Source, Statement, Transaction};
use crate::retry::COMMIT_CHECK_PAUSES;
use crate::table_store::layout::Layout;
use crate::table_store::tables::Tables;

/// The number of a transaction of PostgreSQL, by which the server tells whether it was committed. SQLite has none, and a
/// COMMIT always has an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct TransactionId(Option<String>);

impl TransactionId {
    /// The SQL that reads it, with a comma before it; empty in SQLite.
    pub(super) fn select(layout: &Layout) -> &'static str {
        if layout.dialect == Dialect::Postgres { ", CAST(txid_current() AS text)" } else { "" }
    }

    /// The value in a column of the first row.
    pub(super) fn read(rows: Option<&Rows>, column: usize) -> Self {
        Self(rows.and_then(|rows| rows.first()?.text(column).map(str::to_owned)))
    }
}

/// Runs the last statements and commits. Returns the rows of the statements; `None` if the transaction was committed, but
/// its answer was lost.
///
/// # Errors
///
/// A conflict if the answer was lost and nothing was committed, so that the write can be run again.
pub(super) async fn commit(
    tables: &Tables,
    tx: Box<dyn Transaction>,
    id: &TransactionId,
    statements: Vec<Statement>,
) -> Result<Option<Vec<Rows>>, DatabaseError> {
    match tx.commit(statements).await {
        Ok(rows) => Ok(Some(rows)),
        Err(DatabaseError::CommitUnknown(source)) => is_committed(tables, id, source).await.map(|()| None),
        Err(error) => Err(error),
    }
}

/// Asks the server whether a transaction was committed. `source` is the error of the COMMIT.
async fn is_committed(tables: &Tables, id: &TransactionId, source: Source) -> Result<(), DatabaseError> {
    let Some(id) = &id.0 else { return Err(DatabaseError::CommitUnknown(source)) };
    for pause in COMMIT_CHECK_PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match status(tables, id).await.as_deref() {
            Ok("committed") => return Ok(()),
            Ok("aborted") => return Err(DatabaseError::Conflict(source)),
            // It is still in progress, or the server does not answer.
            _ => {}
        }
    }
    Err(DatabaseError::CommitUnknown(source))
}

async fn status(tables: &Tables, id: &str) -> Result<String, DatabaseError> {
    let mut tx = tables.database.begin(Mode::Single).await?;
    let sql = "SELECT txid_status(CAST(CAST($1 AS text) AS bigint))";
    let rows = tx.query(vec![Statement::new(sql, [Param::from(id)])]).await?;
    Ok(rows.first().and_then(|rows| rows.first()?.text(0)).unwrap_or_default().to_owned())
}
