//! The state of a store: the database, the rules, and the layouts of the resource types.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use scim_core::schema::ResourceType;

use super::connection::Database;
use crate::adopt::AdoptRule;
use crate::outbox::{EventLog, OutboxTables, TenantKeys};
use crate::store::error::StoreError;
use crate::store::tables::TypeLayout;

/// The state of a store, which all its operations use. Clones share it.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) database: Database,
    pub(crate) rules: Arc<Rules>,
    pub(crate) events: EventLog,
    /// The layouts of the resource types that have been used so far. They depend on the rules.
    layouts: Arc<RwLock<Vec<Arc<TypeLayout>>>>,
}

/// The rules that the store enforces in addition to the schemas.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    /// Unique attributes, each as the name of a resource type and a path.
    pub(crate) unique: Vec<(String, String)>,
    /// Whether a group may have members that are no resources.
    pub(crate) keep_unknown_members: bool,
    /// Whether filters that no index serves are refused.
    pub(crate) refuse_scans: bool,
    /// How long deleted resources are kept.
    pub(crate) retention: Option<TimeDelta>,
    /// Which existing resources clients may adopt.
    pub(crate) adopt: Option<AdoptRule>,
    /// Whether events are recorded.
    pub(crate) record_events: bool,
}

impl Rules {
    /// The paths of the attributes of a resource type that the rules make unique.
    pub(crate) fn unique_attributes(&self, resource_type: &ResourceType) -> impl Iterator<Item = &str> {
        let of_type = self.unique.iter().filter(|(name, _)| name == resource_type.name());
        of_type.map(|(_, path)| path.as_str())
    }
}

impl Setup {
    pub(crate) fn new(database: Database) -> Self {
        let events = OutboxTables::new(database.dialect(), "event", "event_reader");
        let events = EventLog::new(events, TenantKeys::Store);
        Self { database, rules: Arc::default(), events, layouts: Arc::default() }
    }

    /// The same database with changed rules.
    pub(crate) fn with_rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self.layouts = Arc::default();
        self
    }

    /// The layouts of all resource types of the services on this store.
    pub(crate) fn layouts(&self) -> Vec<Arc<TypeLayout>> {
        self.layouts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The layout of a resource type.
    ///
    /// # Errors
    ///
    /// If the type has an attribute that cannot be mapped to SQL.
    pub(crate) fn layout(&self, resource_type: &ResourceType) -> Result<Arc<TypeLayout>, StoreError> {
        let known = self.layouts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = known.iter().find(|layout| is_same(&layout.resource_type, resource_type)) {
            return Ok(layout.clone());
        }
        drop(known);
        let unique: Vec<&str> = self.rules.unique_attributes(resource_type).collect();
        let layout = Arc::new(TypeLayout::new(resource_type, &unique, self.database.dialect())?);
        let mut known = self.layouts.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have added the layout meanwhile.
        known.retain(|layout| !is_same(&layout.resource_type, resource_type));
        known.push(layout.clone());
        Ok(layout)
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
