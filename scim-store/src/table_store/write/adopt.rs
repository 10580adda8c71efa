//! Finds the existing row that a client adopts instead of creating a new one.

use scim_core::schema::AttributeRef;
use scim_core::{Context, Resource};

use super::stored::RowId;
use crate::adopt::{AdoptRule, MAX_CANDIDATES, choose, equals_any_of, identifying_values};
use crate::database::{Param, Rows, Transaction};
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::read::{WantedLists, read_resources};
use crate::table_store::tables::Tables;

/// The row of the existing resource that the client adopts; `None` if it creates a new one. The row is locked.
pub(super) async fn find_adopted(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    tx: &mut dyn Transaction,
    rule: &AdoptRule,
    requested: &Resource,
) -> Result<Option<RowId>, TableError> {
    let Some(column) = &layout.adopted_by else { return Ok(None) };
    let tenant = layout.tenant_of(cx)?;
    let is_unique = |target: &AttributeRef| layout.unique.iter().any(|unique| unique.attribute == *target);
    let values = identifying_values(&layout.resource_type, is_unique, requested);
    let Some(filter) = equals_any_of(&layout.resource_type, &values)? else { return Ok(None) };
    let mut sql = layout.select_from(&layout.select, tenant.as_ref());
    sql.push_fragment(layout.mapping.filter(Some(&filter), layout.dialect, sql.next_parameter())?);
    sql.push(" AND t.").push(column).push(" IS NULL ORDER BY ").push(&layout.key());
    sql.push(&format!(" LIMIT {MAX_CANDIDATES}")).lock("FOR NO KEY UPDATE OF t");
    let found = tx.query(vec![sql.finish()]).await?;
    let rows = found.first().into_iter().flat_map(Rows::iter);
    let wanted = WantedLists::default();
    let read = read_resources(tx, tables, layout, tenant.as_ref(), rows, wanted).await?;
    let keys: Vec<String> = read.iter().map(|read| read.key.clone()).collect();
    let candidates: Vec<(Param, Resource)> =
        read.into_iter().map(|read| (layout.codec.param(&read.key), read.into_resource(layout))).collect();
    let chosen = choose::<TableError>(rule, cx, layout.dialect, tx, requested, &candidates).await?;
    Ok(chosen.and_then(|index| keys.get(index)).map(|key| RowId::new(tenant, layout.codec.param(key))))
}
