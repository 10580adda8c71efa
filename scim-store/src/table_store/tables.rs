//! The tables of a store, and what all operations share.

use std::fmt;
use std::sync::Arc;

use scim_core::schema::ResourceType;
use scim_core::{Error, Result};

use super::layout::{Kind, Layout};
use super::on_write::OnWrite;
use crate::database::Database;

/// The tables of a store, and what all operations share.
pub(crate) struct Tables {
    pub(crate) database: Arc<dyn Database>,
    pub(crate) users: Option<Arc<Layout>>,
    pub(crate) groups: Option<Arc<Layout>>,
    pub(crate) on_write: Option<OnWrite>,
    pub(crate) warnings: Vec<String>,
}

impl Tables {
    /// The layout of a kind of resources.
    pub(crate) fn layout_of_kind(&self, kind: Kind) -> Option<&Arc<Layout>> {
        match kind {
            Kind::User => self.users.as_ref(),
            Kind::Group => self.groups.as_ref(),
        }
    }

    /// The layout of a resource type.
    ///
    /// # Errors
    ///
    /// An internal error if the host serves a type for which no table is declared.
    pub(crate) fn layout(&self, resource_type: &ResourceType) -> Result<&Arc<Layout>> {
        let found = self.layouts().find(|layout| layout.resource_type.name() == resource_type.name());
        found.ok_or_else(|| {
            Error::internal(format!("no table is declared for resources of type {}", resource_type.name()))
        })
    }

    pub(crate) fn layouts(&self) -> impl Iterator<Item = &Arc<Layout>> {
        self.users.iter().chain(&self.groups)
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<&str> = self.layouts().map(|layout| layout.table.as_str()).collect();
        f.debug_struct("Tables")
            .field("database", &self.database)
            .field("tables", &tables)
            .finish_non_exhaustive()
    }
}
