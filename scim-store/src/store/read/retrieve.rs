//! Reads one resource.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Resource};

use super::found::{FoundRows, transaction_mode};
use crate::database::{params, run_blocking};
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::{COLUMNS, TypeLayout, tenant_of};

/// Reads the resource with this id; `None` if the type has none.
pub(crate) async fn retrieve(
    setup: &Setup,
    cx: &Context<'_>,
    layout: Arc<TypeLayout>,
    id: &str,
    projection: &Projection,
) -> Result<Option<Resource>, StoreError> {
    let tenant = tenant_of(cx)?;
    // PostgreSQL refuses a parameter with this character.
    if id.contains('\0') {
        return Ok(None);
    }
    let mut tx = setup.database.begin(transaction_mode(&layout, projection)).await?;
    let params = params![tenant.as_str(), id, cx.resource_type().name()];
    let cancel_on_drop = tx.block_calling_thread();
    let (projection, task_layout) = (projection.clone(), layout.clone());
    let work = Box::pin(async move {
        let sql =
            format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3");
        let rows = tx.query(sql, params).await?;
        FoundRows::new(&mut tx, &task_layout, &tenant, &projection, rows, 1).await
    });
    Ok(run_blocking(cancel_on_drop, work).await?.into_resources(&layout)?.pop())
}
