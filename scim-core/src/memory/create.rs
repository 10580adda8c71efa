//! Creating a resource.

use scim_patch::key_of;
use scim_schema::Projection;
use serde_json::{Map, Value};

use super::members::Members;
use super::membership::{check_members, stored_member};
use super::retrieve::retrieve;
use super::rules::Rules;
use super::table::{Row, Table};
use super::tenant::{RowAddress, Tenant};
use crate::related_attributes::members_list;
use crate::{Context, Error, Resource, Result, new_id};

pub(super) fn create(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    rules: &Rules,
    resource: Resource,
) -> Result<Resource> {
    let resource_type = cx.resource_type();
    let id = new_id();
    let mut resource = resource.stamp_new(cx, &id);
    let list = members_list(resource_type);
    let members = match list.and_then(|list| resource.as_map_mut().remove(list.attribute().name())) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let added: Vec<&Map<String, Value>> = members.iter().filter_map(Value::as_object).collect();
    check_members(tenant, resource_type, rules, &id, &added)?;
    let name = resource_type.name();
    let table = tenant.tables.entry(name.to_owned()).or_insert_with(|| Table::new(resource_type, rules));
    table.check_unique(&resource, None)?;

    let address = RowAddress { table: name.to_owned(), number: tenant.next_number };
    tenant.next_number += 1;
    tenant.changes += 1;
    let mut members = Members::default();
    for element in added {
        tenant.add_to_parent(key_of(element), &address);
        members.insert(stored_member(tenant, resource_type, element));
    }
    tenant.addresses.insert(id.clone(), address.clone());
    let row = Row { id: id.clone(), resource, members, password_hash: rules.hash_password(cx) };
    if let Some(table) = tenant.tables.get_mut(name) {
        table.insert(address.number, row);
    }
    retrieve(tenant, resource_type, &id, &Projection::new(resource_type)).ok_or_else(|| Error::not_found(&id))
}
