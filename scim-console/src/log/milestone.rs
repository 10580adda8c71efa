//! What a provider must have done before it is connected completely.

use chrono::{DateTime, Utc};
use scim_core::schema::ResourceType;
use scim_core::{Action, BulkResult, Operation};

/// A step of connecting a provider. A [`Console`](crate::Console) shows which of them a client has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Milestone {
    /// A request with a good credential was answered.
    Connection,
    /// A user was created.
    User,
    /// A user was changed.
    Update,
    /// A user was deactivated or deleted.
    Deactivation,
    /// A group was created.
    Group,
    /// The members of a group were written.
    Members,
}

impl Milestone {
    /// All milestones, in the order in which a provider reaches them.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::User, Self::Update, Self::Deactivation, Self::Group, Self::Members];

    /// The name for a database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::User => "user",
            Self::Update => "update",
            Self::Deactivation => "deactivation",
            Self::Group => "group",
            Self::Members => "members",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|milestone| milestone.as_str() == name)
    }
}

/// The milestones that a client has reached.
#[derive(Clone, Debug)]
pub(crate) struct ClientMilestones {
    /// Empty if the client has no tenant.
    pub(crate) tenant: String,
    pub(crate) client: String,
    pub(crate) reached: Vec<(Milestone, DateTime<Utc>)>,
}

/// The milestones that a request reaches if it is successful.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Milestones(u8);

impl Milestones {
    pub(super) fn add(&mut self, milestone: Milestone) {
        self.0 |= 1 << milestone as u8;
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Milestone> {
        Milestone::ALL.into_iter().filter(move |milestone| self.0 & (1 << *milestone as u8) != 0)
    }

    /// Adds what an operation reaches.
    pub(super) fn add_operation(&mut self, operation: &Operation) {
        self.add(Milestone::Connection);
        let type_name = operation.resource_type().map(ResourceType::name);
        match (type_name, operation.action()) {
            (Some("User"), Some(Action::Create)) => self.add(Milestone::User),
            (Some("User"), Some(Action::Replace | Action::Patch)) => {
                self.add(Milestone::Update);
                if operation.sets("active") == Some(false) {
                    self.add(Milestone::Deactivation);
                }
            }
            (Some("User"), Some(Action::Delete)) => self.add(Milestone::Deactivation),
            (Some("Group"), Some(Action::Create)) => self.add(Milestone::Group),
            _ => {}
        }
        if operation.writes().iter().any(|attribute| attribute.holds_members()) {
            self.add(Milestone::Members);
        }
    }

    /// Adds what an operation of a bulk request has reached. What it has written is not known here, so it reaches neither
    /// [`Milestone::Members`] nor, unless it deletes a user, [`Milestone::Deactivation`].
    pub(super) fn add_bulk_result(&mut self, result: &BulkResult<'_>) {
        if !result.status.is_success() {
            return;
        }
        // The location of a resource is an absolute URL that ends with the endpoint and the id.
        let endpoint = result.location.and_then(|location| location.rsplit('/').nth(1));
        match (endpoint, result.method) {
            (Some("Users"), "POST") => self.add(Milestone::User),
            (Some("Users"), "PUT" | "PATCH") => self.add(Milestone::Update),
            (Some("Users"), "DELETE") => self.add(Milestone::Deactivation),
            (Some("Groups"), "POST") => self.add(Milestone::Group),
            _ => {}
        }
    }
}
