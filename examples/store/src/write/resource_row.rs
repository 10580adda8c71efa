//! Writes the row of a resource in the table `resource`, and the rows that depend on it.

use scim_core::{Context, Resource};
use serde_json::Value;

use super::password;
use super::value_rows::{insert_unique_values, value_statements};
use crate::database::{Statement, Transaction, params};
use crate::error::Fault;
use crate::tables::{ResourceRows, Stored, Tables, times, version};

/// Inserts the row of a new resource, and returns its `place`.
pub(super) async fn insert(
    tx: &mut Transaction,
    cx: &Context<'_>,
    tenant: &str,
    resource: &Resource,
    rows: &ResourceRows,
    password: &password::Change,
) -> Result<i64, Fault> {
    let [created, modified] = times(resource)?;
    let password = match password {
        password::Change::Set(hash) => Some(hash.clone()),
        _ => None,
    };
    let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, unique_name, external_id, \
               display, active, keys, document, password) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, json(?11), ?12, ?13) RETURNING place";
    let params = params![
        tenant,
        cx.resource_type().name(),
        resource.id(),
        version(resource)?,
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
    let inserted = tx.rows(sql, params).await?;
    inserted.first().and_then(|row| row.int(0)).ok_or_else(|| Fault::broken("an insertion returned nothing"))
}

/// The statements that replace a stored resource. They fail with a conflict if another version is stored by
/// then.
pub(super) async fn rewrite(
    tx: &mut Transaction,
    tables: &Tables,
    tenant: &str,
    stored: &Stored,
    next: &Resource,
    password: &password::Change,
) -> Result<Vec<Statement>, Fault> {
    fn content(resource: &Resource) -> impl Iterator<Item = (&String, &Value)> {
        resource.as_map().iter().filter(|(name, _)| *name != "meta")
    }
    let rows = match content(next).eq(content(&stored.resource)) {
        true => None,
        false => Some((ResourceRows::new(tables, &stored.resource)?, ResourceRows::new(tables, next)?)),
    };
    let mut statements = Vec::new();
    if let Some((before, after)) = &rows {
        statements = insert_unique_values(tx, tables, tenant, stored.place, Some(before), after).await?;
        statements.extend(value_statements(tx.dialect(), tenant, stored.place, Some(before), after));
    }
    statements.extend(update_row(stored, next, rows.as_ref().map(|(_, after)| after), password)?);
    Ok(statements)
}

/// The statements that update the row of a resource. Without `rows` only its members have changed, and the
/// document stays as it is.
fn update_row(
    stored: &Stored,
    next: &Resource,
    rows: Option<&ResourceRows>,
    password: &password::Change,
) -> Result<Vec<Statement>, Fault> {
    let before = version(&stored.resource)?;
    let [_, modified] = times(next)?;
    let mut statements: Vec<Statement> = Vec::new();
    match password {
        password::Change::Keep => {}
        password::Change::Clear => {
            statements.push(("UPDATE resource SET password = NULL WHERE place = ?1", params![stored.place]))
        }
        password::Change::Set(hash) => statements.push((
            "UPDATE resource SET password = ?2 WHERE place = ?1",
            params![stored.place, hash.clone()],
        )),
    }
    // Here versions are compared: if another version than the one that was read is stored, this sets NULL,
    // which the column refuses.
    statements.push(match rows {
        None => (
            "UPDATE resource SET version = CASE version WHEN ?2 THEN ?3 END, modified = ?4 WHERE place = ?1",
            params![stored.place, before, version(next)?, modified],
        ),
        Some(rows) => (
            "UPDATE resource SET version = CASE version WHEN ?2 THEN ?3 END, modified = ?4, unique_name = ?5, \
             external_id = ?6, display = ?7, active = ?8, keys = json(?9), document = ?10 WHERE place = ?1",
            params![
                stored.place,
                before,
                version(next)?,
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
    use crate::database::{Database, Mode};
    use crate::tables::MIGRATIONS;

    /// The databases to test on. If there is no PostgreSQL, the test of upgrades says so.
    fn databases() -> impl Iterator<Item = String> {
        let sqlite = cfg!(feature = "sqlite").then(|| "sqlite::memory:".to_owned());
        let postgres = std::env::var("SCIM_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        sqlite.into_iter().chain(postgres.filter(|_| cfg!(feature = "postgres")))
    }

    #[tokio::test]
    async fn what_has_another_version_by_now_is_not_written() {
        for url in databases() {
            let database = Database::open(&url, MIGRATIONS).await.unwrap();
            let mut tx = database.begin(Mode::Write).await.unwrap();
            let sql = "INSERT INTO resource (tenant, kind, id, version, created, modified, keys, document) \
                       VALUES ('.', 'User', ?1, 'W/\"2\"', 0, 0, json(?2), ?2) RETURNING place";
            let rows = tx.rows(sql, params![new_id(), "{}"]).await.unwrap();
            let place = rows.first().and_then(|row| row.int(0)).unwrap();
            let resource = |version: &str| {
                let time = "2020-01-01T00:00:00Z";
                let meta = json!({ "created": time, "lastModified": time, "version": version });
                Resource::new(Map::from_iter([("meta".to_owned(), meta)]))
            };
            let stored = Stored { place, resource: resource("W/\"1\"") };
            let keep = password::Change::Keep;
            let statements = update_row(&stored, &resource("W/\"3\""), None, &keep).unwrap();
            assert!(
                matches!(tx.commit(statements).await.map_err(Fault::from), Err(Fault::Conflict(_))),
                "{url}"
            );
        }
    }
}
