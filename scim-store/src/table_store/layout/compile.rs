//! Turns declarations into layouts, and collects their mistakes.

use std::collections::HashMap;

use scim_core::schema::{AttributeRef, ResourceType, Type};
use scim_sql::Dialect;

use super::checks::{
    check_child_column, check_folded, check_key, check_key_column, check_link, check_repeated, check_tenant,
    check_undeclared, check_uniqueness, unique_indexes,
};
use super::columns::ComparedText;
use super::field::{Codec, Field, FieldTarget, FieldWrite};
use super::mapping::{Searched, mapping};
use super::resource_type::{Kind, resolve, resource_type};
use super::time::TimeColumn;
use super::triggers::trigger_ddl;
use super::{
    ChildField, ChildLayout, GroupsLayout, Layout, MembersLayout, RestColumn, SoftDelete, TenantColumn,
};
use crate::table_store::catalog::{CatalogColumn, CatalogTable, ColumnKind, column_key};
use crate::table_store::expression::ExpressionType;
use crate::table_store::ids::KeyCodec;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{as_text, create_index, quote, quote_name};
use crate::table_store::table::{DeclaredAttribute, Place, Table};

/// The declared tables, and what the catalog says about all tables that they name.
pub(crate) struct Declared<'a> {
    pub(crate) users: Option<&'a Table>,
    pub(crate) groups: Option<&'a Table>,
    pub(crate) catalog: &'a HashMap<String, CatalogTable>,
    pub(crate) dialect: Dialect,
}

/// A table that exists, and its key.
struct Known<'a> {
    kind: Kind,
    table: &'a Table,
    catalog: &'a CatalogTable,
    codec: KeyCodec,
}

/// The layouts of users and groups, as far as there are no mistakes.
pub(crate) fn compile(declared: &Declared<'_>, problems: &mut Problems) -> (Option<Layout>, Option<Layout>) {
    let users = declared.users.and_then(|table| known(Kind::User, table, declared, problems));
    let groups = declared.groups.and_then(|table| known(Kind::Group, table, declared, problems));
    if let (Some(users), Some(groups)) = (&users, &groups)
        && users.table.ids.prefix() == groups.table.ids.prefix()
        && (users.codec.is_integer() || groups.codec.is_integer())
    {
        problems.mistake(format!(
            "`{}` and `{}`: a user and a group would have the same id; give `Ids::prefixed` another prefix",
            users.table.name, groups.table.name
        ));
    }
    let has_members = groups.as_ref().is_some_and(|groups| groups.table.members.is_some());
    if has_members && users.is_none() && declared.users.is_none() {
        problems.mistake("groups have members, but no table of users is declared; add `.users(..)`");
    }
    let all = [&users, &groups];
    let compile_one = |known: &Option<Known<'_>>, problems: &mut Problems| {
        known.as_ref().and_then(|known| Compiler { known, all, declared, has_members }.compile(problems))
    };
    let compiled_users = compile_one(&users, problems);
    let compiled_groups = compile_one(&groups, problems);
    (compiled_users, compiled_groups)
}

/// The table with its key, if the catalog has both.
fn known<'a>(
    kind: Kind,
    table: &'a Table,
    declared: &Declared<'a>,
    problems: &mut Problems,
) -> Option<Known<'a>> {
    let Some(catalog) = declared.catalog.get(&table.name) else {
        problems.mistake(format!("there is no table `{}`", table.name));
        return None;
    };
    // A wrong key is reported, and the other mistakes in the table are found all the same.
    let kind_of_key = match find_column(&table.name, catalog, &table.key, problems) {
        Some(key) => {
            if let Some(reason) = table.ids.mismatch(key.kind) {
                problems.mistake(format!("`{}`.`{}`: {reason}", table.name, table.key));
            }
            key.kind
        }
        None => ColumnKind::Text,
    };
    let codec = KeyCodec::new(&table.ids, kind_of_key);
    Some(Known { kind, table, catalog, codec })
}

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

/// Compiles one table.
struct Compiler<'c, 'a> {
    known: &'c Known<'a>,
    all: [&'c Option<Known<'a>>; 2],
    declared: &'c Declared<'a>,
    has_members: bool,
}

impl Compiler<'_, '_> {
    fn compile(&self, problems: &mut Problems) -> Option<Layout> {
        let Known { kind, table, catalog, codec } = self.known;
        let dialect = self.declared.dialect;
        let resource_type = resource_type(*kind, table, catalog, self.has_members, problems)?;
        let mut fields = Vec::new();
        let mut searched = Vec::new();
        let mut constants = Vec::new();
        for attribute in &table.attributes {
            // A path that does not exist has been reported.
            let Some(target) = resolve(&resource_type, &attribute.path) else { continue };
            if let Place::Constant(value) = &attribute.place {
                searched.push(Searched::Constant(target.clone(), value.clone()));
                constants.push((target, value.clone()));
            } else if let Some((field, search)) = self.field(&resource_type, attribute, target, problems) {
                fields.push(field);
                searched.push(search);
            }
        }
        check_key(table, catalog, &resource_type, problems);
        check_folded(table, problems);
        check_repeated(table, problems);
        check_undeclared(table, catalog, problems);
        let tenant = self.tenant(problems);
        let children = self.children(&resource_type, problems);
        let soft_delete = self.soft_delete(problems);
        let members = self.members(&resource_type, problems);
        let groups = resource_type.attribute("groups").filter(|_| self.has_members && *kind == Kind::User);
        let groups = groups.map(|list| GroupsLayout { list: list.clone() });
        let created = self.time(table.created.as_deref(), problems);
        let updated = self.time(table.updated.as_deref(), problems);
        let version = self.column(table.version.as_deref(), ColumnKind::Integer, problems);
        let password = self.column(table.password.as_deref(), ColumnKind::Text, problems);
        let rest = self.rest(&resource_type, &fields, problems);
        let unique = unique_indexes(table, catalog, &searched);
        check_uniqueness(table, catalog, dialect, &searched, problems);
        self.suggest_triggers(problems);
        if resource_type.attribute("externalId").is_none() {
            problems.warning(format!(
                "`{}` has no column for `externalId`, which Entra ID and Okta send, so it is ignored: add a text column \
                 and `.text(\"externalId\", \"external_id\")`",
                table.name
            ));
        }
        if !problems.is_empty() {
            return None;
        }
        let mut layout = Layout {
            dialect,
            table: quote_name(&table.name),
            key_column: quote(&table.key),
            codec: codec.clone(),
            exists: exists(&tenant, &soft_delete, &fields),
            may_hide_rows: self.may_hide_rows(&tenant, &fields),
            tenant,
            name: name_sql(&fields),
            fields,
            constants,
            children,
            created,
            updated,
            version,
            password,
            soft_delete,
            rest,
            select: String::new(),
            columns: 0,
            mapping: empty_mapping(&resource_type, problems)?,
            members,
            groups,
            unique,
            resource_type,
        };
        let select = select_list(&layout);
        layout.columns = select.len();
        layout.select = select.join(", ");
        let other = self.all.into_iter().flatten().find(|other| other.kind != *kind);
        let related =
            other.map(|other| super::mapping::Related::new(other.table, other.catalog, &other.codec));
        let link = self.all.into_iter().flatten().find_map(|known| known.table.members.as_ref());
        layout.mapping = mapping(&layout, searched, related.as_ref(), link, problems)?;
        Some(layout)
    }

    /// The field of an attribute, and how it is searched.
    fn field(
        &self,
        resource_type: &ResourceType,
        declared: &DeclaredAttribute,
        target: AttributeRef,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let DeclaredAttribute { path, place } = declared;
        match place {
            Place::Text(name) => self.text_field(resource_type, path, target, name, None, problems),
            Place::Element(name, element_type) => {
                self.text_field(resource_type, path, target, name, Some(element_type), problems)
            }
            Place::Integer(name) => {
                self.plain_field(resource_type, path, target, name, ExpressionType::Integer, problems)
            }
            Place::Boolean(name) => {
                self.plain_field(resource_type, path, target, name, ExpressionType::Boolean, problems)
            }
            Place::Time(name) | Place::TrueUnless(name) => {
                let is_flag = matches!(place, Place::TrueUnless(_));
                let wanted = if is_flag { Type::Boolean } else { Type::DateTime };
                self.expect_type(path, &target, wanted, problems)?;
                let time = self.time(Some(name), problems)?;
                let codec = if is_flag { Codec::Boolean } else { Codec::Time };
                let (read, searched) = match is_flag {
                    true => {
                        let sql = format!("(t.{} IS NULL)", time.column);
                        (sql.clone(), sql)
                    }
                    false => (time.select.clone(), time.read.clone()),
                };
                let write = match is_flag {
                    true => FieldWrite::NullWhileTrue(time),
                    false => FieldWrite::Value {
                        column: time.column,
                        value: time.write,
                        unassigned: "NULL".to_owned(),
                        folded: None,
                    },
                };
                let field = Field {
                    target: field_target(resource_type, target.clone()),
                    codec,
                    read,
                    write: Some(write),
                };
                let search = if is_flag {
                    Searched::Boolean(target, searched)
                } else {
                    Searched::Time(target, searched)
                };
                Some((field, search))
            }
            Place::Reference(name, type_name) => {
                self.reference_field(path, target, name, type_name, problems)
            }
            Place::Expression(expression) => {
                let data_type = match expression.result {
                    ExpressionType::Text => Type::String,
                    ExpressionType::Integer => Type::Integer,
                    ExpressionType::Boolean => Type::Boolean,
                };
                self.expect_type(path, &target, data_type, problems)?;
                if let Some((column, _)) = &expression.write {
                    find_column(&self.known.table.name, self.known.catalog, column, problems)?;
                }
                let write = expression.write.as_ref().map(|(column, value)| FieldWrite::Value {
                    column: quote(column),
                    value: value.clone(),
                    unassigned: "NULL".to_owned(),
                    folded: None,
                });
                let (codec, search, read) = match expression.result {
                    ExpressionType::Text => {
                        let read = as_text(&expression.read);
                        (Codec::Text, Searched::TextExpression(target.clone(), read.clone()), read)
                    }
                    ExpressionType::Integer => {
                        let read = format!("CAST({} AS bigint)", expression.read);
                        (Codec::Integer, Searched::Integer(target.clone(), read.clone()), read)
                    }
                    ExpressionType::Boolean => (
                        Codec::Boolean,
                        Searched::Boolean(target.clone(), expression.read.clone()),
                        expression.read.clone(),
                    ),
                };
                Some((Field { target: field_target(resource_type, target), codec, read, write }, search))
            }
            Place::Constant(_) => None,
        }
    }

    /// The field of a text column; of the only element of a list if there is an `element_type`.
    fn text_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        name: &str,
        element_type: Option<&String>,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let value = match element_type {
            Some(_) => target.sub_attribute("value").cloned().unwrap_or_else(|| target.clone()),
            None => target.clone(),
        };
        if element_type.is_none() {
            self.expect_type(path, &target, Type::String, problems)?;
        }
        let column = find_column(&table.name, catalog, name, problems)?;
        let is_text =
            matches!(column.kind, ColumnKind::Text | ColumnKind::CaseInsensitiveText | ColumnKind::Uuid);
        if !is_text {
            problems.mistake(format!(
                "`{}`.`{name}` is of type {}, but `{path}` is a text; use `.expression(..)` to convert it",
                table.name, column.type_name
            ));
            return None;
        }
        let folded = table.folded.iter().find(|(folded, _)| folded.eq_ignore_ascii_case(path));
        let folded = folded.map(|(_, column)| column.as_str());
        if let Some(folded) = folded {
            find_column(&table.name, catalog, folded, problems)?;
        }
        let compared = ComparedText::new(&value, name, column, folded, catalog, self.declared.dialect);
        let quoted = quote(name);
        let field = Field {
            read: as_text(&format!("t.{quoted}")),
            target: match element_type {
                Some(element_type) => FieldTarget::Element(target.clone(), element_type.clone()),
                None => field_target(resource_type, target.clone()),
            },
            codec: Codec::Text,
            write: Some(FieldWrite::Value {
                column: quoted,
                value: "{}".to_owned(),
                unassigned: unassigned(column),
                folded: folded.map(quote),
            }),
        };
        let is_indexed = catalog.is_indexed(&compared.index_prefixes(table.tenant.as_deref()));
        let (name, element_type) = (name.to_owned(), element_type.cloned());
        Some((field, Searched::Text { target, name, element_type, compared, is_indexed }))
    }

    /// The field of an integer or boolean column.
    fn plain_field(
        &self,
        resource_type: &ResourceType,
        path: &str,
        target: AttributeRef,
        name: &str,
        column_type: ExpressionType,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let is_flag = column_type == ExpressionType::Boolean;
        self.expect_type(path, &target, if is_flag { Type::Boolean } else { Type::Integer }, problems)?;
        let column = find_column(&table.name, catalog, name, problems)?;
        let quoted = quote(name);
        let sql = format!("t.{quoted}");
        let sqlite = self.declared.dialect == Dialect::Sqlite;
        let (read, value) = match (is_flag, column.kind) {
            (true, ColumnKind::Boolean) => (sql, "{}".to_owned()),
            (true, ColumnKind::Integer) if sqlite => (sql, "{}".to_owned()),
            (true, ColumnKind::Integer) => {
                (format!("({sql} <> 0)"), "CASE WHEN {} THEN 1 ELSE 0 END".to_owned())
            }
            (false, ColumnKind::Integer) => (format!("CAST({sql} AS bigint)"), "{}".to_owned()),
            _ => {
                if path == "active" {
                    problems.mistake(format!(
                        "`{0}`.`{name}` is of type {1}, but `active` is a boolean; if the column is NULL while the user is \
                         active, write `.active_unless(\"{name}\")`, else use `.expression(..)`",
                        table.name, column.type_name
                    ));
                    return None;
                }
                let wanted = if is_flag { "a boolean" } else { "an integer" };
                problems.mistake(format!(
                    "`{}`.`{name}` is of type {}, but `{path}` is {wanted}; use `.expression(..)` to convert it",
                    table.name, column.type_name
                ));
                return None;
            }
        };
        let write = FieldWrite::Value { column: quoted, value, unassigned: unassigned(column), folded: None };
        let (codec, search) = match is_flag {
            true => (Codec::Boolean, Searched::Boolean(target.clone(), read.clone())),
            false => (Codec::Integer, Searched::Integer(target.clone(), read.clone())),
        };
        Some((Field { target: field_target(resource_type, target), codec, read, write: Some(write) }, search))
    }

    /// The field of a foreign key.
    fn reference_field(
        &self,
        path: &str,
        target: AttributeRef,
        name: &str,
        type_name: &str,
        problems: &mut Problems,
    ) -> Option<(Field, Searched)> {
        let Known { table, catalog, .. } = self.known;
        let value = target.sub_attribute("value").cloned()?;
        let referred = self.all.into_iter().flatten().find(|known| known.kind.name() == type_name);
        let Some(referred) = referred else {
            problems.mistake(format!("`{path}` refers to `{type_name}`, for which no table is declared"));
            return None;
        };
        let column = find_column(&table.name, catalog, name, problems)?;
        check_key_column(&table.name, name, column, &referred.codec, self.declared.dialect, problems);
        let quoted = quote(name);
        let sql = format!("t.{quoted}");
        let field = Field {
            target: FieldTarget::SubAttribute(target, value.clone()),
            codec: Codec::Reference(referred.kind, referred.codec.clone()),
            read: as_text(&sql),
            write: Some(FieldWrite::Value {
                column: quoted,
                value: "{}".to_owned(),
                unassigned: unassigned(column),
                folded: None,
            }),
        };
        Some((field, Searched::Id(value, sql, referred.codec.clone())))
    }

    /// Reports an attribute whose type does not fit its column.
    fn expect_type(
        &self,
        path: &str,
        target: &AttributeRef,
        wanted: Type,
        problems: &mut Problems,
    ) -> Option<()> {
        let table = &self.known.table.name;
        let definition = target.definition();
        let is_list = target.attribute().is_multi_valued();
        let reason = if is_list {
            format!(
                "`{path}` is a list; use `.one(..)` for one element in a column, or `.many(..)` for a child table"
            )
        } else if target.is_complex() {
            let subs: Vec<&str> = target.sub_attributes().iter().map(|sub| sub.definition().name()).collect();
            format!("`{path}` has sub-attributes; name one of them: {}", subs.join(", "))
        } else if definition.data_type() == wanted
            || wanted == Type::String && matches!(definition.data_type(), Type::Reference | Type::Binary)
        {
            return Some(());
        } else {
            let method = match definition.data_type() {
                Type::Boolean if path == "active" => ".boolean(..)` or `.active_unless(..)",
                Type::Boolean => ".boolean(..)",
                Type::Integer => ".integer(..)",
                Type::DateTime => ".time(..)",
                _ => ".text(..)",
            };
            format!("`{path}` is of type {}; use `{method}`", definition.data_type())
        };
        problems.mistake(format!("`{table}`: {reason}"));
        None
    }

    fn tenant(&self, problems: &mut Problems) -> Option<TenantColumn> {
        let Known { table, catalog, .. } = self.known;
        let name = table.tenant.as_deref()?;
        let column = find_column(&table.name, catalog, name, problems)?;
        check_tenant(table, self.all.into_iter().flatten().map(|known| known.table), problems);
        Some(TenantColumn { column: quote(name), is_integer: column.kind == ColumnKind::Integer })
    }

    /// Whether the tenant, or the column of a required attribute, can be NULL.
    fn may_hide_rows(&self, tenant: &Option<TenantColumn>, fields: &[Field]) -> bool {
        let is_nullable = |quoted: &String| {
            let mut columns = self.known.catalog.columns.iter();
            columns.any(|(name, column)| quote(name) == *quoted && !column.not_null)
        };
        let required = fields.iter().filter(|field| field.target.attribute().definition().is_required());
        let mut columns = required.filter_map(|field| match &field.write {
            Some(FieldWrite::Value { column, .. }) => Some(column),
            _ => None,
        });
        tenant.as_ref().is_some_and(|tenant| is_nullable(&tenant.column)) || columns.any(is_nullable)
    }

    /// Warns of a version column that the application may forget to increment when it changes members, unless the link
    /// table has a trigger.
    fn suggest_triggers(&self, problems: &mut Problems) {
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

    fn time(&self, name: Option<&str>, problems: &mut Problems) -> Option<TimeColumn> {
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
    fn column(&self, name: Option<&str>, kind: ColumnKind, problems: &mut Problems) -> Option<String> {
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

    fn soft_delete(&self, problems: &mut Problems) -> Option<SoftDelete> {
        let Known { table, catalog, .. } = self.known;
        let name = table.soft_delete.as_deref()?;
        let column = find_column(&table.name, catalog, name, problems)?;
        if column.kind == ColumnKind::Boolean {
            return Some(SoftDelete { column: quote(name), value: "TRUE".to_owned() });
        }
        let time = self.time(Some(name), problems)?;
        Some(SoftDelete { column: time.column, value: time.write })
    }

    fn rest(
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

    fn children(&self, resource_type: &ResourceType, problems: &mut Problems) -> Vec<ChildLayout> {
        let declared = &self.known.table.children;
        declared.iter().filter_map(|(path, child)| self.child(resource_type, path, child, problems)).collect()
    }

    fn child(
        &self,
        resource_type: &ResourceType,
        path: &str,
        child: &crate::table_store::child::ChildTable,
        problems: &mut Problems,
    ) -> Option<ChildLayout> {
        let Some(catalog) = self.declared.catalog.get(&child.name) else {
            problems.mistake(format!("there is no table `{}`", child.name));
            return None;
        };
        let owner = find_column(&child.name, catalog, &child.owner, problems);
        if let Some(owner) = owner {
            let dialect = self.declared.dialect;
            check_key_column(&child.name, &child.owner, owner, &self.known.codec, dialect, problems);
        }
        if owner.is_some() && !catalog.is_indexed(&[vec![column_key(&child.owner)]]) {
            let keys = [quote(&child.owner)];
            problems.warning(format!(
                "no index of `{}` begins with `{}`, so each read of a resource reads the whole table: {}",
                child.name,
                child.owner,
                create_index(self.declared.dialect, false, &child.name, &child.owner, &keys, None)
            ));
        }
        // A path that is no list, and sub-attributes that do not exist, have been reported.
        let list = resolve(resource_type, path);
        let mut columns = Vec::new();
        for declared in &child.columns {
            let column = find_column(&child.name, catalog, &declared.column, problems);
            let sub = list.as_ref().and_then(|list| list.sub_attribute(&declared.sub_attribute)).cloned();
            let (Some(column), Some(sub)) = (column, sub) else { continue };
            check_child_column(&child.name, &sub, declared, column, problems);
            let quoted = quote(&declared.column);
            let name = format!("c.{quoted}");
            let is_number = column.kind == ColumnKind::Integer && self.declared.dialect != Dialect::Sqlite;
            let (read, write) = match declared.is_boolean {
                true if is_number => (format!("({name} <> 0)"), "CASE WHEN {} THEN 1 ELSE 0 END".to_owned()),
                true => (name, "{}".to_owned()),
                false => (as_text(&name), "{}".to_owned()),
            };
            columns.push(ChildField { sub, column: quoted, read, write, is_boolean: declared.is_boolean });
        }
        let order = match &child.order {
            Some(column) => {
                find_column(&child.name, catalog, column, problems);
                format!("c.{}", quote(column))
            }
            None => columns.iter().map(|column| column.read.clone()).collect::<Vec<_>>().join(", "),
        };
        Some(ChildLayout {
            list: list?,
            table: quote_name(&child.name),
            owner: quote(&child.owner),
            order,
            columns,
        })
    }

    fn members(&self, resource_type: &ResourceType, problems: &mut Problems) -> Option<MembersLayout> {
        let link = self.known.table.members.as_ref()?;
        let list = resource_type.attribute("members")?.clone();
        check_link(link, self.declared.catalog, self.declared.dialect, problems)?;
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
        })
    }
}

/// The value of a column when its attribute is unassigned: NULL, or the default of a column that is never NULL.
fn unassigned(column: &CatalogColumn) -> String {
    match &column.default {
        Some(default) if column.not_null => default.clone(),
        _ => "NULL".to_owned(),
    }
}

/// The attribute, or the sub-attribute of a singular attribute, that a column holds.
fn field_target(resource_type: &ResourceType, target: AttributeRef) -> FieldTarget {
    match resource_type.parent_attribute(&target) {
        Some(parent) if target.sub_attribute_definition().is_some() => {
            FieldTarget::SubAttribute(parent.clone(), target)
        }
        _ => FieldTarget::Attribute(target),
    }
}

/// The conditions without which a row does not exist: it has a tenant, is not deleted, and has a value for each required
/// attribute.
fn exists(tenant: &Option<TenantColumn>, soft_delete: &Option<SoftDelete>, fields: &[Field]) -> String {
    let mut conditions = String::new();
    let mut add = |condition: String| {
        conditions.push_str(" AND ");
        conditions.push_str(&condition);
    };
    if let Some(tenant) = tenant {
        add(format!("t.{} IS NOT NULL", tenant.column));
    }
    if let Some(deleted) = soft_delete {
        let is_flag = deleted.value == "TRUE";
        add(format!("t.{} {}", deleted.column, if is_flag { "IS NOT TRUE" } else { "IS NULL" }));
    }
    for field in fields {
        if let (FieldTarget::Attribute(attribute), Some(FieldWrite::Value { column, .. })) =
            (&field.target, &field.write)
            && attribute.definition().is_required()
            && matches!(field.codec, Codec::Text)
        {
            add(format!("t.{column} IS NOT NULL AND t.{column} <> ''"));
        }
    }
    conditions
}

/// The SQL of the name that references show: `displayName`, else `userName`.
fn name_sql(fields: &[Field]) -> String {
    let find = |path: &str| {
        let field = fields.iter().find(|field| field.target.attribute().path().as_str() == path);
        field.map(|field| field.read.as_str())
    };
    match (find("displayName"), find("userName")) {
        (Some(display), Some(user)) => format!("coalesce({display}, {user})"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "NULL".to_owned(),
    }
}

/// The select list of a layout.
fn select_list(layout: &Layout) -> Vec<String> {
    let mut list = vec![as_text(&layout.key())];
    list.extend(layout.fields.iter().map(|field| field.read.clone()));
    list.extend([&layout.created, &layout.updated].into_iter().flatten().map(|time| time.select.clone()));
    list.extend(layout.version.iter().map(|column| format!("CAST(t.{column} AS bigint)")));
    list.extend(layout.password.iter().map(|column| as_text(&format!("t.{column}"))));
    list.extend(layout.rest.iter().map(|rest| as_text(&format!("t.{}", rest.column))));
    list
}

/// A mapping without attributes, until the layout is complete.
fn empty_mapping(resource_type: &ResourceType, problems: &mut Problems) -> Option<scim_sql::Mapping> {
    let built = scim_sql::Mapping::builder(resource_type, "", "").build();
    built.map_err(|error| problems.mistake(error.to_string())).ok()
}
