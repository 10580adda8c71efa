//! Commits a write, and finds out whether it happened if the connection breaks meanwhile.

use std::time::Duration;

use crate::database::{DatabaseError, Mode, Rows, Statement, Transaction, params};
use crate::error::Fault;
use crate::setup::Setup;

/// What shows that a commit happened.
pub(super) enum CommitEvidence<'a> {
    /// There is a resource with the id, which nothing had before.
    Created,
    /// The resource has this version.
    Changed(&'a str),
    /// There is no resource with the id any more.
    Deleted,
}

/// After which pauses, in milliseconds, it is checked whether a commit happened. The server may still be
/// working on it, or be starting again.
const CHECK_PAUSES: [u64; 4] = [0, 100, 400, 1_000];

/// Runs the last statements and commits. If the connection breaks meanwhile, the resource itself shows whether
/// the commit happened.
pub(super) async fn commit(
    setup: &Setup,
    tx: Transaction,
    statements: Vec<Statement>,
    tenant: &str,
    id: &str,
    evidence: CommitEvidence<'_>,
) -> Result<(), Fault> {
    let source = match tx.commit(statements).await {
        Err(DatabaseError::CommitUnknown(source)) => source,
        result => return Ok(result?),
    };
    for pause in CHECK_PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let Ok(rows) = select_version(setup, tenant, id).await else { continue };
        let version = rows.first().and_then(|row| row.text(0));
        let happened = match evidence {
            CommitEvidence::Created => version.is_some(),
            CommitEvidence::Changed(to) => version == Some(to),
            CommitEvidence::Deleted => version.is_none(),
        };
        if happened {
            return Ok(());
        }
    }
    Err(Fault::Unavailable(source))
}

/// The version of a resource, once no transaction holds its row any more.
async fn select_version(setup: &Setup, tenant: &str, id: &str) -> Result<Rows, DatabaseError> {
    let mut tx = setup.database.begin(Mode::Single).await?;
    let lock = tx.lock("FOR SHARE");
    let sql = format!("SELECT version FROM resource WHERE tenant = ?1 AND id = ?2 {lock}");
    tx.rows(sql, params![tenant, id]).await
}
