//! The events that are read from an outbox.

use chrono::{DateTime, Utc};
use scim_core::ETag;

/// How a resource changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was created.
    Created,
    /// It existed already, and a client that wanted to create it has adopted it.
    Adopted,
    /// It was changed. This is also the event of a group whose member was deleted, and of a user whose manager was deleted.
    Updated,
    /// It was deleted.
    Deleted,
    /// It was deleted before, and was restored.
    Restored,
}

impl ChangeKind {
    const ALL: [Self; 5] = [Self::Created, Self::Adopted, Self::Updated, Self::Deleted, Self::Restored];

    /// The name that the table of events stores: `created`, `adopted`, `updated`, `deleted` or `restored`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A change of a resource, as the transaction of the change has recorded it.
///
/// It has no values, only the names of attributes and the ids of resources. Read the resource for its current values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChangeEvent {
    /// The position among the events of the tenant. A later change of a resource has a greater one. Positions are not
    /// consecutive.
    pub position: i64,
    /// When the request was received.
    pub time: DateTime<Utc>,
    /// The tenant of the resource.
    pub tenant: Option<String>,
    /// The name of the resource type, such as `User`.
    pub resource_type: String,
    /// The id of the resource.
    pub id: String,
    /// How it changed.
    pub kind: ChangeKind,
    /// The version before the change; `None` if the resource did not exist.
    pub version_before: Option<ETag>,
    /// The version after the change; `None` if the resource does not exist any more.
    pub version_after: Option<ETag>,
    /// The [principal](scim_core::Identity::principal) of the client that made the request, if it had an identity.
    pub principal: Option<String>,
    /// The paths of the attributes that the change has given another value, such as `name` or
    /// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager`. For a new resource, those that have a value.
    /// Members are not among them. `password` is, if the request sets or removes it.
    pub attributes: Vec<String>,
    /// The ids of the resources that became members of this group.
    pub added_members: Vec<String>,
    /// The ids of the resources that are no members of this group any more. For a deleted group, all its members.
    pub removed_members: Vec<String>,
}

/// The events after a position, as [`Outbox::events`](crate::Outbox::events) returns them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventBatch {
    /// The events, in the order of their positions.
    pub events: Vec<ChangeEvent>,
    /// Where to continue: the position of the last event. Without events, the requested position; or, if later ones were
    /// pruned, the position up to which they were.
    pub position: i64,
    /// Whether events after the requested position were pruned before they could be read. A reader that needs every change
    /// then has to compare all resources.
    pub missed: bool,
}
