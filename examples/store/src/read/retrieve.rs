//! Reads one resource.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Resource};

use super::blocking::run;
use super::found::{Found, mode};
use crate::database::params;
use crate::error::Fault;
use crate::setup::Setup;
use crate::tables::{COLUMNS, Tables, tenant_of};

/// The resource with this id, if the type has one.
pub(crate) async fn retrieve(
    setup: &Setup,
    cx: &Context<'_>,
    tables: Arc<Tables>,
    id: &str,
    projection: &Projection,
) -> Result<Option<Resource>, Fault> {
    let tenant = tenant_of(cx)?;
    if id.contains('\0') {
        return Ok(None);
    }
    let mut tx = setup.database.begin(mode(&tables, projection)).await?;
    let params = params![tenant.as_str(), id, cx.resource_type().name()];
    let cancel_on_drop = tx.cancel_on_drop();
    let (projection, own) = (projection.clone(), tables.clone());
    let work = Box::pin(async move {
        let sql =
            format!("SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.id = ?2 AND r.kind = ?3");
        let rows = tx.rows(sql, params).await?;
        Found::new(&mut tx, &own, &tenant, &projection, rows, 1).await
    });
    Ok(run(cancel_on_drop, work).await?.into_resources(&tables)?.pop())
}
