//! Reads one resource.

use std::sync::Arc;

use scim_core::schema::Projection;
use scim_core::{Context, Resource};

use super::lists::{WantedLists, read_resources};
use crate::database::{Mode, run_blocking};
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::tables::Tables;

/// Reads the resource with this id; `None` if the type has none.
pub(crate) async fn retrieve(
    tables: &Arc<Tables>,
    layout: &Arc<Layout>,
    cx: &Context<'_>,
    id: &str,
    projection: &Projection,
) -> Result<Option<Resource>, TableError> {
    let tenant = layout.tenant_of(cx)?;
    let Some(key) = layout.codec.key(id) else { return Ok(None) };
    let mut sql = layout.select_from(&layout.select, tenant.as_ref());
    sql.push(" AND ").push(&layout.key()).push(" = ").bind(key);
    let statement = sql.finish();
    let wanted = WantedLists::shown(layout, projection);
    let mode = if layout.has_lists() { Mode::Read } else { Mode::Single };
    let mut tx = tables.database.begin(mode).await?;
    let cancel_on_drop = tx.block_calling_thread();
    let (tables, owned) = (tables.clone(), layout.clone());
    let work = Box::pin(async move {
        let rows = tx.query(vec![statement]).await?;
        let rows = rows.first().into_iter().flat_map(|rows| rows.iter());
        read_resources(&mut *tx, &tables, &owned, tenant.as_ref(), rows, wanted)
            .await
            .map_err(TableError::from)
    });
    let found = run_blocking(cancel_on_drop, work).await?;
    Ok(found.into_iter().next().map(|resource| resource.into_resource(layout)))
}
