//! What becomes of the people of a page.

use std::collections::HashSet;

use scim_core::Resource;
use scim_core::patch::PatchRequest;
use serde_json::{Map, Value};

use super::memberships::Member;
use super::{Run, Stop};
use crate::endpoint::{Created, Failure, user_path};
use crate::ledger::KnownPerson;
use crate::mapping::Mapped;
use crate::rules::hash;
use crate::{Action, Collection, Endpoint, ExternalGroups, Guard, Ledger, Level, Mode, Person};

/// A person whose user may have to change.
pub(super) struct Candidate {
    pub(super) person: Person,
    mapped: Mapped,
    groups: ExternalGroups,
    fingerprint: String,
    pub(super) known: Option<KnownPerson>,
}

/// What has to be done for a candidate.
pub(super) struct Step {
    pub(super) id: String,
    pub(super) label: String,
    /// The user as it must be.
    pub(super) user: Map<String, Value>,
    groups: ExternalGroups,
    fingerprint: String,
    pub(super) kind: StepKind,
}

pub(super) enum StepKind {
    Create,
    Update {
        user: String,
        patch: Option<PatchRequest>,
        action: Action,
        /// The version if nothing has to change.
        version: Option<String>,
    },
}

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Makes the users of these people as they must be.
    pub(super) async fn people(&mut self, people: Vec<Person>) -> Result<(), Stop> {
        if !people.is_empty() && self.rules.needs_groups() {
            self.load_source_groups()?;
        }
        if !people.is_empty() {
            self.load_target_groups().await?;
        }
        // Whoever is there twice is looked at once.
        let mut ids = HashSet::new();
        let people: Vec<_> = people.into_iter().filter(|person| ids.insert(person.id.clone())).collect();
        let mut candidates = Vec::new();
        for person in people {
            candidates.extend(self.candidate(person)?);
        }
        if candidates.is_empty() {
            return Ok(self.records.write()?);
        }
        let users = self.find_users(&candidates).await?;
        let mut steps = Vec::new();
        for (candidate, user) in candidates.into_iter().zip(users) {
            if let Some(user) = user {
                steps.extend(self.step(candidate, user)?);
            }
        }
        self.plan_notices(&steps)?;
        self.records.write()?;
        let members = self.apply(steps).await?;
        self.records.write()?;
        self.update_memberships(members).await?;
        Ok(self.records.write()?)
    }

    /// Looks at one person. `None` if nothing has to be done for them.
    fn candidate(&mut self, person: Person) -> Result<Option<Candidate>, Stop> {
        // Some are looked at again later in the run.
        self.report.people += usize::from(self.seen.insert(person.id.clone()));
        self.deactivated_by_mapping.remove(&person.id);
        let known: Option<KnownPerson> = self.records.get(Collection::People, &person.id)?;
        if !self.is_in_scope(&person.id) {
            if let Some(known) = known {
                self.depart(&person.id, known)?;
            }
            return Ok(None);
        }
        self.departed.remove(&person.id);
        self.present.insert(person.id.clone());
        // One without a fingerprint was not finished when the user was created.
        let is_finished =
            known.as_ref().is_some_and(|known| known.fingerprint.is_some() || known.gone_since.is_some());
        if self.rules.settings.mode == Mode::OnlyNew && is_finished {
            self.report.unchanged += 1;
            return Ok(None);
        }
        if known.as_ref().is_some_and(|known| known.gone_since.is_some()) {
            // The days until the deletion are over, even if the person is skipped below.
            self.records.remove(Collection::Gone, &person.id);
        }
        let mapped = match self.rules.mapping.map(&person) {
            Ok(mapped) => mapped,
            Err(reasons) => {
                self.problem(Level::Warning, &person.label(), &format!("skipped: {}", reasons.join("; ")));
                return Ok(None);
            }
        };
        let groups = self.external_groups(&person.id);
        let fingerprint = self.fingerprint(&mapped, &groups);
        if let Some(known) = &known
            && self.is_unchanged(known, &fingerprint)?
        {
            self.report.unchanged += 1;
            return Ok(None);
        }
        Ok(Some(Candidate { person, mapped, groups, fingerprint, known }))
    }

    fn is_in_scope(&mut self, id: &str) -> bool {
        let scope = &self.rules.settings.scope;
        if scope.groups().next().is_none() {
            return true;
        }
        let Some(all) = self.source_groups.as_mut() else { return false };
        let groups = all.groups_of(id, scope.nested);
        self.scope_ids.iter().any(|id| groups.contains(id.as_str()))
    }

    /// The external groups of a person, as rules name them: also those that contain other groups of theirs.
    fn external_groups(&mut self, id: &str) -> ExternalGroups {
        let Some(all) = self.source_groups.as_mut() else { return ExternalGroups::default() };
        let groups = all.groups_of(id, true);
        let named = self.external_ids.iter().filter(|(_, id)| groups.contains(id.as_str()));
        named.map(|(name, _)| name.clone()).collect()
    }

    /// A hash of all that decides about a user and their memberships.
    fn fingerprint(&self, mapped: &Mapped, groups: &ExternalGroups) -> String {
        let operations =
            mapped.operations.iter().map(|operation| serde_json::to_string(operation).unwrap_or_default());
        let groups = self.grants().external().filter(|group| groups.contains(group)).map(str::to_owned);
        let target_ids = self.grants().groups().into_iter().filter_map(|group| {
            self.target_groups.as_ref().and_then(|groups| groups.ids.get(group)).cloned()
        });
        hash([self.rules.fingerprint.clone()].into_iter().chain(operations).chain(groups).chain(target_ids))
    }

    /// Whether the user was written with the same values, and has not changed since, as far as this run can know.
    fn is_unchanged(&mut self, known: &KnownPerson, fingerprint: &str) -> Result<bool, Stop> {
        if known.gone_since.is_some() || known.fingerprint.as_deref() != Some(fingerprint) {
            return Ok(false);
        }
        if !self.report.is_full {
            return Ok(true);
        }
        let is_same_version =
            known.version.is_some() && self.index.version(&known.user) == known.version.as_deref();
        Ok(is_same_version && self.has_all_memberships(&known.user)?)
    }

    fn step(&mut self, candidate: Candidate, user: Option<Resource>) -> Result<Option<Step>, Stop> {
        let Candidate { person, mapped, groups, fingerprint, known } = candidate;
        let label = person.label();
        let mapping = &self.rules.mapping;
        let step = match &user {
            None => mapping.create(&mapped).map(|user| (user, StepKind::Create)),
            Some(existing) => {
                let is_gone = known.as_ref().is_some_and(|known| known.gone_since.is_some());
                let is_known = known.as_ref().is_some_and(|known| known.user == existing.id());
                let action = match (is_known, is_gone) {
                    (true, true) => Action::Restore,
                    (true, false) => Action::Update,
                    (false, _) => Action::Link,
                };
                mapping.update(&mapped, existing.as_map(), action != Action::Update).map(|user| {
                    // An existing user is left alone in this mode.
                    let is_fixed = self.rules.settings.mode == Mode::OnlyNew;
                    let difference = mapping.diff(existing.as_map(), &user);
                    let is_equal = difference.is_none();
                    let patch = difference.filter(|_| !is_fixed);
                    let version = existing.text("meta.version").map(str::to_owned);
                    // One that is left alone although it is different is compared when it may be changed.
                    let version = version.filter(|_| is_equal);
                    (user, StepKind::Update { user: existing.id().to_owned(), patch, action, version })
                })
            }
        };
        match step {
            Ok((after, kind)) if self.waits_for_the_guard(user.as_ref(), &after, &kind) => {
                self.deactivated_by_mapping.insert(person.id);
                Ok(None)
            }
            Ok((user, kind)) => Ok(Some(Step { id: person.id, label, user, groups, fingerprint, kind })),
            Err(error) => {
                self.problem(Level::Warning, &label, &format!("skipped: {error}"));
                Ok(None)
            }
        }
    }

    /// Whether the mapping deactivates an active user, and it is not known yet whether the guard allows that.
    fn waits_for_the_guard(
        &self,
        before: Option<&Resource>,
        after: &Map<String, Value>,
        kind: &StepKind,
    ) -> bool {
        let is_guarded = self.rules.settings.guard != Guard::default() && !self.options.allow_deactivations;
        let was_active = before.is_some_and(|user| user.get("active") != Some(&Value::Bool(false)));
        let is_active = after.get("active") != Some(&Value::Bool(false));
        is_guarded
            && !self.may_deactivate
            && was_active
            && !is_active
            && matches!(kind, StepKind::Update { patch: Some(_), .. })
    }

    /// Sends the requests, and notes what came of them. Returns those whose memberships have to be looked at.
    async fn apply(&mut self, steps: Vec<Step>) -> Result<Vec<Member>, Stop> {
        let client = self.client;
        let is_dry_run = self.is_dry_run;
        let results = client
            .for_each(&steps, async |step| match &step.kind {
                _ if is_dry_run => Ok(Created { id: String::new(), version: None }),
                StepKind::Create => client.create(&step.user).await,
                StepKind::Update { user, patch: Some(patch), .. } => {
                    let version = client.patch(&user_path(user), patch).await;
                    version.map(|version| Created { id: user.clone(), version })
                }
                StepKind::Update { user, patch: None, version, .. } => {
                    Ok(Created { id: user.clone(), version: version.clone() })
                }
            })
            .await;
        let mut members = Vec::new();
        for (step, result) in steps.into_iter().zip(results) {
            match result {
                Ok(created) => members.push(self.applied(step, created)?),
                Err(failure) => self.not_applied(&step, failure)?,
            }
        }
        Ok(members)
    }

    fn applied(&mut self, step: Step, created: Created) -> Result<Member, Stop> {
        let (user, action) = match &step.kind {
            StepKind::Create => {
                self.change(Action::Create, &step.label, "");
                (created.id, Action::Create)
            }
            StepKind::Update { user, patch, action, .. } => {
                if patch.is_some() || *action != Action::Update {
                    let detail = patch.as_ref().map(paths).unwrap_or_default();
                    self.change(*action, &step.label, detail);
                } else {
                    self.report.unchanged += 1;
                }
                (user.clone(), *action)
            }
        };
        let is_new = action == Action::Create;
        self.make_notices_ready(&step.id)?;
        let known = KnownPerson {
            user: user.clone(),
            // It is written when the memberships are right, too.
            fingerprint: (!self.manages_memberships).then(|| step.fingerprint.clone()),
            version: created.version,
            label: step.label.clone(),
            gone_since: None,
        };
        if !self.is_dry_run {
            self.claimed.insert(user.clone(), (step.id.clone(), step.label.clone()));
        }
        if let Some(owner) = self.takeovers.remove(&user) {
            self.departed.remove(&owner);
            self.records.remove(Collection::People, &owner);
            self.records.remove(Collection::Gone, &owner);
            self.replaced.insert(owner);
        }
        self.records.put(Collection::People, &step.id, &known);
        self.records.put(Collection::Users, &user, &step.id);
        self.records.remove(Collection::Gone, &step.id);
        Ok(Member {
            id: step.id,
            user,
            label: step.label,
            attributes: step.user,
            groups: step.groups,
            fingerprint: step.fingerprint,
            known,
            is_new,
        })
    }

    fn not_applied(&mut self, step: &Step, failure: Failure) -> Result<(), Stop> {
        if failure.is_unauthorized() {
            return Err(Stop::Endpoint(failure));
        }
        if matches!(step.kind, StepKind::Create) && !matches!(failure, Failure::Unreachable(_)) {
            self.remove_notices(&step.id);
        }
        self.failed(&step.id, &step.label, &failure);
        Ok(())
    }
}

/// The paths of a PATCH, without values.
fn paths(patch: &PatchRequest) -> String {
    let path = |path: &str| path.split('[').next().unwrap_or_default().to_owned();
    let mut paths: Vec<_> =
        patch.operations.iter().filter_map(|operation| operation.path.as_deref()).map(path).collect();
    paths.dedup();
    paths.join(", ")
}
