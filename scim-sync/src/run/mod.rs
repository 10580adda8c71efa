//! A run, from the first page of the directory to the report.

mod departures;
mod find;
mod membership_plan;
mod memberships;
mod notices;
mod people;
mod photos;
mod sign_in;
mod target_groups;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::endpoint::{Client, Failure};
use crate::ledger::{KnownPerson, LAST_REPORT, LAST_SUCCESS, MISSING_GROUPS, POSITIONS, Positions, Records};
use crate::matching::{Index, attributes};
use crate::membership_index::MembershipIndex;
use crate::notice::{NoticeState, StoredNotice, unknown};
use crate::rules::Rules;
use crate::{
    Action, Change, Collection, Directory, DirectoryError, Endpoint, Grants, Ledger, LedgerError, Level,
    MAX_FOUND, Mode, Next, Notice, NoticeKind, Person, PersonChange, Problem, Progress, Report, RunOptions,
};
use target_groups::TargetGroups;

/// Up to how many people are read one by one because of changed groups or earlier failures. With more, everything is read.
const MAX_AGAIN: usize = 5_000;

pub(crate) struct Run<'a, E, L> {
    rules: &'a Rules,
    client: Client<'a, E>,
    records: Records<'a, L>,
    options: RunOptions,
    is_dry_run: bool,
    /// The groups of the directory, once they are needed.
    source_groups: Option<MembershipIndex>,
    /// The ids of the groups of the scope, and of the external groups by what rules call them.
    scope_ids: Vec<String>,
    external_ids: Vec<(String, String)>,
    /// The ids of those that have changed. They are written with the position, because a run that is stopped must find again
    /// who was in them.
    touched_groups: HashSet<String>,
    /// The groups of the endpoint that rules give, once they are needed.
    target_groups: Option<TargetGroups>,
    /// Whether there are rules that give memberships, or memberships that rules have given.
    manages_memberships: bool,
    /// Existing users: all of them in a full run, else those that were searched for.
    index: Index,
    /// The ids of the people who were read, and of those of them who count.
    seen: HashSet<String>,
    present: HashSet<String>,
    /// The id and the label of the person to whom this run has given a user, by the id of the user.
    claimed: HashMap<String, (String, String)>,
    /// People with a match who belongs to somebody else, until it is known whether that person is gone.
    waiting: Vec<Person>,
    /// Whether all pages have been read.
    has_read_all: bool,
    /// The people of whom users are taken, by the ids of the users: the directory has made a person anew, with another id.
    takeovers: HashMap<String, String>,
    /// People whose user this run has given to somebody else.
    replaced: HashSet<String>,
    /// People whose user the mapping deactivates, until it is known how many there are.
    deactivated_by_mapping: BTreeSet<String>,
    /// Whether the guard has allowed the deactivations.
    may_deactivate: bool,
    /// People whom this run has deactivated.
    deactivated: HashSet<String>,
    /// People with whom an earlier run has failed, and people with whom this one has.
    looked_at_again: HashSet<String>,
    failed: HashSet<String>,
    /// People who are gone, until it is known how many there are.
    departed: BTreeMap<String, KnownPerson>,
    report: Report,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Endpoint(#[from] Failure),
    #[error("{0}")]
    Scope(String),
    /// So many people may have changed that it is better to read everything.
    #[error("everything has to be read")]
    ReadEverything,
    #[error("the users cannot have photos: {0}")]
    Photo(String),
}

impl<'a, E: Endpoint, L: Ledger> Run<'a, E, L> {
    pub(crate) fn new(
        rules: &'a Rules,
        endpoint: &'a E,
        records: Records<'a, L>,
        options: RunOptions,
        is_dry_run: bool,
    ) -> Self {
        Self {
            rules,
            client: Client::new(endpoint, options.concurrency),
            records,
            options,
            is_dry_run,
            source_groups: None,
            scope_ids: Vec::new(),
            external_ids: Vec::new(),
            touched_groups: HashSet::new(),
            target_groups: None,
            manages_memberships: true,
            index: Index::default(),
            seen: HashSet::new(),
            present: HashSet::new(),
            claimed: HashMap::new(),
            waiting: Vec::new(),
            has_read_all: false,
            takeovers: HashMap::new(),
            replaced: HashSet::new(),
            deactivated_by_mapping: BTreeSet::new(),
            may_deactivate: false,
            deactivated: HashSet::new(),
            looked_at_again: HashSet::new(),
            failed: HashSet::new(),
            departed: BTreeMap::new(),
            report: Report {
                started: options.now,
                is_full: options.full,
                is_complete: false,
                people: 0,
                unchanged: 0,
                plan: crate::Plan::default(),
                unknown_notices: Vec::new(),
            },
        }
    }

    pub(crate) async fn run(
        mut self,
        directory: &mut impl Directory,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, LedgerError> {
        if self.rules.settings.mode == Mode::Paused {
            self.problem(
                Level::Info,
                "",
                "the synchronization is paused; set `mode` to `everything` or `only_new`",
            );
            self.report.is_complete = true;
            return self.finish();
        }
        let positions: Option<Positions> = self.records.get(Collection::State, POSITIONS)?;
        let positions = positions
            .filter(|positions| positions.settings == self.rules.positions_fingerprint && !self.options.full);
        let mut outcome = self.read(directory, positions.clone(), progress).await;
        let needs_everything =
            matches!(outcome, Err(Stop::Directory(DirectoryError::PositionExpired) | Stop::ReadEverything));
        if needs_everything && positions.is_some() {
            outcome = self.read(directory, None, progress).await;
        }
        match outcome {
            Ok(is_complete) => self.report.is_complete = is_complete,
            Err(Stop::Ledger(error)) => return Err(error),
            Err(stop) => self.problem(Level::Error, "", &stop.to_string()),
        }
        self.finish()
    }

    /// Reads people and groups from the positions, or everything, and makes all changes. Returns whether the next run can read
    /// from where this one has ended.
    async fn read(
        &mut self,
        directory: &mut impl Directory,
        positions: Option<Positions>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<bool, Stop> {
        self.report.is_full = positions.is_none();
        self.manages_memberships = !self.grants().is_empty();
        if !self.manages_memberships {
            let manages = &mut self.manages_memberships;
            self.records.list_texts(Collection::Memberships, &mut |_, _| *manages = true)?;
        }
        self.seen.clear();
        self.present.clear();
        self.departed.clear();
        self.waiting.clear();
        self.deactivated_by_mapping.clear();
        (self.has_read_all, self.may_deactivate) = (false, false);
        if self.is_dry_run {
            // What was planned before a position expired is planned again.
            self.claimed.clear();
            self.report.plan = crate::Plan::default();
            (self.report.people, self.report.unchanged) = (0, 0);
        }
        let mut again = self.people_to_look_at_again()?;
        let groups = self.read_groups(directory, positions.as_ref(), &mut again).await?;
        if !self.report.is_full && (again.len() > MAX_AGAIN || self.a_group_was_created().await?) {
            return Err(Stop::ReadEverything);
        }
        self.read_endpoint().await?;

        let mut from = positions.map(|positions| positions.people);
        let people = loop {
            let page = directory.people(from.as_deref()).await?;
            let mut present: Vec<Person> = Vec::new();
            for change in page.changes {
                let (PersonChange::Present(Person { id, .. }) | PersonChange::Removed(id)) = &change;
                // Of several changes of a person, the last one counts.
                present.retain(|person| person.id != *id);
                self.waiting.retain(|person| person.id != *id);
                match change {
                    PersonChange::Present(person) => present.push(person),
                    PersonChange::Removed(id) => self.person_is_removed(&id)?,
                }
            }
            self.people(present).await?;
            progress(Progress { people: self.report.people, changes: self.report.plan.changes.len() });
            match page.next {
                Next::Page(next) => from = Some(next),
                Next::Position(position) => break position,
            }
        };
        if !self.report.is_full {
            let again: Vec<_> = again.into_iter().filter(|id| !self.seen.contains(id)).collect();
            for ids in again.chunks(MAX_FOUND) {
                let people = directory.find(ids).await?;
                let found: HashSet<_> = people.iter().map(|person| person.id.clone()).collect();
                for id in ids.iter().filter(|id| !found.contains(*id)) {
                    self.person_is_removed(id)?;
                }
                self.people(people).await?;
            }
        }
        self.has_read_all = true;
        let waiting = std::mem::take(&mut self.waiting);
        self.people(waiting).await?;
        let is_complete = self.departures().await?;
        if is_complete {
            self.may_deactivate = true;
            let ids: Vec<_> = std::mem::take(&mut self.deactivated_by_mapping).into_iter().collect();
            for ids in ids.chunks(MAX_FOUND) {
                let people = directory.find(ids).await?;
                self.people(people).await?;
            }
        }
        self.deletions().await?;
        if is_complete {
            for id in std::mem::take(&mut self.touched_groups) {
                let json = self.source_groups.as_ref().and_then(|groups| groups.to_json(&id));
                self.records.put_text(Collection::Groups, &id, json);
            }
            // Only now: a run that is stopped does not know all with whom it has failed.
            for id in self.looked_at_again.difference(&self.failed) {
                self.records.remove(Collection::Retry, id);
            }
            for id in &self.failed {
                self.records.put(Collection::Retry, id, &());
            }
            let positions = Positions { people, groups, settings: self.rules.positions_fingerprint.clone() };
            self.records.put(Collection::State, POSITIONS, &positions);
            if let Some(groups) = &self.target_groups {
                self.records.put(Collection::State, MISSING_GROUPS, &groups.missing);
            }
        }
        Ok(is_complete)
    }

    /// The people with whom the last run failed. They are looked at even if they have not changed in the directory.
    fn people_to_look_at_again(&mut self) -> Result<HashSet<String>, Stop> {
        let mut ids = HashSet::new();
        self.records.list_texts(Collection::Retry, &mut |id, _| {
            ids.insert(id.to_owned());
        })?;
        self.looked_at_again.clone_from(&ids);
        self.failed.clear();
        Ok(ids)
    }

    /// Reads the groups of the directory. Adds the people whose groups may have changed to `changed`. Returns the position.
    async fn read_groups(
        &mut self,
        directory: &mut impl Directory,
        positions: Option<&Positions>,
        changed: &mut HashSet<String>,
    ) -> Result<Option<String>, Stop> {
        if !self.rules.needs_groups() {
            return Ok(None);
        }
        let mut from = positions.and_then(|positions| positions.groups.clone());
        let is_full = from.is_none();
        self.source_groups = is_full.then(MembershipIndex::default);
        let mut touched = HashSet::new();
        let position = loop {
            let page = directory.groups(from.as_deref()).await?;
            if !page.changes.is_empty() {
                self.load_source_groups()?;
            }
            for change in &page.changes {
                let Some(groups) = self.source_groups.as_mut() else { break };
                let is_renamed =
                    change.name.as_deref().is_some_and(|name| groups.name(&change.id) != Some(name));
                if change.deleted || is_renamed {
                    changed.extend(groups.members_below([change.id.clone()]));
                }
                groups.apply(change);
                let members = || change.added.iter().chain(&change.removed).cloned();
                changed.extend(members());
                changed.extend(groups.members_below(members()));
                touched.insert(change.id.clone());
            }
            match page.next {
                Next::Page(next) => from = Some(next),
                Next::Position(position) => break position,
            }
        };
        if is_full {
            // Those that are stored and were not read are deleted.
            self.records.list_texts(Collection::Groups, &mut |id, _| {
                touched.insert(id.to_owned());
            })?;
        }
        self.touched_groups = touched;
        self.resolve_groups()?;
        Ok(Some(position))
    }

    /// Reads the groups of the directory as the last run has left them in the ledger, if that was not done yet.
    fn load_source_groups(&mut self) -> Result<(), Stop> {
        if self.source_groups.is_none() {
            let mut groups = MembershipIndex::default();
            self.records.list_texts(Collection::Groups, &mut |id, json| groups.add_json(id, json))?;
            self.source_groups = Some(groups);
            return self.resolve_groups();
        }
        Ok(())
    }

    /// Finds the groups of the scope and of the rules among those of the directory.
    fn resolve_groups(&mut self) -> Result<(), Stop> {
        let Some(groups) = &self.source_groups else { return Ok(()) };
        self.scope_ids.clear();
        for group in self.rules.settings.scope.groups() {
            let text = match groups.find(group).as_slice() {
                [id] => {
                    self.scope_ids.push((*id).to_owned());
                    continue;
                }
                [] => format!("the directory has no group `{group}`; correct `scope.member_of`"),
                several => format!(
                    "the directory has {} groups `{group}`; name the id of one in `scope.member_of`",
                    several.len()
                ),
            };
            return Err(Stop::Scope(text));
        }
        self.external_ids.clear();
        let mut problems = Vec::new();
        for external in self.rules.grants.external() {
            match groups.find(external).as_slice() {
                [] => {}
                [id] => self.external_ids.push((external.to_owned(), (*id).to_owned())),
                several => problems.push(format!(
                    "the directory has {} groups `{external}`; name the id of one in `grants`",
                    several.len()
                )),
            }
        }
        for problem in problems {
            self.problem(Level::Warning, "", &problem);
        }
        Ok(())
    }

    /// Whether a group exists now that the endpoint did not have in the last run. Then everybody has to be looked at.
    async fn a_group_was_created(&mut self) -> Result<bool, Stop> {
        let missing: Vec<String> = self.records.get(Collection::State, MISSING_GROUPS)?.unwrap_or_default();
        let named = self.grants().groups();
        for group in missing {
            if named.contains(&group.as_str()) && self.client.group_id(&group).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the users of the endpoint in a full run, and the members of its groups.
    async fn read_endpoint(&mut self) -> Result<(), Stop> {
        self.target_groups = None;
        if !self.report.is_full {
            return Ok(());
        }
        let (rules, index) = (&self.rules.match_rules, &mut self.index);
        *index = Index::default();
        self.client.users(&attributes(rules), |user| index.add(rules, &user)).await?;
        self.load_target_groups().await
    }

    fn person_is_removed(&mut self, id: &str) -> Result<(), Stop> {
        self.seen.insert(id.to_owned());
        self.deactivated_by_mapping.remove(id);
        if let Some(known) = self.records.get::<KnownPerson>(Collection::People, id)? {
            self.depart(id, known)?;
        }
        Ok(())
    }

    /// Notes that a person is gone, if that was not known.
    fn depart(&mut self, id: &str, known: KnownPerson) -> Result<(), Stop> {
        self.present.remove(id);
        let is_known: Option<DateTime<Utc>> = self.records.get(Collection::Gone, id)?;
        if is_known.is_none() && self.rules.settings.mode == Mode::Everything {
            self.departed.insert(id.to_owned(), known);
        }
        Ok(())
    }

    /// Writes what is left, and the report.
    fn finish(mut self) -> Result<Report, LedgerError> {
        let notices = &self.rules.settings.notices;
        if let Some(to) = notices.problems_to.clone()
            && self.report.plan.level().is_some_and(|level| level >= notices.problems_from)
        {
            let is_told = |problem: &&Problem| problem.level >= notices.problems_from;
            let line = |problem: &Problem| {
                let of =
                    if problem.person.is_empty() { String::new() } else { format!("{}: ", problem.person) };
                format!("{}: {of}{}", problem.level, problem.text)
            };
            let lines = self.report.plan.problems.iter().filter(is_told).map(line).collect();
            let notice = Notice { kind: NoticeKind::Problems, to, person: String::new(), lines };
            let name = Notice::name(notice.kind, &self.options.now.to_rfc3339());
            self.records.put(Collection::Notices, &name, &StoredNotice { notice, state: NoticeState::Ready });
        }
        self.records.write()?;
        self.report.unknown_notices = unknown(&mut self.records)?;
        if self.report.is_complete && self.rules.settings.mode != Mode::Paused {
            self.records.put(Collection::State, LAST_SUCCESS, &self.options.now);
        }
        self.records.put(Collection::State, LAST_REPORT, &self.report);
        self.records.write()?;
        Ok(self.report)
    }

    fn grants(&self) -> &'a Grants {
        &self.rules.grants
    }

    fn change(&mut self, action: Action, person: &str, detail: impl Into<String>) {
        self.report.plan.changes.push(Change { action, person: person.to_owned(), detail: detail.into() });
    }

    fn problem(&mut self, level: Level, person: &str, text: &str) {
        self.report.plan.problems.push(Problem { level, person: person.to_owned(), text: text.to_owned() });
    }

    /// Notes that something failed with a person, who is looked at again in the next run.
    fn failed(&mut self, id: &str, person: &str, failure: &Failure) {
        self.problem(Level::Error, person, &failure.to_string());
        self.failed.insert(id.to_owned());
    }
}
