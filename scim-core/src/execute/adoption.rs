//! Asks the policy before a client adopts a resource.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Extensions, StatusCode};
use scim_schema::{AttributeRef, Projection, ResourceType};

use crate::policy::{Reads, check_changes};
use crate::{Access, Action, Policy, Result};

/// The ids of the resources that a bulk request has created so far. They may still be undone.
#[derive(Clone, Debug, Default)]
pub(super) struct CreatedIds(Arc<Mutex<HashSet<String>>>);

impl CreatedIds {
    pub(super) fn insert(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }

    fn contains(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}

/// What decides about adoptions by a request that writes these attributes.
pub(super) struct AdoptionPolicy {
    pub(super) policy: Arc<dyn Policy>,
    pub(super) writes: Vec<AttributeRef>,
    pub(super) projection: Projection,
    pub(super) created: CreatedIds,
}

impl AdoptionPolicy {
    /// Whether the client may adopt the resource with this id.
    pub(super) fn check(
        &self,
        resource_type: &ResourceType,
        extensions: &Extensions,
        id: &str,
    ) -> Result<bool> {
        if self.created.contains(id) {
            return Ok(false);
        }
        let permit = self.policy.check(&Access {
            action: Action::Patch,
            resource_type,
            id: Some(id),
            writes: &self.writes,
            identity: extensions.get(),
            extensions,
            reads: Reads::Changed(Some(&self.projection), &[]),
        });
        match permit {
            Ok(permit) => check_changes(&permit, &self.writes).map(|()| true),
            // The caller may not learn that the resource exists.
            Err(error) if error.status() == StatusCode::NOT_FOUND => Ok(false),
            Err(error) => Err(error),
        }
    }
}
