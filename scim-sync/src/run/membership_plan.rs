//! What happens to the memberships of one user, and what the ledger keeps of them.

use std::collections::HashSet;

use crate::ledger::Granted;
use crate::{Grant, Membership, MembershipChange, Origin, membership_changes};

/// The changes, and what the ledger must have before and after they are made.
#[derive(Debug)]
pub(super) struct MembershipPlan {
    /// The changes, removals first.
    pub(super) changes: Vec<MembershipChange>,
    /// What the ledger has while they are made: everything that is or becomes federated, with the access from before.
    pub(super) during: Vec<Granted>,
    pub(super) after: Vec<Granted>,
}

impl MembershipPlan {
    /// Compares what rules want with what the ledger has and with the groups of which the user is a member. A federated membership
    /// of a group that `is_kept` stays, whatever the rules want.
    pub(super) fn new(
        wanted: &[Grant],
        recorded: &[Granted],
        member_of: &HashSet<String>,
        is_kept: impl Fn(&str) -> bool,
    ) -> Self {
        // A membership that the ledger has and the endpoint has not was taken by somebody.
        let federated = |group: &str| {
            let granted = recorded.iter().find(|granted| granted.group == group && !granted.manual);
            granted.filter(|_| member_of.contains(group))
        };
        let membership = |group: &String| Membership {
            group: group.clone(),
            access: federated(group).and_then(|granted| granted.access.clone()),
            origin: if federated(group).is_some() { Origin::Federated } else { Origin::Manual },
        };
        let mut current: Vec<_> = member_of.iter().map(membership).collect();
        current.sort_by(|a, b| a.group.cmp(&b.group));
        let granted = |grant: &Grant, access: &Option<String>| Granted {
            group: grant.group.clone(),
            access: access.clone(),
            manual: member_of.contains(&grant.group) && federated(&grant.group).is_none(),
        };
        let old_access =
            |grant: &Grant| federated(&grant.group).map_or(&grant.access, |granted| &granted.access).clone();
        let mut plan = Self {
            changes: Vec::new(),
            during: wanted.iter().map(|grant| granted(grant, &old_access(grant))).collect(),
            after: wanted.iter().map(|grant| granted(grant, &grant.access)).collect(),
        };
        for change in membership_changes(wanted, &current) {
            if let MembershipChange::Remove(group) = &change {
                plan.during.extend(federated(group).cloned());
                if is_kept(group) {
                    plan.after.extend(federated(group).cloned());
                    continue;
                }
            }
            plan.changes.push(change);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::MembershipPlan;
    use crate::ledger::Granted;
    use crate::{Grant, MembershipChange};

    fn granted(group: &str, access: &str, manual: bool) -> Granted {
        Granted { group: group.to_owned(), access: Some(access.to_owned()), manual }
    }

    #[test]
    fn the_ledger_has_the_old_access_until_the_change_is_made() {
        let wanted =
            [Grant::new("a", Some("read")), Grant::new("b", Some("read")), Grant::new("c", Some("read"))];
        let recorded = [
            granted("a", "edit", false),
            granted("c", "edit", false),
            granted("d", "edit", false),
            granted("e", "edit", false),
        ];
        let member_of = ["a", "b", "d", "e"].map(str::to_owned).into();
        let plan = MembershipPlan::new(&wanted, &recorded, &member_of, |group| group == "e");
        assert_eq!(
            plan.changes,
            [
                MembershipChange::Remove("d".to_owned()),
                MembershipChange::Grant(Grant::new("a", Some("read"))),
                MembershipChange::Grant(Grant::new("c", Some("read"))),
            ]
        );
        // `b` was given by hand; `c` was taken by hand, so it is given anew; `e` is kept.
        let (manual, new, kept) =
            (granted("b", "read", true), granted("c", "read", false), granted("e", "edit", false));
        let old = [
            granted("a", "edit", false),
            manual.clone(),
            new.clone(),
            granted("d", "edit", false),
            kept.clone(),
        ];
        assert_eq!(plan.during, old);
        assert_eq!(plan.after, [granted("a", "read", false), manual, new, kept]);
    }
}
