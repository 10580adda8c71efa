//! The indexes of a table: which attributes they make unique, and which searches they serve.

use scim_core::schema::Uniqueness;
use scim_sql::Dialect;

use super::columns::ComparedText;
use super::mapping::Searched;
use super::{Layout, UniqueIndex};
use crate::database::{Database, DatabaseError, Mode, Statement};
use crate::table_store::catalog::{CatalogIndex, CatalogTable, ColumnKind, column_key, normalize};
use crate::table_store::problems::Problems;
use crate::table_store::sql::{create_index, quote};
use crate::table_store::table::Table;

/// The unique indexes of mapped text columns.
pub(super) fn unique_indexes(
    table: &Table,
    catalog: &CatalogTable,
    searched: &[Searched],
) -> Vec<UniqueIndex> {
    let mut unique = Vec::new();
    for index in catalog.indexes.iter().filter(|index| index.is_unique) {
        for search in searched {
            let Searched::Text { target, name, compared, element_type, .. } = search else { continue };
            let plain = column_key(name);
            let is_about = index.keys.contains(&plain)
                || compared.index_prefixes(None).iter().flatten().any(|key| index.keys.contains(key))
                || index.keys.contains(&format!("lower({plain})"));
            if !is_about {
                continue;
            }
            let table_name = table.name.rsplit('.').next().unwrap_or(&table.name);
            let columns = [Some(name.as_str()), compared.folded_column()].into_iter().flatten();
            let columns = columns.map(|column| format!("{table_name}.{column}"));
            let is_announced = compared.is_keys_of(&index.keys, table.tenant.as_deref())
                && is_complete(index, table, catalog)
                && element_type.is_none();
            unique.push(UniqueIndex {
                reported_as: [index.name.clone()].into_iter().chain(columns).collect(),
                attribute: target.clone(),
                is_announced,
            });
        }
    }
    unique
}

/// Whether an index covers all rows that exist for SCIM.
fn is_complete(index: &CatalogIndex, table: &Table, catalog: &CatalogTable) -> bool {
    match &index.predicate {
        None => true,
        Some(predicate) => not_deleted(table, catalog)
            .into_iter()
            .chain(not_deleted_flag(table, catalog))
            .any(|sql| *predicate == normalize(&sql)),
    }
}

/// Other spellings of the same condition, for a boolean that is never NULL.
fn not_deleted_flag(table: &Table, catalog: &CatalogTable) -> Vec<String> {
    let Some(name) = &table.soft_delete else { return Vec::new() };
    let is_flag =
        catalog.columns.get(name).is_some_and(|column| column.kind == ColumnKind::Boolean && column.not_null);
    let flag = quote(name);
    match is_flag {
        true => {
            vec![
                format!("NOT {flag}"),
                format!("{flag} = false"),
                format!("{flag} IS false"),
                format!("{flag} = 0"),
            ]
        }
        false => Vec::new(),
    }
}

/// The condition that a row is not marked as deleted, as an index of the rows that exist for SCIM needs it.
fn not_deleted(table: &Table, catalog: &CatalogTable) -> Option<String> {
    let name = table.soft_delete.as_ref()?;
    let is_flag = catalog.columns.get(name).is_some_and(|column| column.kind == ColumnKind::Boolean);
    Some(format!("{} {}", quote(name), if is_flag { "IS NOT TRUE" } else { "IS NULL" }))
}

/// Reports unique attributes without a unique index, such as `userName`, and warns of searches that no index serves.
pub(super) fn check_uniqueness(
    table: &Table,
    catalog: &CatalogTable,
    dialect: Dialect,
    searched: &[Searched],
    problems: &mut Problems,
) {
    let tenant = table.tenant.as_deref();
    if tenant.is_some_and(|tenant| !catalog.columns.contains_key(tenant)) {
        // The mistake is reported, and indexes with that column cannot be created.
        return;
    }
    let mut scanned = Vec::new();
    for search in searched {
        let Searched::Text { target, name, compared, .. } = search else {
            scanned.extend(scanned_path(search));
            warn_of_reference(table, dialect, search, problems);
            continue;
        };
        let path = target.path().as_str();
        if target.definition().uniqueness() != Uniqueness::None {
            check_unique(table, catalog, dialect, search, problems);
        } else if !catalog.is_indexed(&compared.index_prefixes(tenant)) {
            let is_often_searched = matches!(path, "externalId" | "displayName" | "emails");
            if is_often_searched {
                problems.warning(format!(
                    "no index serves filters on `{path}`: {}",
                    create_index(dialect, false, &table.name, name, &index_keys(compared, tenant), None)
                ));
            } else {
                scanned.push(path);
            }
        }
    }
    if !scanned.is_empty() {
        problems.warning(format!(
            "filters on these attributes read all rows of `{}`, since no index serves them: {}",
            table.name,
            scanned.join(", ")
        ));
    }
}

/// Reports a unique attribute without a unique index.
fn check_unique(
    table: &Table,
    catalog: &CatalogTable,
    dialect: Dialect,
    search: &Searched,
    problems: &mut Problems,
) {
    let Searched::Text { target, name, compared, .. } = search else { return };
    let tenant = table.tenant.as_deref();
    let is_unique = catalog.indexes.iter().any(|index| {
        index.is_unique && compared.is_keys_of(&index.keys, tenant) && is_complete(index, table, catalog)
    });
    if is_unique {
        return;
    }
    let case = if target.definition().is_case_exact() { "" } else { " without regard to case" };
    let keys = index_keys(compared, tenant);
    let predicate = not_deleted(table, catalog);
    problems.mistake(format!(
        "`{}`.`{name}`: `{}` must be unique{case}; run {}",
        table.name,
        target.path(),
        create_index(dialect, true, &table.name, &format!("{name}_key"), &keys, predicate.as_deref())
    ));
}

/// The keys of an index for searches in a text column.
pub(super) fn index_keys(compared: &ComparedText, tenant: Option<&str>) -> Vec<String> {
    tenant.map(quote).into_iter().chain([compared.index_expression.clone()]).collect()
}

/// The path of an attribute that is no text, if no index serves filters on it. A reference has a warning of its own.
fn scanned_path(search: &Searched) -> Option<&str> {
    match search {
        Searched::TextExpression(target, _)
        | Searched::Integer(target, _)
        | Searched::Boolean(target, _)
        | Searched::Time(target, _) => Some(target.path().as_str()),
        Searched::Text { .. } | Searched::Id { .. } | Searched::Constant(..) => None,
    }
}

/// Warns of a foreign key without an index.
fn warn_of_reference(table: &Table, dialect: Dialect, search: &Searched, problems: &mut Problems) {
    let Searched::Id { target, name, is_indexed: false, .. } = search else { return };
    problems.warning(format!(
        "no index serves filters on `{}`, and each DELETE reads all rows of `{}` to remove references: {}",
        target.path(),
        table.name,
        create_index(dialect, false, &table.name, name, &[quote(name)], None)
    ));
}

/// How many rows of a table do not exist for SCIM, since they have no tenant or no value for a required attribute.
pub(crate) async fn count_rows_that_do_not_exist(
    database: &dyn Database,
    layout: &Layout,
) -> Result<i64, DatabaseError> {
    let not_deleted = match &layout.soft_delete {
        Some(deleted) if deleted.value == "TRUE" => format!(" AND t.{} IS NOT TRUE", deleted.column),
        Some(deleted) => format!(" AND t.{} IS NULL", deleted.column),
        None => String::new(),
    };
    let table = &layout.table;
    let sql =
        format!("SELECT count(*) FROM {table} t WHERE ((TRUE{}) IS NOT TRUE){not_deleted}", layout.exists);
    let mut tx = database.begin(Mode::Read).await?;
    let rows = tx.query(vec![Statement::new(sql, [])]).await?;
    Ok(rows.first().and_then(|rows| rows.first()?.int(0)).unwrap_or_default())
}
