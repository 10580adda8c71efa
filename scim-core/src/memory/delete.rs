//! Deleting a resource, and the references that other resources have to it.

use scim_patch::key_of;

use super::references::drop_references_to;
use super::tenant::{Tenant, version};
use crate::{Context, Deleted, Error, Precondition, Result};

pub(super) fn delete(
    tenant: &mut Tenant,
    cx: &Context<'_>,
    id: &str,
    precondition: &Precondition,
) -> Result<Deleted> {
    let address = tenant.address(cx.resource_type(), id)?.clone();
    let row = tenant.row(&address).ok_or_else(|| Error::not_found(id))?;
    let version = version(&row.resource)?;
    precondition.check(&version)?;

    tenant.changes += 1;
    let row = tenant.tables.get_mut(&address.table).and_then(|table| table.remove(address.number));
    tenant.addresses.remove(id);
    for element in row.iter().flat_map(|row| row.members.iter()) {
        tenant.remove_from_parent(key_of(element), &address);
    }
    // The groups lose a member, so their versions change.
    for (number, table) in tenant.parents.remove(id).unwrap_or_default() {
        let group = tenant.tables.get_mut(&table).and_then(|table| table.rows.get_mut(&number));
        if let Some(group) = group {
            group.members.remove(id);
            group.resource = group.resource.clone().stamp_changed(cx, &group.resource);
        }
    }
    for table in tenant.tables.values_mut() {
        drop_references_to(cx, table, id);
    }
    Ok(Deleted { version })
}
