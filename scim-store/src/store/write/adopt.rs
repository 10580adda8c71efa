//! Finds the existing resource that a client adopts instead of creating a new one.

use scim_core::{Context, Resource};
use scim_sql::Dialect;

use super::run::Scope;
use crate::adopt::{AdoptRule, MAX_CANDIDATES, choose, equals_any_of, identifying_values};
use crate::database::{Param, params};
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::tables::{COLUMNS, parse_row, tenant_of};

/// The id of the existing resource that the client adopts; `None` if it creates a new one. The row is locked.
pub(super) async fn find_adopted(
    scope: &Scope,
    cx: &Context<'_>,
    tx: &mut Transaction,
    rule: &AdoptRule,
    requested: &Resource,
) -> Result<Option<String>, StoreError> {
    let (layout, dialect) = (&scope.layout, tx.dialect());
    let values = identifying_values(&layout.resource_type, |target| layout.is_unique_name(target), requested);
    let mut params = params![tenant_of(cx)?, cx.resource_type().name()];
    let mut conditions = Vec::new();
    if let Some(filter) = equals_any_of(&layout.resource_type, &values)? {
        let matching = layout.mapping.filter(&filter, dialect, params.len() + 1)?;
        params.extend(matching.bind_values.into_iter().map(Param::from));
        conditions.push(matching.sql);
    }
    for target in &layout.also_unique {
        for value in target.values(requested.as_map()) {
            let Some(key) = scim_sql::sortable_key(target.comparison(), value) else { continue };
            params.extend(params![target.path().as_str(), key]);
            let (attribute, value) = (params.len() - 1, params.len());
            conditions.push(format!(
                "r.place IN (SELECT u.place FROM unique_value u WHERE u.tenant = ?1 AND u.kind = ?2 \
                 AND u.attribute = ?{attribute} AND u.value = ?{value})"
            ));
        }
    }
    if conditions.is_empty() {
        return Ok(None);
    }
    // SQLite would read all rows in the order of `place`, if the order did not exclude that index.
    let order = if dialect == Dialect::Sqlite { "+r.place" } else { "r.place" };
    let sql = format!(
        "SELECT {COLUMNS} FROM resource r WHERE r.tenant = ?1 AND r.kind = ?2 AND r.adopted_by IS NULL AND ({}) \
         ORDER BY {order} LIMIT {MAX_CANDIDATES} {}",
        conditions.join(" OR "),
        tx.lock("FOR NO KEY UPDATE OF r")
    );
    let rows = tx.query(sql, params).await?;
    let mut candidates = Vec::new();
    for row in rows.iter() {
        let resource = parse_row(row)?.resource;
        candidates.push((Param::from(resource.id()), resource));
    }
    let chosen = choose::<StoreError>(rule, cx, dialect, tx.inner(), requested, &candidates).await?;
    Ok(chosen.and_then(|index| candidates.get(index)).map(|(_, resource)| resource.id().to_owned()))
}
