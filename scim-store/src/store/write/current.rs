//! Reads the stored resource that a write changes.

use scim_core::{Context, Error};

use crate::database::{Rows, params};
use crate::store::connection::{RowQuery, Transaction};
use crate::store::error::StoreError;
use crate::store::tables::{COLUMNS, StoredResource, parse_row};

/// The query for the resource with this id, of the type that the request is about. `lock` is the clause that locks
/// its row.
pub(super) fn select_current(
    tx: &Transaction,
    cx: &Context<'_>,
    tenant: &str,
    id: &str,
    lock: &'static str,
) -> RowQuery {
    let lock = tx.lock(lock);
    let sql =
        format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3 {lock}");
    (sql.into(), params![tenant, id, cx.resource_type().name()])
}

/// The resource in the rows of [`select_current`]; 404 if there is none.
pub(super) fn current(rows: Option<Rows>, id: &str) -> Result<StoredResource, StoreError> {
    let row = rows.as_ref().and_then(Rows::first);
    parse_row(row.ok_or_else(|| StoreError::Refused(Error::not_found(id)))?)
}
