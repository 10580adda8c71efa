//! Who becomes a member of which group of the application, because of groups of the directory or of attributes.

mod external_groups;
mod rule;

pub use external_groups::{ExternalGroups, GroupsLeftOut};
pub use rule::{Grant, GrantRule, Grants};

use serde::{Deserialize, Serialize};

/// A membership of a person in a group of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// What the person may do there, if that is said.
    pub access: Option<String>,
    /// Who gave it.
    pub origin: Origin,
}

/// Who gave a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A rule: rules may change it and take it away.
    Federated,
    /// Somebody, by hand. Rules never change it, and give nothing beside it.
    Manual,
}

/// A change of the federated memberships of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipChange {
    /// The person becomes a member, or has this access from now on.
    Grant(Grant),
    /// The person is no longer a member of this group.
    Remove(String),
}

/// Compares the memberships that rules want with those that a person has, and returns what has to change. In any order of the
/// lists, the result is the same but for its order.
///
/// Manual memberships are left alone, and no federated one is given beside them.
///
/// ```
/// use scim_sync::{Grant, Membership, MembershipChange, Origin, membership_changes};
///
/// let membership = |group: &str, origin| Membership { group: group.into(), access: None, origin };
/// let current = [membership("board", Origin::Manual), membership("sales", Origin::Federated)];
/// let wanted = [Grant::new("board", Some("edit")), Grant::new("press", None)];
/// assert_eq!(membership_changes(&wanted, &current), [
///     MembershipChange::Remove("sales".into()),
///     MembershipChange::Grant(Grant::new("press", None)),
/// ]);
/// ```
pub fn membership_changes(wanted: &[Grant], current: &[Membership]) -> Vec<MembershipChange> {
    let has = |group: &str, origin| {
        current.iter().any(|membership| membership.group == group && membership.origin == origin)
    };
    let is_wanted = |membership: &&Membership| wanted.iter().any(|grant| grant.group == membership.group);
    let removed = current
        .iter()
        .filter(|membership| {
            membership.origin == Origin::Federated && !has(&membership.group, Origin::Manual)
        })
        .filter(|membership| !is_wanted(membership))
        .map(|membership| MembershipChange::Remove(membership.group.clone()));
    let is_there = |grant: &Grant| {
        has(&grant.group, Origin::Manual)
            || current.iter().any(|membership| {
                membership.origin == Origin::Federated
                    && membership.group == grant.group
                    && membership.access == grant.access
            })
    };
    let granted = wanted.iter().filter(|grant| !is_there(grant)).cloned().map(MembershipChange::Grant);
    removed.chain(granted).collect()
}
