//! The resource that a write changes, as it is stored.

use scim_core::{Context, Error};

use crate::database::{Asked, Rows, Transaction, params};
use crate::error::Fault;
use crate::tables::{COLUMNS, Stored, resource};

/// The query for the resource of the context's type with this id; `lock` keeps others from changing it.
pub(super) fn select_current(
    tx: &Transaction,
    cx: &Context<'_>,
    tenant: &str,
    id: &str,
    lock: &'static str,
) -> Asked {
    let lock = tx.lock(lock);
    let sql =
        format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3 {lock}");
    (sql.into(), params![tenant, id, cx.resource_type().name()])
}

/// The resource in the rows of that query, or 404.
pub(super) fn current(rows: Option<Rows>, id: &str) -> Result<Stored, Fault> {
    let row = rows.as_ref().and_then(Rows::first);
    resource(row.ok_or_else(|| Fault::Refused(Error::not_found(id)))?)
}
