//! Copies photos that have changed, and writes their URLs to users.

use scim_core::patch::{Op, Operation};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Run, Stop};
use crate::endpoint::{Failure, user_path};
use crate::ledger::KnownPerson;
use crate::matching::external_id_filter;
use crate::photo::{Photo, PhotoDirectory, PhotoStore};
use crate::{Action, Collection, Endpoint, Ledger, LedgerError, Level, MAX_FOUND, Mode, Plan};

/// What the ledger keeps of a photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CopiedPhoto {
    etag: String,
    /// The user to whom the URL was written.
    user: String,
}

/// The attribute with the URL (RFC 7643 section 4.1.2).
const ELEMENT: &str = "photos[type eq \"photo\"]";

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Copies the photos of these people, or of all who have a user.
    pub(crate) async fn photos(
        mut self,
        people: Option<&[String]>,
        directory: &mut impl PhotoDirectory,
        store: &mut impl PhotoStore,
    ) -> Result<Plan, LedgerError> {
        match self.copy_photos(people, directory, store).await {
            Ok(()) => {}
            Err(Stop::Ledger(error)) => return Err(error),
            Err(stop) => self.problem(Level::Error, "", &stop.to_string()),
        }
        self.records.write()?;
        Ok(self.report.plan)
    }

    async fn copy_photos(
        &mut self,
        people: Option<&[String]>,
        directory: &mut impl PhotoDirectory,
        store: &mut impl PhotoStore,
    ) -> Result<(), Stop> {
        let mode = self.rules.settings.mode;
        let people = match people {
            Some(people) => people.to_vec(),
            None if mode == Mode::Paused => return Ok(()),
            None => {
                self.remove_photos(store).await?;
                let mut all = Vec::new();
                self.records.list(Collection::People, |id, known: KnownPerson| {
                    if known.gone_since.is_none() {
                        all.push(id.to_owned());
                    }
                })?;
                all
            }
        };
        for ids in people.chunks(MAX_FOUND) {
            let etags = directory.photo_etags(ids).await?;
            for (id, etag) in ids.iter().zip(etags) {
                let Some(known) = self.known_person(id).await? else { continue };
                let copied: Option<CopiedPhoto> = self.records.get(Collection::Photos, id)?;
                // In this mode, users who have a photo are left alone.
                if mode == Mode::OnlyNew && copied.is_some() {
                    continue;
                }
                match etag {
                    Ok(etag)
                        if copied
                            == etag.clone().map(|etag| CopiedPhoto { etag, user: known.user.clone() }) => {}
                    Ok(_) => self.copy_photo(id, &known, directory, store).await?,
                    Err(error) => self.problem(Level::Error, &known.label, &error.to_string()),
                }
            }
            self.records.write()?;
        }
        Ok(())
    }

    /// The user of a person: as the ledger knows it, or found by its `externalId`.
    async fn known_person(&mut self, id: &str) -> Result<Option<KnownPerson>, Stop> {
        if let Some(known) = self.records.get(Collection::People, id)? {
            return Ok(Some(known));
        }
        let found = self.client.search("/Users", &external_id_filter(id), "externalId").await?;
        match found.as_slice() {
            [user] if user.external_id() == Some(id) => Ok(Some(KnownPerson {
                user: user.id().to_owned(),
                fingerprint: None,
                version: None,
                label: id.to_owned(),
                gone_since: None,
            })),
            _ => {
                self.problem(Level::Warning, id, "has no user, so the photo was not copied");
                Ok(None)
            }
        }
    }

    /// Removes the photos of people who are gone, or have no user any longer.
    async fn remove_photos(&mut self, store: &mut impl PhotoStore) -> Result<(), Stop> {
        let mut copied = Vec::new();
        self.records.list_texts(Collection::Photos, &mut |id, _| copied.push(id.to_owned()))?;
        for id in copied {
            let known: Option<KnownPerson> = self.records.get(Collection::People, &id)?;
            if known.as_ref().is_some_and(|known| known.gone_since.is_none()) {
                continue;
            }
            let label = known.as_ref().map_or(id.clone(), |known| known.label.clone());
            if let Some(known) = &known
                && let Err(failure) = self.write_photo_url(known, None).await
            {
                self.not_written(&label, failure)?;
                continue;
            }
            match store.remove(&id).await {
                Ok(()) => {
                    self.change(Action::Photo, &label, "removed");
                    self.records.remove(Collection::Photos, &id);
                }
                Err(error) => {
                    self.problem(Level::Error, &label, &format!("the photo was not removed: {error}"))
                }
            }
        }
        Ok(self.records.write()?)
    }

    async fn copy_photo(
        &mut self,
        id: &str,
        known: &KnownPerson,
        directory: &mut impl PhotoDirectory,
        store: &mut impl PhotoStore,
    ) -> Result<(), Stop> {
        let photo = match directory.photo(id).await {
            Ok(photo) => photo,
            Err(error) => {
                self.problem(Level::Error, &known.label, &error.to_string());
                return Ok(());
            }
        };
        let url = match &photo {
            Some(photo) => match store.put(id, photo).await {
                Ok(url) => Some(url),
                Err(error) => {
                    self.problem(Level::Error, &known.label, &format!("the photo was not kept: {error}"));
                    return Ok(());
                }
            },
            None => None,
        };
        if let Err(failure) = self.write_photo_url(known, url.as_deref()).await {
            return self.not_written(&known.label, failure);
        }
        // A photo is removed after nobody is led to it any longer.
        if photo.is_none()
            && let Err(error) = store.remove(id).await
        {
            self.problem(Level::Error, &known.label, &format!("the photo was not removed: {error}"));
            return Ok(());
        }
        self.change(Action::Photo, &known.label, if photo.is_some() { "" } else { "removed" });
        match photo {
            Some(Photo { etag, .. }) => {
                self.records.put(Collection::Photos, id, &CopiedPhoto { etag, user: known.user.clone() });
            }
            None => self.records.remove(Collection::Photos, id),
        }
        Ok(())
    }

    /// Notes that the URL was not written to a user, which is tried again.
    fn not_written(&mut self, label: &str, stop: Stop) -> Result<(), Stop> {
        match stop {
            Stop::Endpoint(failure) if !failure.is_unauthorized() => {
                self.problem(Level::Error, label, &format!("the photo was not written: {failure}"));
                Ok(())
            }
            stop => Err(stop),
        }
    }

    /// Writes the URL of a photo to a user, or removes it.
    async fn write_photo_url(&mut self, known: &KnownPerson, url: Option<&str>) -> Result<(), Stop> {
        let Some(user) = self.client.get("/Users", &known.user, "").await? else {
            // A user that is not there needs no removal; a new one gets the photo with the next run.
            return match url {
                None => Ok(()),
                Some(_) => {
                    Err(Stop::Endpoint(Failure::NotUnderstood("a request for a user, which is not there")))
                }
            };
        };
        let operation = match url {
            Some(url) => Operation {
                op: Op::Add,
                path: Some(format!("{ELEMENT}.value")),
                value: Some(Value::from(url)),
            },
            None => Operation { op: Op::Remove, path: Some(ELEMENT.to_owned()), value: None },
        };
        let mapping = &self.rules.mapping;
        let changed = mapping
            .apply(&[operation], user.as_map().clone())
            .map_err(|error| Stop::Photo(error.to_string()))?;
        if let Some(patch) = mapping.diff(user.as_map(), &changed) {
            self.client.patch(&user_path(&known.user), &patch).await?;
        }
        Ok(())
    }
}
