//! Compiles the lists that are in other tables: child tables, and the members of groups.

use scim_core::schema::{AttributeRef, ResourceType};
use scim_sql::{Column, Dialect};

use super::checks::{
    check_child_column, check_key_column, check_link, check_undeclared_of_child, find_column,
};
use super::columns::ComparedText;
use super::compiler::Compiler;
use super::indexes::index_keys;
use super::resource_type::resolve;
use super::{ChildField, ChildLayout, MembersLayout};
use crate::table_store::catalog::{CatalogColumn, CatalogTable, ColumnKind, column_key};
use crate::table_store::child::{ChildColumn, ChildTable};
use crate::table_store::problems::Problems;
use crate::table_store::sql::{as_text, create_index, quote, quote_name};

impl Compiler<'_, '_> {
    pub(super) fn children(&self, resource_type: &ResourceType, problems: &mut Problems) -> Vec<ChildLayout> {
        let declared = &self.known.table.children;
        declared.iter().filter_map(|(path, child)| self.child(resource_type, path, child, problems)).collect()
    }

    fn child(
        &self,
        resource_type: &ResourceType,
        path: &str,
        child: &ChildTable,
        problems: &mut Problems,
    ) -> Option<ChildLayout> {
        let Some(catalog) = self.declared.catalog.get(&child.name) else {
            problems.mistake(self.declared.catalog.no_table(&child.name));
            return None;
        };
        self.check_owner(child, catalog, problems);
        // A path that is no list, and sub-attributes that do not exist, have been reported.
        let list = resolve(resource_type, path);
        let mut columns = Vec::new();
        for declared in &child.columns {
            let column = find_column(&child.name, catalog, &declared.column, problems);
            let sub = list.as_ref().and_then(|list| list.sub_attribute(&declared.sub_attribute)).cloned();
            let (Some(column), Some(sub)) = (column, sub) else { continue };
            check_child_column(&child.name, &sub, declared, column, problems);
            columns.push(self.child_field(path, child, catalog, declared, column, sub, problems));
        }
        // Rows with the same position are in the order of their values, so that each read returns one order.
        let mut order = Vec::new();
        if let Some(column) = &child.order {
            find_column(&child.name, catalog, column, problems);
            order.push(format!("c.{}", quote(column)));
        }
        order.extend(columns.iter().map(|column| column.read.clone()));
        Some(ChildLayout {
            list: list?,
            table: quote_name(&child.name),
            owner: quote(&child.owner),
            tenant: child.tenant.as_deref().map(quote),
            order: order.join(", "),
            columns,
        })
    }

    /// Checks the columns of a child table that hold no values: those of the owner and of the tenant.
    fn check_owner(&self, child: &ChildTable, catalog: &CatalogTable, problems: &mut Problems) {
        let dialect = self.declared.dialect;
        if let Some(tenant) = &child.tenant {
            find_column(&child.name, catalog, tenant, problems);
        }
        let Some(owner) = find_column(&child.name, catalog, &child.owner, problems) else { return };
        check_key_column(&child.name, &child.owner, owner, &self.known.codec, dialect, problems);
        let after_tenant =
            child.tenant.iter().map(|tenant| vec![column_key(tenant), column_key(&child.owner)]);
        let prefixes: Vec<_> = after_tenant.chain([vec![column_key(&child.owner)]]).collect();
        if !catalog.is_indexed(&prefixes) {
            let keys: Vec<String> =
                child.tenant.iter().chain([&child.owner]).map(|name| quote(name)).collect();
            problems.warning(format!(
                "no index of `{}` begins with `{}`, so each read of a resource reads the whole table: {}",
                child.name,
                child.owner,
                create_index(dialect, false, &child.name, &child.owner, &keys, None)
            ));
        }
        // A column that is misspelled is reported; then what is left is not what was meant.
        if child.columns.iter().all(|column| catalog.columns.contains_key(&column.column)) {
            check_undeclared_of_child(child, catalog, problems);
        }
    }

    /// The field of a column of a child table. Warns if no index serves searches for the `value` of elements.
    #[expect(clippy::too_many_arguments, reason = "they are what is known of one column")]
    fn child_field(
        &self,
        path: &str,
        child: &ChildTable,
        catalog: &CatalogTable,
        declared: &ChildColumn,
        column: &CatalogColumn,
        sub: AttributeRef,
        problems: &mut Problems,
    ) -> ChildField {
        let dialect = self.declared.dialect;
        let quoted = quote(&declared.column);
        let name = format!("c.{quoted}");
        let is_number = column.kind == ColumnKind::Integer && dialect != Dialect::Sqlite;
        let (read, write) = match declared.is_boolean {
            true if is_number => (format!("({name} <> 0)"), "CASE WHEN {} THEN 1 ELSE 0 END".to_owned()),
            true => (name, "{}".to_owned()),
            false => (as_text(&name), "{}".to_owned()),
        };
        let searched = match declared.is_boolean {
            true => Column::boolean(read.as_str()),
            false => {
                let tenant = child.tenant.as_deref();
                let compared =
                    ComparedText::new(&sub, ("c", &declared.column), column, None, catalog, dialect);
                let is_indexed = catalog.is_indexed(&compared.index_prefixes(tenant));
                if !is_indexed && sub.definition().name() == "value" {
                    let keys = index_keys(&compared, tenant);
                    problems.warning(format!(
                        "no index serves filters on `{path}`: {}",
                        create_index(dialect, false, &child.name, &declared.column, &keys, None)
                    ));
                }
                compared.column(is_indexed, false, dialect)
            }
        };
        ChildField { sub, column: quoted, read, write, is_boolean: declared.is_boolean, searched }
    }

    pub(super) fn members(
        &self,
        resource_type: &ResourceType,
        problems: &mut Problems,
    ) -> Option<MembersLayout> {
        let link = self.known.table.members.as_ref()?;
        let list = resource_type.attribute("members")?.clone();
        let unique = check_link(link, self.declared.catalog, self.declared.dialect, problems)?;
        if let (Some(table), Some(users)) = (self.declared.catalog.get(&link.name), &self.all[0]) {
            let columns = [(&link.group, &self.known.codec), (&link.member, &users.codec)];
            for (name, codec) in columns {
                let Some(column) = table.columns.get(name) else { continue };
                check_key_column(&link.name, name, column, codec, self.declared.dialect, problems);
            }
        }
        Some(MembersLayout {
            list,
            link: quote_name(&link.name),
            group: quote(&link.group),
            member: quote(&link.member),
            tenant: link.tenant.as_deref().map(quote),
            unique,
        })
    }
}
