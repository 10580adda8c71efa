//! The rows of the link table that a write inserts and deletes.

use std::collections::HashSet;

use scim_core::patch::{ListChanges, ListDelta, key_of};
use scim_core::{Context, Error, Result};
use scim_sql::Dialect;
use serde_json::{Map, Value};

use super::assignments::of_every_change;
use super::stored::RowId;
use crate::database::{Param, Rows, Statement};
use crate::table_store::layout::{Layout, MembersLayout};
use crate::table_store::read::{json_list, push_equals_any};
use crate::table_store::sql::{SqlBuilder, as_text};

/// The query for the members of a group that a delta needs: those that it names, or all. A link to a user that does not
/// exist for SCIM is no member, so no request removes it.
pub(super) fn select_current(
    users: &Layout,
    members: &MembersLayout,
    group: &RowId,
    delta: &ListDelta<'_>,
) -> Statement {
    let mut sql = SqlBuilder::new(users.dialect);
    let member = format!("m.{}", members.member);
    sql.push("SELECT ").push(&as_text(&member)).push(" FROM ").push(&members.link).push(" m JOIN ");
    sql.push(&users.table).push(" t ON ").push(&users.key()).push(" = ").push(&member).push(" WHERE m.");
    sql.push(&members.group).push(" = ").bind(group.key.clone());
    sql.push_tenant("m", members.tenant.as_ref(), group.tenant.as_ref()).push(" AND ");
    users.push_scope(&mut sql, group.tenant.as_ref());
    if let Some(ids) = delta.keys() {
        // An id that no row can have is no member, and adding it is refused later.
        let keys: Vec<String> = ids.filter_map(|id| users.codec.key(id)).map(|key| key_text(&key)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        sql.push(" AND ");
        push_equals_any(&mut sql, &member, users, &keys);
    }
    sql.finish()
}

/// The ids of the members in the rows of [`select_current`].
pub(super) fn current_ids(users: &Layout, rows: &Rows) -> Vec<String> {
    rows.iter().filter_map(|row| row.text(0)).map(|key| users.codec.id(key)).collect()
}

/// The query for the users that these elements refer to, which also keeps them from being deleted meanwhile; `None` if no
/// element has the id of a row.
pub(super) fn select_referred(
    users: &Layout,
    tenant: Option<&Param>,
    elements: &[&Map<String, Value>],
) -> Option<Statement> {
    let keys = elements.iter().filter_map(|element| users.codec.key(key_of(element)));
    let keys: Vec<String> = keys.map(|key| key_text(&key)).collect();
    if keys.is_empty() {
        return None;
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut sql = users.select_from(&as_text(&users.key()), tenant);
    sql.push(" AND ");
    push_equals_any(&mut sql, &users.key(), users, &keys);
    sql.lock("FOR KEY SHARE");
    Some(sql.finish())
}

/// Refuses added members that do not exist, and groups. `found` are the rows of [`select_referred`].
pub(super) fn check_added(
    groups: &Layout,
    users: &Layout,
    members: &MembersLayout,
    changes: &ListChanges<'_>,
    found: Option<&Rows>,
) -> Result<()> {
    let found = found.map(|rows| current_ids(users, rows)).unwrap_or_default();
    let found: HashSet<String> = found.into_iter().collect();
    let Some(id) = changes.added.iter().map(|element| key_of(element)).find(|id| !found.contains(*id)) else {
        return Ok(());
    };
    let list = members.list.attribute().name();
    let is_group = users.codec.key(id).is_none() && groups.codec.key(id).is_some();
    Err(match is_group {
        true => Error::invalid_member(list, id, "a group can contain users only, no groups; add its users"),
        false => Error::unknown_member(list, id),
    })
}

/// The statements that add and remove members.
pub(super) fn statements(
    groups: &Layout,
    users: &Layout,
    members: &MembersLayout,
    group: &RowId,
    changes: &ListChanges<'_>,
) -> Vec<Statement> {
    let texts = |ids: Vec<&str>| -> Vec<String> {
        ids.into_iter().filter_map(|id| users.codec.key(id)).map(|key| key_text(&key)).collect()
    };
    let removed = texts(changes.removed.clone());
    let added = texts(changes.added.iter().map(|element| key_of(element)).collect());
    let mut statements = Vec::new();
    if !removed.is_empty() {
        let keys: Vec<&str> = removed.iter().map(String::as_str).collect();
        let mut sql = SqlBuilder::new(groups.dialect);
        sql.push("DELETE FROM ").push(&members.link).push(" AS m WHERE m.").push(&members.group).push(" = ");
        sql.bind(group.key.clone()).push(" AND ");
        push_equals_any(&mut sql, &format!("m.{}", members.member), users, &keys);
        sql.push_tenant("m", members.tenant.as_ref(), group.tenant.as_ref());
        statements.push(sql.finish());
    }
    if !added.is_empty() {
        let keys: Vec<&str> = added.iter().map(String::as_str).collect();
        statements.push(insert(groups, users, members, group, &keys));
    }
    statements
}

fn insert(
    groups: &Layout,
    users: &Layout,
    members: &MembersLayout,
    group: &RowId,
    keys: &[&str],
) -> Statement {
    let tenant = members.tenant.as_ref().zip(group.tenant.as_ref());
    let mut sql = SqlBuilder::new(groups.dialect);
    sql.push("INSERT INTO ")
        .push(&members.link)
        .push(" (")
        .push(&members.group)
        .push(", ")
        .push(&members.member);
    if let Some((column, _)) = tenant {
        sql.push(", ").push(column);
    }
    match (keys, groups.dialect) {
        ([only], _) => {
            sql.push(") VALUES (").bind(group.key.clone()).push(", ").bind(users.codec.param(only));
            if let Some((_, tenant)) = tenant {
                sql.push(", ").bind(tenant.clone());
            }
            sql.push(")");
        }
        (_, Dialect::Sqlite) => {
            sql.push(") SELECT ").bind(group.key.clone()).push(", e.value");
            if let Some((_, tenant)) = tenant {
                sql.push(", ").bind(tenant.clone());
            }
            sql.bind_in(" FROM json_each({}) e WHERE TRUE", json_list(users, keys));
        }
        _ => {
            let group_type = groups.codec.sql_type();
            sql.push(") SELECT ").bind_in(&format!("CAST({{}} AS {group_type})"), group.key.clone());
            sql.push(&format!(", CAST(e AS {})", users.codec.sql_type()));
            if let (Some((_, tenant)), Some(column)) = (tenant, &groups.tenant) {
                sql.push(", ").bind_in(&format!("CAST({{}} AS {})", column.sql_type()), tenant.clone());
            }
            let from = " FROM json_array_elements_text(CAST(CAST({} AS text) AS json)) e";
            sql.bind_in(from, json_list(users, keys));
        }
    }
    // The application may have added the member meanwhile.
    sql.push(" ON CONFLICT (").push(&members.unique).push(") DO NOTHING");
    sql.finish()
}

/// The statements that remove a deleted user from its groups, and change these; or, for a deleted group, remove its
/// members.
pub(super) fn remove_all(layout: &Layout, groups: &Layout, cx: &Context<'_>, row: &RowId) -> Vec<Statement> {
    let Some(members) = &groups.members else { return Vec::new() };
    let is_group = layout.members.is_some();
    let mut statements = Vec::new();
    let changes = of_every_change(groups, cx);
    if !is_group && !changes.is_empty() {
        let mut sql = SqlBuilder::new(groups.dialect);
        sql.push("UPDATE ").push(&groups.table).push(" AS t SET ");
        for (index, assignment) in changes.into_iter().enumerate() {
            sql.push(if index > 0 { ", " } else { "" }).push(&assignment.column).push(" = ");
            assignment.push_value(&mut sql);
        }
        sql.push(" WHERE ").push(&groups.key()).push(" IN (SELECT m.").push(&members.group).push(" FROM ");
        sql.push(&members.link)
            .push(" m WHERE m.")
            .push(&members.member)
            .push(" = ")
            .bind(row.key.clone())
            .push_tenant("m", members.tenant.as_ref(), row.tenant.as_ref())
            .push(")");
        let tenant = groups.tenant.as_ref().map(|tenant| &tenant.column);
        sql.push_tenant("t", tenant, row.tenant.as_ref());
        statements.push(sql.finish());
    }
    let column = if is_group { &members.group } else { &members.member };
    let mut sql = SqlBuilder::new(groups.dialect);
    sql.push("DELETE FROM ").push(&members.link).push(" AS m WHERE m.").push(column);
    sql.push(" = ").bind(row.key.clone()).push_tenant("m", members.tenant.as_ref(), row.tenant.as_ref());
    statements.push(sql.finish());
    statements
}

fn key_text(key: &Param) -> String {
    match key {
        Param::Int(number) => number.to_string(),
        Param::Text(text) => text.clone(),
        _ => String::new(),
    }
}
