//! Finds the users of the people of a page.

use std::collections::HashMap;

use scim_core::Resource;

use super::people::Candidate;
use super::{Run, Stop};
use crate::endpoint::Failure;
use crate::ledger::KnownPerson;
use crate::matching::{Found, attributes, filters};
use crate::{Collection, Endpoint, Ledger, Level, Mode, Person};

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Finds and reads the users. For each candidate: `None` if they are left out, else the user if there is one.
    pub(super) async fn find_users(
        &mut self,
        candidates: &[Candidate],
    ) -> Result<Vec<Option<Option<Resource>>>, Stop> {
        let known = candidates.iter().filter_map(|candidate| Some(candidate.known.as_ref()?.user.clone()));
        let mut users = self.read_users(known.collect()).await?;
        // Those who have no user that is known, or whose user is not there any longer.
        let is_unknown = |candidate: &&Candidate| match &candidate.known {
            Some(known) => matches!(users.get(&known.user), Some(Ok(None))),
            None => true,
        };
        let unknown: Vec<_> =
            candidates.iter().filter(is_unknown).map(|candidate| &candidate.person).collect();
        let failures = if self.report.is_full { HashMap::new() } else { self.search(&unknown).await? };
        let mut found = HashMap::new();
        for person in unknown {
            let id = match failures.get(&person.id) {
                Some(failure) => {
                    self.failed(&person.id, &person.label(), failure);
                    None
                }
                None => self.find(person, self.rules.settings.mode)?,
            };
            found.insert(person.id.clone(), id);
        }
        let ids: Vec<_> = found.values().flatten().flatten().cloned().collect();
        users.extend(self.read_users(ids).await?);
        let mut of_candidates = Vec::new();
        for candidate in candidates {
            let id = match found.get(&candidate.person.id) {
                Some(found) => found.clone(),
                None => Some(candidate.known.as_ref().map(|known| known.user.clone())),
            };
            let user = match id {
                None => None,
                Some(None) => Some(None),
                Some(Some(id)) => match users.get(&id) {
                    Some(Ok(user)) => Some(user.clone()),
                    Some(Err(failure)) => {
                        self.failed(&candidate.person.id, &candidate.person.label(), failure);
                        None
                    }
                    None => Some(None),
                },
            };
            of_candidates.push(user);
        }
        Ok(of_candidates)
    }

    /// Reads users by their ids.
    async fn read_users(
        &mut self,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Result<Option<Resource>, Failure>>, Stop> {
        let client = self.client;
        let read = client.for_each(&ids, async |id: &String| client.get("/Users", id, "").await).await;
        refuse_unauthorized(read.iter().filter_map(|read| read.as_ref().err()))?;
        Ok(ids.into_iter().zip(read).collect())
    }

    /// Searches for the users that these people could have. Returns what failed, by the ids of the people.
    pub(super) async fn search(&mut self, people: &[&Person]) -> Result<HashMap<String, Failure>, Stop> {
        let rules = &self.rules.match_rules;
        let attributes = attributes(rules);
        let client = self.client;
        let filters: Vec<_> = people
            .iter()
            .flat_map(|person| filters(rules, person).into_iter().map(|filter| (person.id.clone(), filter)))
            .collect();
        let search =
            async |(_, filter): &(String, String)| client.search("/Users", filter, &attributes).await;
        let found = client.for_each(&filters, search).await;
        refuse_unauthorized(found.iter().filter_map(|found| found.as_ref().err()))?;
        let mut failures = HashMap::new();
        for ((id, _), users) in filters.into_iter().zip(found) {
            match users {
                Ok(users) => users.iter().for_each(|user| self.index.add(rules, user)),
                Err(failure) => {
                    failures.insert(id, failure);
                }
            }
        }
        Ok(failures)
    }

    /// Finds the user of a person: `None` if that is not clear, `Some(None)` if there is none.
    pub(super) fn find(&mut self, person: &Person, mode: Mode) -> Result<Option<Option<String>>, Stop> {
        let user = match self.index.find(&self.rules.match_rules, person) {
            Found::Nobody => return Ok(Some(None)),
            Found::User(user) => user,
            Found::Several(attribute, ids) => {
                let text = format!(
                    "skipped: {} users fit by `{attribute}` ({}); correct them, or the match rules",
                    ids.len(),
                    ids.join(", ")
                );
                self.left_out(person, &text);
                return Ok(None);
            }
        };
        let external_id = self.index.external_id(&user).map(str::to_owned);
        let is_their_own = external_id.as_deref() == Some(&*person.id);
        if mode == Mode::OnlyNew && !is_their_own {
            self.report.unchanged += 1;
            return Ok(None);
        }
        if let Some((owner, label)) = self.claimed.get(&user)
            && *owner != person.id
        {
            let label = label.clone();
            self.belongs_to_another(person, &user, &label);
            return Ok(None);
        }
        let recorded: Option<String> = self.records.get(Collection::Users, &user)?;
        let owner = recorded.or(external_id).filter(|owner| *owner != person.id);
        if let Some(owner) = owner {
            // Only when everything was read it is known whether the owner is gone.
            if !self.has_read_all {
                self.waiting.push(person.clone());
                return Ok(None);
            }
            let known: Option<KnownPerson> = self.records.get(Collection::People, &owner)?;
            if !self.is_gone(&owner, known.as_ref()) {
                let label = known.map_or(owner, |known| known.label);
                self.belongs_to_another(person, &user, &label);
                return Ok(None);
            }
            self.takeovers.insert(user.clone(), owner);
        }
        self.claimed.insert(user.clone(), (person.id.clone(), person.label()));
        Ok(Some(Some(user)))
    }

    /// Whether somebody to whom a user belongs is gone, now that everything was read.
    fn is_gone(&self, owner: &str, known: Option<&KnownPerson>) -> bool {
        if self.present.contains(owner) {
            return false;
        }
        // Somebody who was not read in a run that reads changes is there, unless the ledger says something else.
        self.report.is_full
            || self.departed.contains_key(owner)
            || known.is_some_and(|known| known.gone_since.is_some())
    }

    fn belongs_to_another(&mut self, person: &Person, user: &str, label: &str) {
        self.left_out(person, &format!("skipped: the user {user} already belongs to {label}"));
    }

    /// Notes why a person is left out. They are looked at again in the next run, since the reason can vanish without a change
    /// in the directory.
    fn left_out(&mut self, person: &Person, text: &str) {
        self.problem(Level::Warning, &person.label(), text);
        self.failed.insert(person.id.clone());
    }
}

/// Stops the run if the credentials were refused, since every other request would fail, too.
fn refuse_unauthorized<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Result<(), Stop> {
    match failures.into_iter().find(|failure| failure.is_unauthorized()) {
        Some(failure) => Err(Stop::Endpoint(failure.clone())),
        None => Ok(()),
    }
}
