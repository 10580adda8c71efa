//! People who are gone from the directory, or are no longer in the scope.

use chrono::{DateTime, Duration, Utc};
use scim_core::patch::{Op, Operation, PatchRequest};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

use super::memberships::Member;
use super::{Run, Stop};
use crate::endpoint::user_path;
use crate::ledger::KnownPerson;
use crate::{Action, Collection, Endpoint, ExternalGroups, Ledger, Level, Mode};

/// How many users are deactivated or deleted before the ledger is written.
const CHUNK: usize = 200;

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Deactivates the users of those who are gone. Returns false if the guard does not allow it.
    pub(super) async fn departures(&mut self) -> Result<bool, Stop> {
        if self.rules.settings.mode != Mode::Everything {
            return Ok(true);
        }
        let (mut missing, mut active) = (BTreeMap::new(), 0);
        if self.report.is_full || !self.departed.is_empty() || !self.deactivated_by_mapping.is_empty() {
            let is_full = self.report.is_full;
            let (seen, replaced) = (&self.seen, &self.replaced);
            let mut gone = HashSet::new();
            self.records.list_texts(Collection::Gone, &mut |id, _| {
                gone.insert(id.to_owned());
            })?;
            self.records.list(Collection::People, |id, known: KnownPerson| {
                active += usize::from(known.gone_since.is_none());
                if is_full && !seen.contains(id) && !replaced.contains(id) && !gone.contains(id) {
                    missing.insert(id.to_owned(), known);
                }
            })?;
        }
        let mut departed = std::mem::take(&mut self.departed);
        departed.append(&mut missing);
        if !self.options.allow_deactivations
            && let Err(reason) =
                self.rules.settings.guard.check(departed.len() + self.deactivated_by_mapping.len(), active)
        {
            let text = format!("{reason}; look at the plan with the guard off, and run so if it is right");
            self.problem(Level::Error, "", &text);
            return Ok(false);
        }
        let departed: Vec<_> = departed.into_iter().collect();
        for chunk in departed.chunks(CHUNK) {
            self.deactivate(chunk).await?;
        }
        Ok(true)
    }

    async fn deactivate(&mut self, people: &[(String, KnownPerson)]) -> Result<(), Stop> {
        let operation =
            Operation { op: Op::Replace, path: Some("active".to_owned()), value: Some(Value::Bool(false)) };
        let patch = PatchRequest { operations: vec![operation] };
        let (client, is_dry_run) = (self.client, self.is_dry_run);
        let send = async |(_, known): &(String, KnownPerson)| match is_dry_run {
            true => Ok(None),
            false => client.patch(&user_path(&known.user), &patch).await,
        };
        let results = client.for_each(people, send).await;
        let mut without_groups = Vec::new();
        for ((id, known), result) in people.iter().zip(results) {
            match result {
                Ok(_) => {
                    self.change(Action::Deactivate, &known.label, "");
                    without_groups.push((member(id, known.clone()), Vec::new()));
                }
                Err(failure) if failure.is_not_found() => {
                    self.problem(
                        Level::Info,
                        &known.label,
                        "has no user any longer; somebody has deleted it",
                    );
                    self.forget(id, &known.user);
                }
                Err(failure) if failure.is_unauthorized() => return Err(Stop::Endpoint(failure)),
                Err(failure) => self.failed(id, &known.label, &failure),
            }
        }
        let failed = match self.manages_memberships {
            false => HashSet::new(),
            true => {
                self.load_target_groups().await?;
                self.set_memberships(&without_groups).await?
            }
        };
        // Only now: a run that is stopped before does all of it again.
        for (Member { id, user, known, .. }, _) in without_groups {
            if failed.contains(&user) {
                self.failed.insert(id);
                continue;
            }
            let known =
                KnownPerson { fingerprint: None, version: None, gone_since: Some(self.options.now), ..known };
            self.records.put(Collection::People, &id, &known);
            self.records.put(Collection::Gone, &id, &self.options.now);
            self.deactivated.insert(id);
        }
        Ok(self.records.write()?)
    }

    /// Deletes the users of those who have been gone for long enough.
    pub(super) async fn deletions(&mut self) -> Result<(), Stop> {
        let Some(days) = self.rules.settings.retention.delete_after_days else { return Ok(()) };
        if self.rules.settings.mode != Mode::Everything {
            return Ok(());
        }
        let (now, retention) = (self.options.now, Duration::days(i64::from(days)));
        let (mut due, present, replaced) = (Vec::new(), &self.present, &self.replaced);
        self.records.list(Collection::Gone, |id, since: DateTime<Utc>| {
            if now - since >= retention && !present.contains(id) && !replaced.contains(id) {
                due.push(id.to_owned());
            }
        })?;
        if self.is_dry_run && days == 0 {
            due.extend(self.deactivated.iter().cloned());
            due.sort();
        }
        for ids in due.chunks(CHUNK) {
            let mut people = Vec::new();
            for id in ids {
                let known: Option<KnownPerson> = self.records.get(Collection::People, id)?;
                people.extend(known.map(|known| (id, known)));
            }
            let (client, is_dry_run) = (self.client, self.is_dry_run);
            let send = async |(_, known): &(&String, KnownPerson)| match is_dry_run {
                true => Ok(()),
                false => client.delete(&known.user).await,
            };
            let results = client.for_each(&people, send).await;
            for ((id, known), result) in people.iter().zip(results) {
                match result {
                    Ok(()) => {
                        self.change(Action::Delete, &known.label, "");
                        self.forget(id, &known.user);
                    }
                    Err(failure) if failure.is_unauthorized() => return Err(Stop::Endpoint(failure)),
                    // The next run finds the person in the ledger again.
                    Err(failure) => self.problem(Level::Error, &known.label, &failure.to_string()),
                }
            }
            self.records.write()?;
        }
        Ok(())
    }

    /// Removes everything that is remembered of a person whose user is no more.
    fn forget(&mut self, id: &str, user: &str) {
        self.failed.remove(id);
        for collection in [Collection::People, Collection::Gone] {
            self.records.remove(collection, id);
        }
        self.records.remove(Collection::Users, user);
        self.records.remove(Collection::Memberships, user);
        self.remove_notices(id);
    }
}

fn member(id: &str, known: KnownPerson) -> Member {
    Member {
        id: id.to_owned(),
        user: known.user.clone(),
        label: known.label.clone(),
        attributes: Map::new(),
        groups: ExternalGroups::default(),
        fingerprint: String::new(),
        known,
        is_new: false,
    }
}
