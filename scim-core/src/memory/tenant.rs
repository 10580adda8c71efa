//! The data of one tenant: its resources, and who is a member of what.

use std::collections::{BTreeMap, HashMap};

use scim_schema::ResourceType;

use super::table::{Row, Table};
use crate::{ETag, Error, Resource, Result};

/// Where a row is.
#[derive(Clone)]
pub(super) struct RowAddress {
    /// The name of the resource type, which is also that of the table.
    pub(super) table: String,
    /// The number of the row: rows of all types are numbered in the order of their creation.
    pub(super) number: u64,
}

/// Groups in the order of their creation, whatever their types: the table of each by its row's number.
pub(super) type Groups = BTreeMap<u64, String>;

/// All resources of one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    pub(super) tables: HashMap<String, Table>,
    pub(super) addresses: HashMap<String, RowAddress>,
    /// For each member, the groups that it is a direct member of.
    pub(super) parents: HashMap<String, Groups>,
    pub(super) next_number: u64,
    /// How often anything here has changed.
    pub(super) changes: u64,
}

impl Tenant {
    pub(super) fn password_hash(&self, id: &str) -> Option<&str> {
        self.row(self.addresses.get(id)?)?.password_hash.as_deref()
    }

    pub(super) fn row(&self, address: &RowAddress) -> Option<&Row> {
        self.row_in(&address.table, address.number)
    }

    pub(super) fn row_in(&self, table: &str, number: u64) -> Option<&Row> {
        self.tables.get(table)?.rows.get(&number)
    }

    /// Where a resource of this type is.
    ///
    /// # Errors
    ///
    /// 404 if no resource of the type has this id.
    pub(super) fn address(&self, resource_type: &ResourceType, id: &str) -> Result<&RowAddress> {
        let address = self.addresses.get(id).filter(|address| address.table == resource_type.name());
        address.ok_or_else(|| Error::not_found(id))
    }

    /// The groups that a resource is a direct member of: number and table of each.
    pub(super) fn parents_of(&self, id: &str) -> impl Iterator<Item = (u64, &str)> {
        self.parents.get(id).into_iter().flatten().map(|(number, table)| (*number, table.as_str()))
    }

    /// The name by which a resource is shown where others refer to it.
    pub(super) fn display_name(&self, id: &str) -> Option<&str> {
        let resource = &self.row(self.addresses.get(id)?)?.resource;
        resource.text("displayName").or_else(|| resource.text("userName"))
    }

    /// Notes that a resource has become a member of a group.
    pub(super) fn add_to_parent(&mut self, member: &str, group: &RowAddress) {
        self.parents.entry(member.to_owned()).or_default().insert(group.number, group.table.clone());
    }

    /// Notes that a resource is no longer a member of a group.
    pub(super) fn remove_from_parent(&mut self, member: &str, group: &RowAddress) {
        if let Some(groups) = self.parents.get_mut(member) {
            groups.remove(&group.number);
            if groups.is_empty() {
                self.parents.remove(member);
            }
        }
    }
}

/// The version that a stored resource has.
///
/// # Errors
///
/// 500 if it has none, which is a bug of this module.
pub(super) fn version(resource: &Resource) -> Result<ETag> {
    resource.version().ok_or_else(|| Error::internal("a stored resource has no version"))
}
