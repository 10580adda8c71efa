//! Adoption: a request that would create a resource takes over one that exists. The provider finds the resource; the service
//! decides whether the caller may change it.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use scim_schema::{AttributeRef, Projection};

use crate::policy::{Reads, check_changes};
use crate::{Access, Action, ChangedMembers, Context, ETag, Policy, Result};

/// What the service asks before a client adopts a resource.
pub(crate) struct AdoptionCheck {
    pub(crate) policy: Arc<dyn Policy>,
    /// The attributes that the request writes.
    pub(crate) writes: Vec<AttributeRef>,
    pub(crate) projection: Projection,
    /// The ids of the resources that earlier operations of a bulk request have created. They may still be undone.
    pub(crate) created: CreatedIds,
}

impl fmt::Debug for AdoptionCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdoptionCheck").field("writes", &self.writes).finish_non_exhaustive()
    }
}

/// The ids of the resources that a bulk request has created so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct CreatedIds(Arc<Mutex<HashSet<String>>>);

impl CreatedIds {
    pub(crate) fn insert(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
    }

    fn contains(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}

/// Whether a request that would create a resource may adopt an existing one instead.
#[derive(Clone, Debug)]
pub(crate) enum Adoptions {
    /// There is no service that could ask: the application calls the provider itself.
    Unchecked,
    /// Never, for example through `/Me`.
    Forbidden,
    /// If the policy allows the change.
    Checked(Arc<AdoptionCheck>),
}

/// How a resource was adopted.
#[derive(Debug)]
pub(crate) struct Adopted {
    /// The version before the adoption.
    pub(crate) before: ETag,
    pub(crate) members: ChangedMembers,
}

impl Context<'_> {
    /// Whether the client may adopt the resource with this id, instead of creating a new one: it changes the resource,
    /// so the [policy](crate::Policy) is asked about a PATCH of it. False for resources that the same bulk request has created,
    /// through `/Me`, and if the policy says 404.
    ///
    /// # Errors
    ///
    /// The error of the policy, and 403 if the request writes an attribute that the caller may not write in this resource.
    pub fn check_adoption(&self, id: &str) -> Result<bool> {
        let check = match &self.adoptions {
            Adoptions::Unchecked => return Ok(true),
            Adoptions::Forbidden => return Ok(false),
            Adoptions::Checked(check) => check,
        };
        if check.created.contains(id) {
            return Ok(false);
        }
        let permit = match check.policy.check(&Access {
            action: Action::Patch,
            resource_type: self.resource_type,
            id: Some(id),
            writes: &check.writes,
            identity: self.identity,
            extensions: self.extensions,
            reads: Reads::Changed(Some(&check.projection), &[]),
        }) {
            Ok(permit) => permit,
            // The caller may not learn that the resource exists.
            Err(error) if error.status() == StatusCode::NOT_FOUND => return Ok(false),
            Err(error) => return Err(error),
        };
        check_changes(&permit, &check.writes)?;
        Ok(true)
    }

    /// Tells the service that `create` returns a resource that existed before, and that the client has adopted: its version
    /// before that, and the members that it has got and lost. Call it when this is certain, at the end. The service then
    /// tells the [`Monitor`](crate::Monitor), and does not delete the resource when a bulk request has to undo what it has
    /// created.
    pub fn mark_adopted(&self, before: ETag, members: ChangedMembers) {
        let adopted = Adopted { before, members };
        *self.adopted.lock().unwrap_or_else(PoisonError::into_inner) = Some(adopted);
    }

    pub(crate) fn take_adopted(&self) -> Option<Adopted> {
        self.adopted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
