//! Commits a write. If the connection breaks during the COMMIT, finds out whether the write happened.

use std::time::Duration;

use crate::database::{self, DatabaseError, Mode, Rows, params};
use crate::retry::COMMIT_CHECK_PAUSES;
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::setup::Setup;

/// The stored state that proves that a commit happened.
pub(super) enum CommitEvidence<'a> {
    /// A resource with the id, which is new.
    Created,
    /// The resource, with this version.
    Changed(&'a str),
    /// No resource with the id.
    Deleted,
}

/// Runs the last statements, then those that record events, and commits. If the connection breaks before the answer to the COMMIT arrives, reads
/// the resource to find out whether the commit happened.
pub(super) async fn commit(
    setup: &Setup,
    tx: Transaction,
    (statements, events): (Vec<Statement>, Vec<database::Statement>),
    tenant: &str,
    id: &str,
    evidence: CommitEvidence<'_>,
) -> Result<(), StoreError> {
    let source = match tx.commit(statements, events).await {
        Err(DatabaseError::CommitUnknown(source)) => source,
        result => return Ok(result?),
    };
    for pause in COMMIT_CHECK_PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let Ok(rows) = select_version(setup, tenant, id).await else { continue };
        let version = rows.first().and_then(|row| row.text(0));
        let happened = match evidence {
            CommitEvidence::Created => version.is_some(),
            CommitEvidence::Changed(new) => version == Some(new),
            CommitEvidence::Deleted => version.is_none(),
        };
        if happened {
            return Ok(());
        }
    }
    Err(StoreError::Unavailable(source))
}

/// The version of a resource. Waits until no transaction has a lock on its row.
async fn select_version(setup: &Setup, tenant: &str, id: &str) -> Result<Rows, DatabaseError> {
    let mut tx = setup.database.begin(Mode::Single).await?;
    let lock = tx.lock("FOR SHARE");
    let sql = format!("SELECT version FROM resource WHERE tenant = ?1 AND id = ?2 {lock}");
    tx.query(sql, params![tenant, id]).await
}
