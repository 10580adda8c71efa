//! Writes the row of a resource in the table `resource`, and with it the rows of `value` and `unique_value`.

use scim_core::{Context, Resource};
use serde_json::Value;

use super::value_rows::{insert_unique_values, value_statements};
use crate::database::params;
use crate::password::PasswordChange;
use crate::store::connection::{Statement, Transaction};
use crate::store::error::StoreError;
use crate::store::tables::{ResourceRows, StoredResource, TypeLayout, stored_times, stored_version};

/// Inserts the row of a new resource, and returns its `place`.
pub(super) async fn insert(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tenant: &str,
    resource: &Resource,
    rows: &ResourceRows,
    password: &PasswordChange,
) -> Result<i64, StoreError> {
    let [created, modified] = stored_times(resource)?;
    let password = match password {
        PasswordChange::Set(hash) => Some(hash.clone()),
        _ => None,
    };
    let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, unique_name, external_id, \
               display, active, keys, document, password) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, json(?11), ?12, ?13) RETURNING place";
    let params = params![
        tenant,
        cx.resource_type().name(),
        resource.id(),
        stored_version(resource)?,
        created,
        modified,
        rows.unique_name.clone(),
        rows.external_id.clone(),
        rows.display.clone(),
        rows.active,
        rows.keys.clone(),
        rows.document.clone(),
        password,
    ];
    let inserted = tx.query(sql, params).await?;
    inserted
        .first()
        .and_then(|row| row.int(0))
        .ok_or_else(|| StoreError::internal("the insertion of a resource returned no place"))
}

/// The statements that replace a stored resource. They fail with a conflict if another transaction has changed the
/// resource since it was read.
pub(super) async fn update_statements(
    tx: &mut Transaction,
    layout: &TypeLayout,
    tenant: &str,
    stored: &StoredResource,
    next: &Resource,
    password: &PasswordChange,
) -> Result<Vec<Statement>, StoreError> {
    fn without_meta(resource: &Resource) -> impl Iterator<Item = (&String, &Value)> {
        resource.as_map().iter().filter(|(name, _)| *name != "meta")
    }
    let rows = match without_meta(next).eq(without_meta(&stored.resource)) {
        true => None,
        false => Some((ResourceRows::new(layout, &stored.resource)?, ResourceRows::new(layout, next)?)),
    };
    let mut statements = Vec::new();
    if let Some((before, after)) = &rows {
        statements = insert_unique_values(tx, layout, tenant, stored.place, Some(before), after).await?;
        statements.extend(value_statements(tx, tenant, stored.place, Some(before), after));
    }
    statements.extend(update_row(tenant, stored, next, rows.as_ref().map(|(_, after)| after), password)?);
    Ok(statements)
}

/// The statements that update the row of a resource. `rows` is `None` if only the members or the password change,
/// and the document stays as it is.
fn update_row(
    tenant: &str,
    stored: &StoredResource,
    next: &Resource,
    rows: Option<&ResourceRows>,
    password: &PasswordChange,
) -> Result<Vec<Statement>, StoreError> {
    let before = stored_version(&stored.resource)?;
    let [_, modified] = stored_times(next)?;
    let mut statements: Vec<Statement> = Vec::new();
    match password {
        PasswordChange::Keep => {}
        PasswordChange::Clear => {
            let sql = "UPDATE resource SET password = NULL WHERE tenant = ?1 AND place = ?2";
            statements.push((sql, params![tenant, stored.place]));
        }
        PasswordChange::Set(hash) => statements.push((
            "UPDATE resource SET password = ?3 WHERE tenant = ?1 AND place = ?2",
            params![tenant, stored.place, hash.clone()],
        )),
    }
    // The compare-and-swap: if the stored version is not the one that was read, CASE yields NULL, and the column is
    // NOT NULL. So the statement fails, and with it the transaction.
    statements.push(match rows {
        None => (
            "UPDATE resource SET version = CASE version WHEN ?3 THEN ?4 END, modified = ?5 \
             WHERE tenant = ?1 AND place = ?2",
            params![tenant, stored.place, before, stored_version(next)?, modified],
        ),
        Some(rows) => (
            "UPDATE resource SET version = CASE version WHEN ?3 THEN ?4 END, modified = ?5, unique_name = ?6, \
             external_id = ?7, display = ?8, active = ?9, keys = json(?10), document = ?11 \
             WHERE tenant = ?1 AND place = ?2",
            params![
                tenant,
                stored.place,
                before,
                stored_version(next)?,
                modified,
                rows.unique_name.clone(),
                rows.external_id.clone(),
                rows.display.clone(),
                rows.active,
                rows.keys.clone(),
                rows.document.clone(),
            ],
        ),
    });
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use scim_core::new_id;
    use serde_json::{Map, json};

    use super::*;
    use crate::database::{Mode, open_with_migrations};
    use crate::store::connection::Database;
    use crate::store::tables::MIGRATIONS;

    /// The databases to test on. The upgrade tests report it if there is no PostgreSQL.
    fn databases() -> impl Iterator<Item = String> {
        let sqlite = cfg!(feature = "rusqlite-0_37").then(|| "sqlite::memory:".to_owned());
        let postgres = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        sqlite.into_iter().chain(postgres.filter(|_| cfg!(feature = "tokio-postgres-0_7")))
    }

    #[tokio::test]
    async fn a_resource_that_changed_since_it_was_read_is_not_written() {
        for url in databases() {
            let database = Database::new(open_with_migrations(&url, Some(MIGRATIONS)).await.unwrap());
            let mut tx = database.begin(Mode::Write).await.unwrap();
            let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, keys, document) \
                       VALUES ('.', 'User', ?1, 'W/\"2\"', 0, 0, json(?2), ?2) RETURNING place";
            let rows = tx.query(sql, params![new_id(), "{}"]).await.unwrap();
            let place = rows.first().and_then(|row| row.int(0)).unwrap();
            let resource = |version: &str| {
                let time = "2020-01-01T00:00:00Z";
                let meta = json!({ "created": time, "lastModified": time, "version": version });
                Resource::new(Map::from_iter([("meta".to_owned(), meta)]))
            };
            let stored = StoredResource { place, resource: resource("W/\"1\"") };
            let keep = PasswordChange::Keep;
            let statements = update_row(".", &stored, &resource("W/\"3\""), None, &keep).unwrap();
            assert!(
                matches!(
                    tx.commit(statements, Vec::new()).await.map_err(StoreError::from),
                    Err(StoreError::Conflict(_))
                ),
                "{url}"
            );
        }
    }
}
