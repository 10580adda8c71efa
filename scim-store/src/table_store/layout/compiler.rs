//! What compiling a table needs, and the columns that are no attributes.

use scim_core::schema::{AttributeRef, ResourceType};
use scim_sql::Dialect;

use super::checks::{check_tenant, find_column};
use super::field::{Field, FieldWrite};
use super::resource_type::Kind;
use super::time::TimeColumn;
use super::triggers::trigger_ddl;
use super::{RestColumn, SoftDelete, TenantColumn};
use crate::table_store::catalog::{Catalog, CatalogTable, ColumnKind};
use crate::table_store::ids::KeyCodec;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{quote, quote_name};
use crate::table_store::table::Table;

/// The declared tables, and what the catalog says about all tables that they name.
pub(crate) struct Declared<'a> {
    pub(crate) users: Option<&'a Table>,
    pub(crate) groups: Option<&'a Table>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) dialect: Dialect,
}

/// A table that exists, and its key.
pub(super) struct Known<'a> {
    pub(super) kind: Kind,
    pub(super) table: &'a Table,
    pub(super) catalog: &'a CatalogTable,
    pub(super) codec: KeyCodec,
}

/// Compiles one table.
pub(super) struct Compiler<'c, 'a> {
    pub(super) known: &'c Known<'a>,
    pub(super) all: [&'c Option<Known<'a>>; 2],
    pub(super) declared: &'c Declared<'a>,
    pub(super) has_members: bool,
}

impl Compiler<'_, '_> {
    pub(super) fn tenant(&self, problems: &mut Problems) -> Option<TenantColumn> {
        let Known { table, catalog, .. } = self.known;
        let name = table.tenant.as_deref()?;
        let column = find_column(&table.name, catalog, name, problems)?;
        check_tenant(table, self.all.into_iter().flatten().map(|known| known.table), problems);
        let kinds =
            [ColumnKind::Text, ColumnKind::CaseInsensitiveText, ColumnKind::Uuid, ColumnKind::Integer];
        if !kinds.contains(&column.kind) {
            problems.mistake(format!(
                "`{}`.`{name}` is of type {}, but a tenant is a text, a uuid or an integer",
                table.name, column.type_name
            ));
        }
        Some(TenantColumn { column: quote(name), kind: column.kind })
    }

    pub(super) fn time(&self, name: Option<&str>, problems: &mut Problems) -> Option<TimeColumn> {
        let Known { table, catalog, .. } = self.known;
        let name = name?;
        let column = find_column(&table.name, catalog, name, problems)?;
        match TimeColumn::new(&quote(name), column, table.time_unit, self.declared.dialect) {
            Ok(time) => Some(time),
            Err(reason) => {
                problems.mistake(format!("`{}`.`{name}` {reason}", table.name));
                None
            }
        }
    }

    /// The quoted name of a column of one kind.
    pub(super) fn column(
        &self,
        name: Option<&str>,
        kind: ColumnKind,
        problems: &mut Problems,
    ) -> Option<String> {
        let Known { table, catalog, .. } = self.known;
        let name = name?;
        let column = find_column(&table.name, catalog, name, problems)?;
        if column.kind != kind {
            let wanted = if kind == ColumnKind::Integer { "an integer" } else { "a text" };
            problems.mistake(format!(
                "`{}`.`{name}` is of type {}, but must be {wanted}",
                table.name, column.type_name
            ));
        }
        Some(quote(name))
    }

    pub(super) fn adopted_by(&self, problems: &mut Problems) -> Option<String> {
        let Known { table, catalog, .. } = self.known;
        let name = table.adopted_by.as_deref()?;
        if !catalog.columns.contains_key(name) {
            problems.mistake(format!(
                "`{}` has no column `{name}` for the client that adopts a row; add it with: \
                 ALTER TABLE {} ADD COLUMN {} text",
                table.name,
                quote_name(&table.name),
                quote(name)
            ));
            return None;
        }
        if catalog.columns.get(name).is_some_and(|column| column.not_null) {
            problems.mistake(format!(
                "`{}`.`{name}` is NOT NULL, but must be NULL in rows that no client has adopted",
                table.name
            ));
        }
        self.column(Some(name), ColumnKind::Text, problems)
    }

    pub(super) fn soft_delete(&self, problems: &mut Problems) -> Option<SoftDelete> {
        let Known { table, catalog, .. } = self.known;
        let name = table.soft_delete.as_deref()?;
        let column = find_column(&table.name, catalog, name, problems)?;
        if column.kind == ColumnKind::Boolean {
            return Some(SoftDelete { column: quote(name), value: "TRUE".to_owned() });
        }
        let time = self.time(Some(name), problems)?;
        Some(SoftDelete { column: time.column, value: time.write })
    }

    pub(super) fn rest(
        &self,
        resource_type: &ResourceType,
        fields: &[Field],
        problems: &mut Problems,
    ) -> Option<RestColumn> {
        let Known { table, catalog, .. } = self.known;
        let name = table.rest.as_deref()?;
        let column = find_column(&table.name, catalog, name, problems)?;
        let value = match column.kind {
            // SQLite has no such type: a cast to it would make a number of the text.
            ColumnKind::Json if self.declared.dialect == Dialect::Sqlite => "{}".to_owned(),
            ColumnKind::Json => format!("CAST(CAST({{}} AS text) AS {})", column.type_name),
            ColumnKind::Text => "{}".to_owned(),
            _ => {
                problems.mistake(format!("`{}`.`{name}` must be a text, json or jsonb", table.name));
                return None;
            }
        };
        let is_elsewhere = |attribute: &AttributeRef| {
            let path = attribute.path().as_str();
            let common = ["schemas", "id", "meta", "groups", "members", "password"];
            common.contains(&path)
                || table.children.iter().any(|(child, _)| child == path)
                || fields
                    .iter()
                    .any(|field| resource_type.parent_attribute(field.target.attribute()) == Some(attribute))
        };
        let attributes = resource_type.all_attributes().filter(|a| !is_elsewhere(a)).cloned().collect();
        Some(RestColumn { column: quote(name), value, attributes })
    }

    /// Warns of a version column that the application may forget to increment when it changes members, unless the link
    /// table has a trigger.
    pub(super) fn suggest_triggers(&self, problems: &mut Problems) {
        let Known { table, .. } = self.known;
        let (Some(version), Some(link)) = (&table.version, &table.members) else { return };
        if self.declared.catalog.get(&link.name).is_none_or(|catalog| catalog.has_trigger) {
            return;
        }
        let ddl = trigger_ddl(table, version, link, self.declared.dialect);
        problems.warning(format!(
            "`{}`.`{version}`: the application must increment it too when it adds or removes members; this does: {ddl}",
            table.name
        ));
    }

    /// Whether the tenant, or the column of the name, can be NULL.
    pub(super) fn may_hide_rows(&self, tenant: &Option<TenantColumn>, fields: &[Field]) -> bool {
        let is_nullable = |quoted: &String| {
            let mut columns = self.known.catalog.columns.iter();
            columns.any(|(name, column)| quote(name) == *quoted && !column.not_null)
        };
        let required = fields.iter().filter(|field| field.names_resource());
        let mut columns = required.filter_map(|field| match &field.write {
            Some(FieldWrite::Value { column, .. }) => Some(column),
            _ => None,
        });
        tenant.as_ref().is_some_and(|tenant| is_nullable(&tenant.column)) || columns.any(is_nullable)
    }
}
