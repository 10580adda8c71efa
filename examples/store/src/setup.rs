//! What every call of the store needs: the database, the rules, and where each resource type is.

use std::sync::{Arc, PoisonError, RwLock};

use scim_core::schema::ResourceType;

use crate::database::Database;
use crate::error::Fault;
use crate::tables::Tables;

/// What every call of the store needs. Clones share it.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) database: Arc<Database>,
    pub(crate) rules: Arc<Rules>,
    /// The resource types that were used so far, by these rules.
    tables: Arc<RwLock<Vec<Arc<Tables>>>>,
}

/// What the store enforces beyond the schemas.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// Names of resource types, and attributes of theirs whose values must differ.
    pub(crate) unique: Vec<(String, String)>,
    pub(crate) keep_unknown_members: bool,
    pub(crate) refuse_scans: bool,
}

impl Rules {
    /// The attributes of a resource type whose values must differ.
    pub(crate) fn unique_attributes(&self, resource_type: &ResourceType) -> impl Iterator<Item = &str> {
        let own = self.unique.iter().filter(|(name, _)| name == resource_type.name());
        own.map(|(_, path)| path.as_str())
    }
}

impl Setup {
    pub(crate) fn new(database: Database) -> Self {
        Self { database: Arc::new(database), rules: Arc::default(), tables: Arc::default() }
    }

    /// The same with other rules.
    pub(crate) fn with_rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self.tables = Arc::default();
        self
    }

    /// The resource types that services on this store have.
    pub(crate) fn types(&self) -> Vec<Arc<Tables>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the attributes of this resource type are.
    pub(crate) fn tables(&self, resource_type: &ResourceType) -> Result<Arc<Tables>, Fault> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = known.iter().find(|tables| is_same(&tables.on, resource_type)) {
            return Ok(tables.clone());
        }
        drop(known);
        let unique: Vec<&str> = self.rules.unique_attributes(resource_type).collect();
        let tables = Arc::new(Tables::new(resource_type, &unique, self.database.dialect())?);
        let mut known = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        // Another call may have added them meanwhile.
        known.retain(|tables| !is_same(&tables.on, resource_type));
        known.push(tables.clone());
        Ok(tables)
    }
}

/// Whether two resource types have the same name and schemas.
fn is_same(a: &ResourceType, b: &ResourceType) -> bool {
    a.name() == b.name()
        && a.schema().id() == b.schema().id()
        && a.extensions()
            .map(|extension| extension.schema().id())
            .eq(b.extensions().map(|extension| extension.schema().id()))
}
