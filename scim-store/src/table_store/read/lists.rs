//! Reads the lists of resources that are in other tables: child tables, the members of groups, the groups of users.

use std::collections::HashMap;

use scim_core::schema::{AttributeRef, Projection};
use scim_sql::Dialect;
use serde_json::{Map, Value, json};

use super::row::ReadResource;
use crate::database::{DatabaseError, Param, Row, Rows, Statement, Transaction};
use crate::table_store::layout::{ChildLayout, Layout, MembersLayout};
use crate::table_store::sql::{SqlBuilder, as_text};
use crate::table_store::tables::Tables;

/// The lists to read besides those in child tables, which are always part of a resource.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WantedLists {
    /// The members of groups. They are read anyway if the version depends on them.
    pub(crate) members: bool,
    /// The names of the members.
    pub(crate) names: bool,
    /// The groups of users.
    pub(crate) groups: bool,
}

impl WantedLists {
    /// The lists that a projection shows.
    pub(crate) fn shown(layout: &Layout, projection: &Projection) -> Self {
        let is_shown = |list: &AttributeRef| projection.shows(list);
        let members = layout.members.as_ref().map(|members| &members.list);
        let display = members.and_then(|list| list.sub_attribute("display"));
        Self {
            members: members.is_some_and(is_shown),
            names: members.is_some_and(is_shown) && display.is_some_and(is_shown),
            groups: layout.groups.as_ref().is_some_and(|groups| is_shown(&groups.list)),
        }
    }
}

/// Makes resources of rows of the select list, and reads their lists.
pub(crate) async fn read_resources(
    tx: &mut dyn Transaction,
    tables: &Tables,
    layout: &Layout,
    tenant: Option<&Param>,
    rows: impl Iterator<Item = Row<'_>>,
    wanted: WantedLists,
) -> Result<Vec<ReadResource>, DatabaseError> {
    let mut resources: Vec<ReadResource> =
        rows.map(|row| ReadResource::new(layout, row)).collect::<Result<_, _>>()?;
    let keys: Vec<&str> = resources.iter().map(|resource| resource.key.as_str()).collect();
    let statements = list_statements(tables, layout, tenant, &keys, wanted);
    if !statements.is_empty() && !keys.is_empty() {
        let lists = tx.query(statements).await?;
        add_lists(tables, layout, &mut resources, &lists, wanted);
    }
    Ok(resources)
}

/// The statements that read the lists of resources with these keys.
pub(crate) fn list_statements(
    tables: &Tables,
    layout: &Layout,
    tenant: Option<&Param>,
    keys: &[&str],
    wanted: WantedLists,
) -> Vec<Statement> {
    let mut statements: Vec<Statement> =
        layout.children.iter().map(|child| select_children(layout, child, tenant, keys)).collect();
    if let (Some(members), Some(users)) = (members_to_read(layout, wanted), &tables.users) {
        statements.push(select_members(layout, members, users, tenant, keys, wanted.names));
    }
    if let (true, Some(groups)) = (wanted.groups && layout.groups.is_some(), &tables.groups) {
        statements.extend(select_groups(layout, groups, tenant, keys));
    }
    statements
}

/// Adds the rows of [`list_statements`] to the resources.
pub(crate) fn add_lists(
    tables: &Tables,
    layout: &Layout,
    resources: &mut [ReadResource],
    lists: &[Rows],
    wanted: WantedLists,
) {
    let mut lists = lists.iter();
    for child in &layout.children {
        let columns = 1..child.columns.len() + 1;
        add_list(resources, lists.next(), true, |resource, row| {
            resource.add_cells(row, columns.clone());
            resource.push(&child.list, child_element(child, row));
        });
    }
    if let (Some(members), Some(users)) = (members_to_read(layout, wanted), &tables.users) {
        add_list(resources, lists.next(), true, |resource, row| {
            resource.add_cells(row, 1..2);
            if wanted.members {
                resource.push(&members.list, member_element(&members.list, users, row));
            }
        });
    }
    if let (true, Some(list), Some(groups)) = (wanted.groups, &layout.groups, &tables.groups) {
        add_list(resources, lists.next(), false, |resource, row| {
            resource.push(&list.list, group_element(groups, row));
        });
    }
}

/// The members, if they are wanted or the version depends on them.
fn members_to_read(layout: &Layout, wanted: WantedLists) -> Option<&MembersLayout> {
    layout.members.as_ref().filter(|_| wanted.members || layout.version.is_none())
}

/// Adds each row to the resource whose key is in its first column.
fn add_list<'r>(
    resources: &mut [ReadResource],
    rows: Option<&'r Rows>,
    is_versioned: bool,
    add: impl Fn(&mut ReadResource, Row<'r>),
) {
    if is_versioned {
        resources.iter_mut().for_each(ReadResource::begin_list);
    }
    let Some(rows) = rows.filter(|rows| !rows.is_empty()) else { return };
    let indexes: HashMap<String, usize> =
        resources.iter().enumerate().map(|(index, resource)| (resource.key.clone(), index)).collect();
    for row in rows.iter() {
        let index = row.text(0).and_then(|key| indexes.get(key));
        if let Some(resource) = index.and_then(|index| resources.get_mut(*index)) {
            add(resource, row);
        }
    }
}

fn child_element(child: &ChildLayout, row: Row<'_>) -> Map<String, Value> {
    let mut element = Map::new();
    for (index, column) in child.columns.iter().enumerate() {
        let value = match column.is_boolean {
            true => row.boolean(index + 1).map(Value::from),
            false => row.text(index + 1).map(Value::from),
        };
        if let Some(value) = value {
            element.insert(column.sub.definition().name().to_owned(), value);
        }
    }
    element
}

fn member_element(list: &AttributeRef, users: &Layout, row: Row<'_>) -> Map<String, Value> {
    let mut element = Map::new();
    element.insert("value".to_owned(), json!(users.codec.id(row.text(1).unwrap_or_default())));
    if list.sub_attribute("type").is_some() {
        element.insert("type".to_owned(), json!("User"));
    }
    if let Some(name) = row.text(2) {
        element.insert("display".to_owned(), json!(name));
    }
    element
}

fn group_element(groups: &Layout, row: Row<'_>) -> Map<String, Value> {
    let mut element = Map::new();
    element.insert("value".to_owned(), json!(groups.codec.id(row.text(1).unwrap_or_default())));
    element.insert("type".to_owned(), json!("direct"));
    if let Some(name) = row.text(2) {
        element.insert("display".to_owned(), json!(name));
    }
    element
}

fn select_children(layout: &Layout, child: &ChildLayout, tenant: Option<&Param>, keys: &[&str]) -> Statement {
    let mut sql = SqlBuilder::new(layout.dialect);
    let owner = format!("c.{}", child.owner);
    sql.push("SELECT ").push(&as_text(&owner));
    for column in &child.columns {
        sql.push(", ").push(&column.read);
    }
    sql.push(" FROM ").push(&child.table).push(" c WHERE ");
    push_equals_any(&mut sql, &owner, layout, keys);
    sql.push_tenant("c", child.tenant.as_ref(), tenant);
    sql.push(" ORDER BY ").push(&owner).push(", ").push(&child.order);
    sql.finish()
}

fn select_members(
    layout: &Layout,
    members: &MembersLayout,
    users: &Layout,
    tenant: Option<&Param>,
    keys: &[&str],
    names: bool,
) -> Statement {
    let (group, member) = (format!("m.{}", members.group), format!("m.{}", members.member));
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("SELECT ").push(&as_text(&group)).push(", ").push(&as_text(&member));
    if names {
        sql.push(", ").push(&users.name);
    }
    sql.push(" FROM ").push(&members.link).push(" m JOIN ").push(&users.table).push(" t ON ");
    sql.push(&users.key()).push(" = ").push(&member).push(" WHERE ");
    push_equals_any(&mut sql, &group, layout, keys);
    sql.push_tenant("m", members.tenant.as_ref(), tenant);
    sql.push(" AND ");
    users.push_scope(&mut sql, tenant);
    sql.push(" ORDER BY ").push(&group).push(", ").push(&member);
    sql.finish()
}

fn select_groups(
    layout: &Layout,
    groups: &Layout,
    tenant: Option<&Param>,
    keys: &[&str],
) -> Option<Statement> {
    let members = groups.members.as_ref()?;
    let (group, member) = (format!("m.{}", members.group), format!("m.{}", members.member));
    let mut sql = SqlBuilder::new(layout.dialect);
    sql.push("SELECT ").push(&as_text(&member)).push(", ").push(&as_text(&group));
    sql.push(", ").push(&groups.name).push(" FROM ").push(&members.link).push(" m JOIN ").push(&groups.table);
    sql.push(" t ON ").push(&groups.key()).push(" = ").push(&group).push(" WHERE ");
    push_equals_any(&mut sql, &member, layout, keys);
    sql.push_tenant("m", members.tenant.as_ref(), tenant);
    sql.push(" AND ");
    groups.push_scope(&mut sql, tenant);
    sql.push(" ORDER BY ").push(&member).push(", ").push(&group);
    Some(sql.finish())
}

/// Keys as the parameter of a function that turns a JSON array into rows.
pub(crate) fn json_list(layout: &Layout, keys: &[&str]) -> Param {
    let list = keys.iter().map(|key| match layout.codec.param(key) {
        Param::Int(number) => json!(number),
        _ => json!(key),
    });
    Param::Text(Value::from_iter(list).to_string())
}

/// Writes the condition that a column has one of these keys, which are those of rows of `layout`.
pub(crate) fn push_equals_any(sql: &mut SqlBuilder, column: &str, layout: &Layout, keys: &[&str]) {
    sql.push(column);
    if let [only] = keys {
        sql.push(" = ").bind(layout.codec.param(only));
        return;
    }
    let list = json_list(layout, keys);
    match sql.dialect() {
        Dialect::Sqlite => sql.bind_in(" IN (SELECT e.value FROM json_each({}) e)", list),
        _ => {
            let key_type = layout.codec.sql_type();
            sql.bind_in(
                &format!(
                    " = ANY (ARRAY(SELECT CAST(e AS {key_type}) \
                     FROM json_array_elements_text(CAST(CAST({{}} AS text) AS json)) e))"
                ),
                list,
            )
        }
    };
}
