//! Gives and takes away memberships.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::membership_plan::MembershipPlan;
use super::target_groups::TargetGroups;
use super::{Run, Stop};
use crate::endpoint::{MemberPatch, MembersFailure, no_group};
use crate::ledger::{Granted, KnownPerson};
use crate::{Action, Collection, Endpoint, ExternalGroups, Grant, Ledger, Level, MembershipChange};

/// A user whose memberships have to be looked at.
#[derive(Debug)]
pub(super) struct Member {
    /// The id of the person.
    pub(super) id: String,
    /// The id of the user; empty in a dry run if the user does not exist.
    pub(super) user: String,
    pub(super) label: String,
    pub(super) attributes: Map<String, Value>,
    pub(super) groups: ExternalGroups,
    pub(super) fingerprint: String,
    pub(super) known: KnownPerson,
    pub(super) is_new: bool,
}

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Finds the groups of the rules, and in a full run, reads their members; if that was not done yet.
    pub(super) async fn load_target_groups(&mut self) -> Result<(), Stop> {
        if !self.manages_memberships || self.target_groups.is_some() {
            return Ok(());
        }
        let mut groups = TargetGroups::default();
        let (client, names) = (self.client, self.grants().groups());
        let ids = client.for_each(&names, async |name: &&str| client.group_id(name).await).await;
        for (name, id) in names.into_iter().zip(ids) {
            match id? {
                Some(id) => {
                    groups.ids.insert(name.to_owned(), id);
                }
                None => {
                    self.problem(Level::Error, "", &no_group(name));
                    groups.missing.push(name.to_owned());
                }
            }
        }
        groups.access = self.client.access_attribute().await?;
        if self.report.is_full {
            // A group that no rule gives any longer can have members that a rule has given.
            let mut ids: HashSet<_> = groups.ids.values().cloned().collect();
            self.records.list(Collection::Memberships, |_, granted: Vec<Granted>| {
                ids.extend(granted.into_iter().map(|granted| granted.group));
            })?;
            let mut members = HashMap::new();
            for id in ids {
                let of = self.client.members(&id).await?;
                members.insert(id, of);
            }
            groups.members = Some(members);
        }
        self.target_groups = Some(groups);
        Ok(())
    }

    /// Whether a user still has all memberships that rules have given, and those that were given by hand before. Only a full
    /// run knows.
    pub(super) fn has_all_memberships(&mut self, user: &str) -> Result<bool, Stop> {
        let granted: Vec<Granted> = self.records.get(Collection::Memberships, user)?.unwrap_or_default();
        let Some(members) = self.target_groups.as_ref().and_then(|groups| groups.members.as_ref()) else {
            return Ok(true);
        };
        Ok(granted
            .iter()
            .all(|granted| members.get(&granted.group).is_some_and(|members| members.contains(user))))
    }

    /// Gives these users the memberships that the rules want.
    pub(super) async fn update_memberships(&mut self, members: Vec<Member>) -> Result<(), Stop> {
        if !self.manages_memberships {
            return Ok(());
        }
        let with_grants: Vec<_> = members
            .into_iter()
            .map(|member| {
                let wanted = self.wanted(&member);
                (member, wanted)
            })
            .collect();
        let failed = self.set_memberships(&with_grants).await?;
        for (member, _) in with_grants {
            if failed.contains(&member.user) {
                self.failed.insert(member.id.clone());
            } else {
                let known = KnownPerson { fingerprint: Some(member.fingerprint), ..member.known };
                self.records.put(Collection::People, &member.id, &known);
            }
        }
        Ok(())
    }

    /// What the rules give to a user, with the ids of the groups.
    pub(super) fn wanted(&self, member: &Member) -> Vec<Grant> {
        let wanted = self.grants().wanted(&member.groups, &member.attributes);
        let mut by_id: Vec<Grant> = Vec::new();
        for grant in wanted {
            // Two rules can name the same group by its id and by its name.
            if let Some(id) = self.target_groups.as_ref().and_then(|groups| groups.ids.get(&grant.group))
                && by_id.iter().all(|other| other.group != *id)
            {
                by_id.push(Grant { group: id.clone(), ..grant });
            }
        }
        by_id
    }

    /// Whether rules name groups that are not found, and this one is not among those that are: it may be one of them.
    fn may_be_missing(&self, group: &str) -> bool {
        let is_missing =
            |groups: &TargetGroups| !groups.missing.is_empty() && groups.ids.values().all(|id| id != group);
        self.target_groups.as_ref().is_some_and(is_missing)
    }

    /// How the rules call a group.
    fn group_name(&self, id: &str) -> String {
        let mut names = self.target_groups.iter().flat_map(|groups| &groups.ids);
        let name = names.find(|(_, other)| *other == id).map(|(name, _)| name);
        name.map_or(id, String::as_str).to_owned()
    }

    /// Gives each user exactly these federated memberships. Returns the users with whom that failed.
    pub(super) async fn set_memberships(
        &mut self,
        members: &[(Member, Vec<Grant>)],
    ) -> Result<HashSet<String>, Stop> {
        let current = self.memberships_of(members).await?;
        let mut patches = BTreeMap::<String, MemberPatch>::new();
        let (mut before, mut afterwards) = (HashMap::new(), HashMap::new());
        for ((member, wanted), member_of) in members.iter().zip(&current) {
            let recorded: Vec<Granted> =
                self.records.get(Collection::Memberships, &member.user)?.unwrap_or_default();
            let mut plan =
                MembershipPlan::new(wanted, &recorded, member_of, |group| self.may_be_missing(group));
            // Reports list what is taken by name, and then what is given in the order of the rules.
            plan.changes.sort_by_cached_key(|change| match change {
                MembershipChange::Remove(group) => (false, self.group_name(group)),
                MembershipChange::Grant(_) => (true, String::new()),
            });
            if plan.during != recorded {
                self.records.put(Collection::Memberships, &member.user, &plan.during);
            }
            for change in plan.changes {
                self.add_to_patches(member, member_of, change, &mut patches);
            }
            before.insert(member.user.clone(), plan.during);
            afterwards.insert(member.user.clone(), plan.after);
        }
        if self.is_dry_run {
            return Ok(HashSet::new());
        }
        // From here on, a membership is federated, even if the run is stopped before the next write.
        self.records.write()?;
        let failed = self.send_patches(patches, &before, &mut afterwards).await?;
        for (user, granted) in afterwards {
            if granted.is_empty() {
                self.records.remove(Collection::Memberships, &user);
            } else {
                self.records.put(Collection::Memberships, &user, &granted);
            }
        }
        Ok(failed)
    }

    /// Reports a change of a user, and adds it to the PATCH of its group.
    fn add_to_patches(
        &mut self,
        member: &Member,
        member_of: &HashSet<String>,
        change: MembershipChange,
        patches: &mut BTreeMap<String, MemberPatch>,
    ) {
        let user = || member.user.clone();
        match change {
            MembershipChange::Grant(Grant { group, access }) => {
                let name = self.group_name(&group);
                let detail = access.as_ref().map_or(name.clone(), |access| format!("{name}, {access}"));
                self.change(Action::AddMember, &member.label, detail);
                let is_member = member_of.contains(&group);
                let has_access = self.target_groups.as_ref().is_some_and(|groups| groups.access.is_some());
                let patch = patches.entry(group).or_default();
                // A member that is added again keeps its access, so it is removed first.
                if is_member && has_access {
                    patch.removed.push(user());
                }
                if !is_member || has_access {
                    patch.added.push((user(), access));
                }
            }
            MembershipChange::Remove(group) => {
                self.change(Action::RemoveMember, &member.label, self.group_name(&group));
                patches.entry(group).or_default().removed.push(user());
            }
        }
    }

    /// For each user, the ids of the groups of which it is a member and that rules give or have given.
    async fn memberships_of(
        &mut self,
        members: &[(Member, Vec<Grant>)],
    ) -> Result<Vec<HashSet<String>>, Stop> {
        let client = self.client;
        if let Some(known) = self.target_groups.as_ref().and_then(|groups| groups.members.as_ref()) {
            let of = |(member, _): &(Member, Vec<Grant>)| {
                let groups = known.iter().filter(|(_, users)| users.contains(&member.user));
                groups.map(|(group, _)| group.clone()).collect()
            };
            return Ok(members.iter().map(of).collect());
        }
        let search = async |member: &(Member, Vec<Grant>)| match member.0.is_new {
            true => Ok(HashSet::new()),
            false => client.groups_of(&member.0.user).await,
        };
        let found = client.for_each(members, search).await;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }

    /// Sends the changes, group by group. For what failed, `afterwards` is as it was `before`.
    async fn send_patches(
        &mut self,
        patches: BTreeMap<String, MemberPatch>,
        before: &HashMap<String, Vec<Granted>>,
        afterwards: &mut HashMap<String, Vec<Granted>>,
    ) -> Result<HashSet<String>, Stop> {
        let access = self.target_groups.as_ref().and_then(|groups| groups.access);
        let client = self.client;
        let send =
            async |(group, patch): (&String, &MemberPatch)| client.patch_members(group, patch, access).await;
        let results = client.for_each(&patches, send).await;
        let mut failed = HashSet::new();
        for ((group, patch), result) in patches.into_iter().zip(results) {
            let Err(MembersFailure { failure, has_changed_nothing }) = result else {
                self.note_members(&group, &patch);
                continue;
            };
            if failure.is_unauthorized() {
                return Err(Stop::Endpoint(failure));
            }
            self.problem(
                Level::Error,
                "",
                &format!("the members of the group {} were not changed: {failure}", self.group_name(&group)),
            );
            let is_changed: HashSet<_> = patch.removed.iter().cloned().collect();
            for user in patch.added.iter().map(|(user, _)| user).chain(&patch.removed) {
                let Some(granted) = afterwards.get_mut(user) else { continue };
                granted.retain(|granted| granted.group != group);
                // An addition is no membership if nothing was changed. Else it may be one, because of the rules.
                if is_changed.contains(user) || !has_changed_nothing {
                    let recorded =
                        before.get(user).into_iter().flatten().find(|granted| granted.group == group);
                    granted.extend(recorded.cloned());
                }
            }
            failed.extend(patch.added.into_iter().map(|(user, _)| user).chain(patch.removed));
        }
        Ok(failed)
    }

    fn note_members(&mut self, group: &str, patch: &MemberPatch) {
        if let Some(members) = self.target_groups.as_mut().and_then(|groups| groups.members.as_mut()) {
            let members = members.entry(group.to_owned()).or_default();
            patch.removed.iter().for_each(|user| {
                members.remove(user);
            });
            members.extend(patch.added.iter().map(|(user, _)| user.clone()));
        }
    }
}
