//! Checks of a declaration against the catalog: keys, tenants, unique indexes, indexes, link tables.

use std::collections::HashMap;

use scim_core::schema::ResourceType;

use super::compile::find_column;
use super::field::{Field, FieldTarget};
use super::mapping::Searched;
use super::resource_type::Kind;
use super::{Layout, UniqueIndex};
use crate::database::{Database, DatabaseError, Mode, Statement};
use crate::table_store::catalog::{CatalogIndex, CatalogTable, normalize};
use crate::table_store::problems::Problems;
use crate::table_store::table::{LinkTable, Table};

/// Reports a key that names different people at different times, and a table without its naming attribute.
pub(super) fn check_key(
    table: &Table,
    catalog: &CatalogTable,
    resource_type: &ResourceType,
    fields: &[Field],
    problems: &mut Problems,
) {
    if catalog.reuses_keys && table.soft_delete.is_none() {
        problems.mistake(format!(
            "`{0}`.`{1}`: SQLite gives the key of a deleted row to a new row, so an id would name another person. \
             Declare the column as `{1} INTEGER PRIMARY KEY AUTOINCREMENT`, or mark rows as deleted with \
             `.soft_delete(..)`",
            table.name, table.key
        ));
    }
    let required = resource_type.attributes().filter(|target| {
        let definition = target.definition();
        definition.is_required() && !matches!(definition.name(), "schemas" | "id" | "meta")
    });
    for target in required {
        let is_mapped = fields.iter().any(|field| match &field.target {
            FieldTarget::Attribute(mapped) => mapped == target,
            FieldTarget::SubAttribute(parent, _) | FieldTarget::Element(parent, _) => parent == target,
        });
        if !is_mapped && table.rest.is_none() {
            problems.mistake(missing_attribute(table, target.definition().name()));
        }
    }
    for name in ["userName", "displayName"] {
        let kind = if name == "userName" { "User" } else { "Group" };
        let is_missing = resource_type.name() == kind
            && !fields.iter().any(|field| field.target.attribute().path().as_str() == name);
        if is_missing && resource_type.attribute(name).is_none_or(|target| !target.definition().is_required())
        {
            problems.mistake(missing_attribute(table, name));
        }
    }
}

fn missing_attribute(table: &Table, name: &str) -> String {
    format!("`{}`: `{name}` has no column; write `.key(\"{name}\", \"column\")`", table.name)
}

/// Reports tables of which only some have a tenant.
pub(super) fn check_tenant<'t>(table: &Table, all: impl Iterator<Item = &'t Table>, problems: &mut Problems) {
    for other in all.filter(|other| other.tenant.is_none()) {
        problems.mistake(format!(
            "`{}` has a tenant column and `{}` has none; declare it with `.tenant(..)`",
            table.name, other.name
        ));
    }
}

/// Reports a link table that does not fit. `None` if it or a column of it does not exist.
pub(super) fn check_link(
    link: &LinkTable,
    catalog: &HashMap<String, CatalogTable>,
    problems: &mut Problems,
) -> Option<()> {
    let Some(table) = catalog.get(&link.name) else {
        problems.mistake(format!("there is no table `{}`", link.name));
        return None;
    };
    find_column(&link.name, table, &link.group, problems)?;
    find_column(&link.name, table, &link.member, problems)?;
    let [group, member] = [&link.group, &link.member].map(|name| name.to_ascii_lowercase());
    let is_pair = |index: &CatalogIndex| {
        index.is_unique && index.predicate.is_none() && {
            let mut keys = index.keys.clone();
            keys.sort_unstable();
            let mut pair = vec![group.clone(), member.clone()];
            pair.sort_unstable();
            keys == pair
        }
    };
    if !table.indexes.iter().any(is_pair) {
        problems.mistake(format!(
            "`{0}`: a member could be added twice; run CREATE UNIQUE INDEX {3}_key ON {0} ({1}, {2})",
            link.name,
            link.group,
            link.member,
            link.name.replace('.', "_")
        ));
    }
    for column in [&link.group, &link.member] {
        if !table.is_indexed(&[vec![column.to_ascii_lowercase()]]) {
            problems.warning(format!(
                "no index of `{0}` begins with `{1}`, so the groups of a user, or the members of a group, are found by \
                 reading the whole table: CREATE INDEX {2}_{1} ON {0} ({1})",
                link.name, column, link.name.replace('.', "_")
            ));
        }
    }
    let others = table.columns.iter().filter(|(name, column)| {
        **name != link.group
            && **name != link.member
            && column.not_null
            && column.default.is_none()
            && !column.is_generated
            && !table
                .indexes
                .iter()
                .any(|index| index.name == "PRIMARY KEY" && index.keys == [name.to_ascii_lowercase()])
    });
    for (name, _) in others {
        problems.mistake(format!(
            "`{}`.`{name}` is NOT NULL without a default, so a member cannot be inserted; give it a default",
            link.name
        ));
    }
    Some(())
}

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
            let plain = name.to_ascii_lowercase();
            let is_about = index.keys.contains(&plain)
                || compared.index_prefixes(None).iter().flatten().any(|key| index.keys.contains(key))
                || index.keys.contains(&format!("lower({plain})"));
            if !is_about {
                continue;
            }
            let table_name = table.name.rsplit('.').next().unwrap_or(&table.name);
            let columns =
                index.keys.iter().map(|key| format!("{table_name}.{}", key.trim_end_matches(" nocase")));
            let is_announced = compared.is_keys_of(&index.keys, table.tenant.as_deref())
                && is_complete(index, table)
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
fn is_complete(index: &CatalogIndex, table: &Table) -> bool {
    match (&index.predicate, &table.soft_delete) {
        (None, _) => true,
        (Some(predicate), Some(deleted)) => *predicate == normalize(&format!("{deleted} IS NULL")),
        (Some(_), None) => false,
    }
}

/// Reports a `userName` that is not unique, and warns of searches that no index serves.
pub(super) fn check_uniqueness(
    table: &Table,
    catalog: &CatalogTable,
    kind: Kind,
    searched: &[Searched],
    problems: &mut Problems,
) {
    let index_name = table.name.replace('.', "_");
    let tenant = table.tenant.as_deref();
    let tenant_list = tenant.map(|tenant| format!("{tenant}, ")).unwrap_or_default();
    let mut scanned = Vec::new();
    for search in searched {
        let Searched::Text { target, name, compared, .. } = search else { continue };
        let path = target.path().as_str();
        if path == "userName" && kind == Kind::User {
            let is_unique = catalog.indexes.iter().any(|index| {
                index.is_unique && compared.is_keys_of(&index.keys, tenant) && is_complete(index, table)
            });
            if !is_unique {
                let partial = table.soft_delete.as_ref().map(|deleted| format!(" WHERE {deleted} IS NULL"));
                problems.mistake(format!(
                    "`{0}`.`{name}`: `userName` must be unique without regard to case; run \
                     CREATE UNIQUE INDEX {index_name}_{name}_key ON {0} ({tenant_list}{1}){2}",
                    table.name,
                    compared.index_expression,
                    partial.unwrap_or_default()
                ));
            }
        } else if !catalog.is_indexed(&compared.index_prefixes(tenant)) {
            let is_often_searched = matches!(path, "externalId" | "displayName" | "emails");
            if is_often_searched {
                problems.warning(format!(
                    "no index serves filters on `{path}`: CREATE INDEX {index_name}_{name} ON {} ({tenant_list}{})",
                    table.name, compared.index_expression
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
    let sql = format!("SELECT count(*) FROM {table} t WHERE NOT (TRUE{}){not_deleted}", layout.exists);
    let mut tx = database.begin(Mode::Read).await?;
    let rows = tx.query(vec![Statement::new(sql, [])]).await?;
    Ok(rows.first().and_then(|rows| rows.first()?.int(0)).unwrap_or_default())
}
