//! What has happened, for audit trails and for what else a host does when users come and go.

use http::StatusCode;
use scim_schema::{Fired, ResourceType};
use serde_json::Value;

use crate::{Action, ETag, Identity, Resource, Update};

/// Hears of every operation that changed something, when it is done; also of each one in a bulk
/// request.
///
/// ```
/// use scim_core::{Event, Monitor};
///
/// struct Sessions;
///
/// impl Monitor for Sessions {
///     fn finished(&self, event: &Event<'_>) {
///         if event.sets("active") == Some(false) {
///             // Revoke the sessions of `event.id()`: hand it to a queue, since this must be quick.
///         }
///     }
/// }
/// ```
pub trait Monitor: Send + Sync {
    /// An operation is finished and has changed something. Called in the request's own task: it
    /// must be quick, and what it does cannot fail the request.
    fn finished(&self, event: &Event<'_>);
}

/// An operation that is finished and has changed something.
#[derive(Debug)]
pub struct Event<'a> {
    pub(crate) action: Action,
    pub(crate) resource_type: &'a ResourceType,
    pub(crate) id: &'a str,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) before: Option<&'a ETag>,
    pub(crate) after: Option<&'a ETag>,
    pub(crate) change: Change<'a>,
    pub(crate) secrets: bool,
    pub(crate) fired: &'a [Fired],
    pub(crate) status: StatusCode,
}

/// What the change was.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Change<'a> {
    /// This resource was created.
    Created(&'a Resource),
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

    /// To a resource of which type.
    pub fn resource_type(&self) -> &'a ResourceType {
        self.resource_type
    }

    /// To which resource.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// By whom.
    pub fn identity(&self) -> Option<&'a Identity> {
        self.identity
    }

    /// The version before; `None` for a creation.
    pub fn before(&self) -> Option<&'a ETag> {
        self.before
    }

    /// The version after; `None` for a deletion.
    pub fn after(&self) -> Option<&'a ETag> {
        self.after
    }

    /// The change itself.
    pub fn change(&self) -> Change<'a> {
        self.change
    }

    /// Whether a `writeOnly` value, such as the password, was written.
    pub fn has_secrets(&self) -> bool {
        self.secrets
    }

    /// The deviations of the client that were put up with.
    pub fn fired(&self) -> &'a [Fired] {
        self.fired
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the change sets a core boolean attribute to, such as `active`; `None` if it does not.
    pub fn sets(&self, attribute: &str) -> Option<bool> {
        match self.change {
            Change::Created(resource) => resource.get(attribute).and_then(Value::as_bool),
            Change::Updated(Update::Replace(resource)) => resource.get(attribute).and_then(Value::as_bool),
            Change::Updated(Update::Patch(patch)) => patch.sets(attribute).and_then(Value::as_bool),
            Change::Deleted => None,
        }
    }
}
