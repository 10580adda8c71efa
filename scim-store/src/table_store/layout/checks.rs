//! Checks of a declaration against the catalog: keys, tenants, unique indexes, indexes, link tables.

use scim_core::schema::{AttributeRef, ResourceType, Type};
use scim_sql::Dialect;

use super::resource_type::{Kind, resolve};
use crate::table_store::catalog::{
    Catalog, CatalogColumn, CatalogIndex, CatalogTable, ColumnKind, column_key,
};
use crate::table_store::child::{ChildColumn, ChildTable};
use crate::table_store::ids::KeyCodec;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{create_index, quote};
use crate::table_store::table::{LinkTable, Place, Table};

/// A column of a table; a mistake if there is none.
pub(super) fn find_column<'c>(
    table: &str,
    catalog: &'c CatalogTable,
    name: &str,
    problems: &mut Problems,
) -> Option<&'c CatalogColumn> {
    let found = catalog.columns.get(name);
    if found.is_none() {
        problems.mistake(format!(
            "`{table}` has no column `{name}`; it has {}. Declare one of these, or add the column to the table",
            catalog.column_names().join(", ")
        ));
    }
    found
}

/// Reports a key that names different people, and a table without its naming attribute. `link` is the table of members.
pub(super) fn check_key(
    table: &Table,
    catalog: &CatalogTable,
    resource_type: &ResourceType,
    link: Option<&LinkTable>,
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
    // If all tables have the tenant, every statement names it, and a key needs to be unique within the tenant only.
    let tenant = table.tenant.as_ref().filter(|_| {
        table.children.iter().all(|(_, child)| child.tenant.is_some())
            && link.is_none_or(|link| link.tenant.is_some())
    });
    let key = [column_key(&table.key)];
    let in_tenant = tenant.map(|tenant| [column_key(tenant), column_key(&table.key)]);
    let is_key = |index: &CatalogIndex| {
        let is_in_tenant = in_tenant.as_ref().is_some_and(|keys| index.keys == keys);
        index.is_unique && index.predicate.is_none() && (index.keys == key || is_in_tenant)
    };
    if catalog.columns.contains_key(&table.key) && !catalog.indexes.iter().any(is_key) {
        problems.mistake(format!(
            "`{0}`.`{1}`: no unique index has this column alone, so two rows could have one id; declare it as the primary \
             key, or use a column that is unique by itself. An index with the tenant is enough only if child tables and the \
             table of members have the tenant too: `ChildTable::tenant`, `Table::members_tenant`",
            table.name, table.key
        ));
    }
    // A column that does not fit has been reported; then the attribute is declared, but has no field.
    let declared: Vec<AttributeRef> =
        table.attributes.iter().filter_map(|declared| resolve(resource_type, &declared.path)).collect();
    let is_declared = |target: &AttributeRef| {
        declared
            .iter()
            .any(|mapped| mapped == target || resource_type.parent_attribute(mapped) == Some(target))
            || table.children.iter().any(|(path, _)| resolve(resource_type, path).as_ref() == Some(target))
    };
    for target in resource_type.attributes() {
        let definition = target.definition();
        let is_required = definition.is_required() && !matches!(definition.name(), "schemas" | "id" | "meta");
        if is_required && !is_declared(target) && table.rest.is_none() {
            problems.mistake(missing_attribute(table, definition.name()));
        }
    }
    let naming = if resource_type.name() == Kind::User.name() { "userName" } else { "displayName" };
    let is_required = resource_type.attribute(naming).is_some_and(|target| target.definition().is_required());
    let is_missing = !declared.iter().any(|target| target.path().as_str() == naming);
    if is_missing && (!is_required || table.rest.is_some()) {
        problems.mistake(missing_attribute(table, naming));
    }
}

fn missing_attribute(table: &Table, name: &str) -> String {
    format!("`{}`: `{name}` has no column; write `.key(\"{name}\", \"column\")`", table.name)
}

/// Reports a column that cannot refer to a key, since it is of another type.
pub(super) fn check_key_column(
    table: &str,
    name: &str,
    column: &CatalogColumn,
    codec: &KeyCodec,
    dialect: Dialect,
    problems: &mut Problems,
) {
    if !codec.may_be_in(column.kind, dialect) {
        problems.mistake(format!(
            "`{table}`.`{name}` is of type {}, but the key to which it refers is of type {}",
            column.type_name,
            codec.sql_type()
        ));
    }
}

/// Reports a column of a child table that does not fit its sub-attribute.
pub(super) fn check_child_column(
    table: &str,
    sub: &AttributeRef,
    declared: &ChildColumn,
    column: &CatalogColumn,
    problems: &mut Problems,
) {
    let (path, name) = (sub.path().as_str(), &declared.column);
    let is_boolean = sub.definition().data_type() == Type::Boolean;
    if is_boolean != declared.is_boolean {
        let method = if is_boolean { ".boolean(..)" } else { ".text(..)" };
        problems.mistake(format!(
            "`{table}`: `{path}` is of type {}; use `{method}`",
            sub.definition().data_type()
        ));
        return;
    }
    let fits = match column.kind {
        ColumnKind::Boolean | ColumnKind::Integer => is_boolean,
        ColumnKind::Text | ColumnKind::CaseInsensitiveText | ColumnKind::Uuid => !is_boolean,
        _ => false,
    };
    if !fits {
        let wanted = if is_boolean { "a boolean" } else { "a text" };
        problems
            .mistake(format!("`{table}`.`{name}` is of type {}, but `{path}` is {wanted}", column.type_name));
    }
}

/// Reports a folded column for an attribute that has no text column.
pub(super) fn check_folded(table: &Table, problems: &mut Problems) {
    for (path, _) in &table.folded {
        let has_text = table.attributes.iter().any(|declared| {
            declared.path.eq_ignore_ascii_case(path)
                && matches!(declared.place, Place::Text(_) | Place::Element(..))
        });
        if !has_text {
            problems.mistake(format!(
                "`{}`: `{path}` has a folded column but no text column; add `.text(\"{path}\", ..)`",
                table.name
            ));
        }
    }
}

/// Reports attributes that are declared twice.
pub(super) fn check_repeated(table: &Table, problems: &mut Problems) {
    let element_type = |place: &Place| match place {
        Place::Element(_, element_type) => Some(element_type.to_ascii_lowercase()),
        _ => None,
    };
    for (index, declared) in table.attributes.iter().enumerate() {
        let is_repeated = table.attributes.iter().take(index).any(|other| {
            other.path.eq_ignore_ascii_case(&declared.path)
                && element_type(&other.place) == element_type(&declared.place)
        });
        if is_repeated {
            problems.mistake(format!("`{}`: `{}` is declared twice; remove one", table.name, declared.path));
        }
    }
}

/// The columns, apart from those that are written, without which no row can be inserted.
fn unfilled_columns<'c>(catalog: &'c CatalogTable, written: &[&str]) -> Vec<&'c str> {
    let is_unfilled = |name: &&str| {
        let column = catalog.columns.get(*name);
        let has_value = |c: &CatalogColumn| !c.not_null || c.default.is_some() || c.is_generated;
        !written.contains(name) && !column.is_none_or(has_value)
    };
    catalog.column_names().into_iter().filter(is_unfilled).collect()
}

/// Reports columns without which no row can be inserted, but which nothing fills.
pub(super) fn check_undeclared(table: &Table, catalog: &CatalogTable, problems: &mut Problems) {
    let mut declared: Vec<&str> = table.attributes.iter().filter_map(|a| a.place.written_column()).collect();
    declared.push(&table.key);
    declared.extend(table.folded.iter().map(|(_, column)| column.as_str()));
    let others = [&table.tenant, &table.created, &table.updated, &table.version];
    declared.extend(others.into_iter().flatten().map(String::as_str));
    for name in unfilled_columns(catalog, &declared) {
        let lower = name.to_ascii_lowercase();
        let is_tenant = ["tenant", "org", "company", "customer"].iter().any(|word| lower.contains(word));
        let advice = match is_tenant && table.tenant.is_none() {
            true => format!("if it is the tenant, write `.tenant(\"{name}\")`, else declare its attribute"),
            false => "declare its attribute".to_owned(),
        };
        problems.mistake(format!(
            "`{}`.`{name}` is NOT NULL, has no default and is not declared, so no row can be inserted; {advice}, or give \
             it a default",
            table.name
        ));
    }
}

/// Reports columns of a child table without which no element can be inserted.
pub(super) fn check_undeclared_of_child(child: &ChildTable, catalog: &CatalogTable, problems: &mut Problems) {
    let mut declared: Vec<&str> = child.columns.iter().map(|column| column.column.as_str()).collect();
    declared.push(&child.owner);
    declared.extend(child.tenant.as_deref());
    for name in unfilled_columns(catalog, &declared) {
        problems.mistake(format!(
            "`{}`.`{name}` is NOT NULL, has no default and no sub-attribute, so no element can be inserted; give it a \
             default",
            child.name
        ));
    }
}

/// Reports an integer key that the database does not assign to new rows.
pub(super) fn check_assigned_key(
    table: &Table,
    catalog: &CatalogTable,
    dialect: Dialect,
    problems: &mut Problems,
) {
    let is_unassigned =
        |key: &&CatalogColumn| key.kind == ColumnKind::Integer && !key.is_generated && key.default.is_none();
    // A trigger may assign it.
    if catalog.has_trigger || catalog.columns.get(&table.key).filter(is_unassigned).is_none() {
        return;
    }
    let declaration = match dialect {
        Dialect::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        _ => "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
    };
    problems.mistake(format!(
        "`{0}`.`{1}`: the database assigns no key to a new row; declare the column as `{1} {declaration}`",
        table.name, table.key
    ));
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

/// Reports a link table that does not fit. Returns the columns of the unique index of a membership; `None` if the table or a
/// column of it does not exist.
pub(super) fn check_link(
    link: &LinkTable,
    catalog: &Catalog,
    dialect: Dialect,
    problems: &mut Problems,
) -> Option<String> {
    let Some(table) = catalog.get(&link.name) else {
        problems.mistake(catalog.no_table(&link.name));
        return None;
    };
    find_column(&link.name, table, &link.group, problems)?;
    find_column(&link.name, table, &link.member, problems)?;
    if let Some(tenant) = &link.tenant {
        find_column(&link.name, table, tenant, problems)?;
    }
    let is_unique = |columns: &[&String]| {
        let mut wanted: Vec<String> = columns.iter().map(|name| column_key(name)).collect();
        wanted.sort_unstable();
        table.indexes.iter().any(|index| {
            let mut keys = index.keys.clone();
            keys.sort_unstable();
            index.is_unique && index.predicate.is_none() && keys == wanted
        })
    };
    let with_tenant: Vec<&String> = link.tenant.iter().chain([&link.group, &link.member]).collect();
    let pair = vec![&link.group, &link.member];
    let unique = [&with_tenant, &pair].into_iter().find(|columns| is_unique(columns));
    let keys: Vec<String> = unique.unwrap_or(&with_tenant).iter().map(|name| quote(name)).collect();
    if unique.is_none() {
        problems.mistake(format!(
            "`{}`: a member could be added twice; run {}",
            link.name,
            create_index(dialect, true, &link.name, "key", &keys, None)
        ));
    }
    for (column, found) in [(&link.group, "the members of a group"), (&link.member, "the groups of a user")] {
        let after_tenant = link.tenant.iter().map(|tenant| vec![column_key(tenant), column_key(column)]);
        let prefixes: Vec<_> = after_tenant.chain([vec![column_key(column)]]).collect();
        if !table.is_indexed(&prefixes) {
            problems.warning(format!(
                "no index of `{}` begins with `{column}`, so {found} are found by reading the whole table: {}",
                link.name,
                create_index(dialect, false, &link.name, column, &[quote(column)], None)
            ));
        }
    }
    let written: Vec<&str> = with_tenant.iter().map(|name| name.as_str()).collect();
    for name in unfilled_columns(table, &written) {
        problems.mistake(format!(
            "`{}`.`{name}` is NOT NULL without a default, so a member cannot be inserted; give it a default",
            link.name
        ));
    }
    Some(keys.join(", "))
}
