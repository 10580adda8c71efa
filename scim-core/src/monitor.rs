//! Notifies the host of changes, for its audit trail and for whatever else it does when users come and go.

use http::StatusCode;
use scim_schema::{AttributeRef, ResourceType, ToleratedQuirk};
use serde_json::Value;

use crate::{Action, ChangedMembers, ETag, Identity, Resource, Update};

/// Is notified of every operation that changed a resource, including each operation of a bulk request.
///
/// ```
/// use scim_core::{Event, Monitor};
///
/// struct Sessions;
///
/// impl Monitor for Sessions {
///     fn changed(&self, event: &Event<'_>) {
///         if event.sets("active") == Some(false) {
///             // Revoke the sessions of `event.id()`: hand it to a queue, since this must be quick.
///         }
///     }
/// }
/// ```
pub trait Monitor: Send + Sync {
    /// An operation has changed a resource. The service calls this in the task of the request, so it must
    /// return quickly. It cannot make the request fail.
    fn changed(&self, event: &Event<'_>);
}

/// An operation that has changed a resource.
#[derive(Debug)]
pub struct Event<'a> {
    pub(crate) action: Action,
    pub(crate) resource_type: &'a ResourceType,
    pub(crate) id: &'a str,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) before: Option<&'a ETag>,
    pub(crate) after: Option<&'a ETag>,
    pub(crate) change: Change<'a>,
    pub(crate) resource: Option<&'a Resource>,
    pub(crate) members: &'a ChangedMembers,
    /// The attributes that a creation or adoption writes.
    pub(crate) writes: &'a [AttributeRef],
    pub(crate) secrets: bool,
    pub(crate) tolerated: &'a [ToleratedQuirk],
    pub(crate) status: StatusCode,
}

/// How the resource changed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// This resource was created.
    Created(&'a Resource),
    /// This resource existed already, and the client that wanted to create it has adopted it. It may have members that it had
    /// before.
    Adopted(&'a Resource),
    /// This update was applied. `writeOnly` values are not in it.
    Updated(&'a Update),
    /// The resource was deleted.
    Deleted,
}

impl<'a> Event<'a> {
    /// What was done.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The type of the resource.
    pub fn resource_type(&self) -> &'a ResourceType {
        self.resource_type
    }

    /// The id of the resource.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Who made the request.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// The version before the change; `None` for a creation, but not for an adoption.
    pub fn before(&self) -> Option<&'a ETag> {
        self.before
    }

    /// The version after the change; `None` for a deletion.
    pub fn after(&self) -> Option<&'a ETag> {
        self.after
    }

    /// How the resource changed.
    pub fn change(&self) -> Change<'a> {
        self.change
    }

    /// The resource after the change; `None` for a deletion. After a PUT or PATCH it has its members and groups only if the
    /// response shows them. It may have attributes that the client may not see.
    pub fn resource(&self) -> Option<&'a Resource> {
        self.resource
    }

    /// The ids of the members that a group has got. Those that it had before are not among them.
    pub fn added_members(&self) -> &'a [String] {
        &self.members.added
    }

    /// The ids of the members that a group has lost. A deletion of the group does not list its members.
    pub fn removed_members(&self) -> &'a [String] {
        &self.members.removed
    }

    /// Whether the request contained `writeOnly` values, such as a password.
    pub fn has_secrets(&self) -> bool {
        self.secrets
    }

    /// The deviations of the client that were tolerated.
    pub fn tolerated(&self) -> &'a [ToleratedQuirk] {
        self.tolerated
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The value that the change gives to a boolean attribute of the core schema, such as `active`; `None` if it
    /// gives it none.
    pub fn sets(&self, attribute: &str) -> Option<bool> {
        match self.change {
            Change::Created(resource) => resource.get(attribute).and_then(Value::as_bool),
            Change::Adopted(resource) => {
                let is_written = self.writes.iter().any(|target| target.path().as_str() == attribute);
                resource.get(attribute).filter(|_| is_written).and_then(Value::as_bool)
            }
            Change::Updated(update) => update.sets(attribute),
            Change::Deleted => None,
        }
    }
}
