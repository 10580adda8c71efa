//! Turns declarations into layouts, and collects their mistakes.

use scim_core::schema::ResourceType;

use super::checks::{
    check_assigned_key, check_folded, check_key, check_repeated, check_undeclared, find_column,
};
use super::compiler::{Compiler, Declared, Known};
use super::field::Field;
use super::indexes::{check_uniqueness, unique_indexes};
use super::mapping::{Related, Searched, mapping};
use super::names::shown_name;
use super::resource_type::{Kind, resolve, resource_type};
use super::{GroupsLayout, Layout, SoftDelete, TenantColumn};
use crate::table_store::catalog::ColumnKind;
use crate::table_store::ids::KeyCodec;
use crate::table_store::problems::Problems;
use crate::table_store::sql::{as_text, quote, quote_name};
use crate::table_store::table::{Place, Table};

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
    if let (Some(users), Some(groups)) = (&users, &groups)
        && are_ambiguous(users.table.ids.prefix(), groups.table.ids.prefix())
    {
        problems.mistake(format!(
            "`{}` and `{}`: one prefix is the other with digits after it, so a user and a group could have the same id; \
             give `Ids::prefixed` another prefix",
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

/// Whether one prefix is the other with digits after it.
fn are_ambiguous(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let rest = long.strip_prefix(short).filter(|rest| !rest.is_empty());
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The table with its key, if the catalog has both.
fn known<'a>(
    kind: Kind,
    table: &'a Table,
    declared: &Declared<'a>,
    problems: &mut Problems,
) -> Option<Known<'a>> {
    let Some(catalog) = declared.catalog.get(&table.name) else {
        problems.mistake(declared.catalog.no_table(&table.name));
        return None;
    };
    // A wrong key is reported, and the other mistakes in the table are found all the same.
    let (kind_of_key, type_name) = match find_column(&table.name, catalog, &table.key, problems) {
        Some(key) => {
            if let Some(reason) = table.ids.mismatch(key.kind) {
                problems.mistake(format!("`{}`.`{}`: {reason}", table.name, table.key));
            }
            (key.kind, key.type_name.as_str())
        }
        None => (ColumnKind::Text, ""),
    };
    let codec = KeyCodec::new(&table.ids, kind_of_key, type_name);
    Some(Known { kind, table, catalog, codec })
}

impl Compiler<'_, '_> {
    fn compile(&self, problems: &mut Problems) -> Option<Layout> {
        let Known { kind, table, catalog, codec } = self.known;
        let dialect = self.declared.dialect;
        let resource_type =
            resource_type(*kind, table, catalog, self.declared.catalog, self.has_members, problems)?;
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
        let adopted_by = self.adopted_by(problems);
        let rest = self.rest(&resource_type, &fields, problems);
        let unique = unique_indexes(table, catalog, &searched);
        self.check(&resource_type, &searched, problems);
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
            name: shown_name(table, dialect),
            fields,
            constants,
            children,
            created,
            updated,
            version,
            password,
            soft_delete,
            adopted_by,
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
        let related = other.map(|other| Related::new(other, dialect));
        let link = self.all.into_iter().flatten().find_map(|known| known.table.members.as_ref());
        layout.mapping = mapping(&layout, searched, related.as_ref(), link, problems)?;
        Some(layout)
    }

    /// Checks the table as a whole.
    fn check(&self, resource_type: &ResourceType, searched: &[Searched], problems: &mut Problems) {
        let Known { table, catalog, .. } = self.known;
        let link = self.all.into_iter().flatten().find_map(|known| known.table.members.as_ref());
        check_key(table, catalog, resource_type, link, problems);
        check_folded(table, problems);
        check_repeated(table, problems);
        check_undeclared(table, catalog, problems);
        check_assigned_key(table, catalog, self.declared.dialect, problems);
        check_uniqueness(table, catalog, self.declared.dialect, searched, problems);
        self.suggest_triggers(problems);
        if resource_type.attribute("externalId").is_none() {
            problems.warning(format!(
                "`{}` has no column for `externalId`, which Entra ID and Okta send, so it is ignored: add a text column \
                 and `.text(\"externalId\", \"external_id\")`",
                table.name
            ));
        }
    }
}

/// The conditions without which a row does not exist: it has a tenant, is not deleted, and has a name.
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
    for field in fields.iter().filter(|field| field.names_resource()) {
        add(format!("{} <> ''", field.read));
    }
    conditions
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
