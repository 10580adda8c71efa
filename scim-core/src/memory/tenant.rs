//! The data of one tenant: its resources, and which groups each of them is a member of.

use std::collections::{BTreeMap, HashMap};

use scim_schema::ResourceType;

use super::table::{Row, Table};
use crate::{ETag, Error, Resource, Result};

/// The address of a row within its tenant.
#[derive(Clone)]
pub(super) struct RowAddress {
    /// The name of the table, which is the name of its resource type.
    pub(super) table: String,
    /// The number of the row. Rows of all types are numbered together, in the order of their creation.
    pub(super) number: u64,
}

/// Groups in the order of their creation: the name of each group's table, by the number of its row.
pub(super) type Groups = BTreeMap<u64, String>;

/// All resources of one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    pub(super) tables: HashMap<String, Table>,
    pub(super) addresses: HashMap<String, RowAddress>,
    /// The groups that each resource is a direct member of, by the id of the resource.
    pub(super) parents: HashMap<String, Groups>,
    pub(super) next_number: u64,
    /// Counts every change of this tenant, so that a query can detect one.
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

    /// Finds a resource of this type.
    ///
    /// # Errors
    ///
    /// 404 if no resource of the type has this id.
    pub(super) fn address(&self, resource_type: &ResourceType, id: &str) -> Result<&RowAddress> {
        let address = self.addresses.get(id).filter(|address| address.table == resource_type.name());
        address.ok_or_else(|| Error::not_found(id))
    }

    /// The groups that a resource is a direct member of: the number and the table of each.
    pub(super) fn parents_of(&self, id: &str) -> impl Iterator<Item = (u64, &str)> {
        self.parents.get(id).into_iter().flatten().map(|(number, table)| (*number, table.as_str()))
    }

    /// The name that other resources show when they refer to this one.
    pub(super) fn display_name(&self, id: &str) -> Option<&str> {
        let resource = &self.row(self.addresses.get(id)?)?.resource;
        resource.text("displayName").or_else(|| resource.text("userName"))
    }

    /// Records that a resource is a member of a group.
    pub(super) fn add_to_parent(&mut self, member: &str, group: &RowAddress) {
        self.parents.entry(member.to_owned()).or_default().insert(group.number, group.table.clone());
    }

    /// Records that a resource is no longer a member of a group.
    pub(super) fn remove_from_parent(&mut self, member: &str, group: &RowAddress) {
        if let Some(groups) = self.parents.get_mut(member) {
            groups.remove(&group.number);
            if groups.is_empty() {
                self.parents.remove(member);
            }
        }
    }
}

/// Returns the version of a stored resource.
///
/// # Errors
///
/// 500 if it has none, which is a bug of this module.
pub(super) fn version(resource: &Resource) -> Result<ETag> {
    resource.version().ok_or_else(|| Error::internal("a stored resource has no version"))
}
