//! Copies photos that have changed, and writes their URLs to users.

use scim_core::patch::{Op, Operation};
use serde_json::Value;

use super::{Run, Stop};
use crate::endpoint::user_path;
use crate::ledger::KnownPerson;
use crate::photo::{Photo, PhotoDirectory, PhotoStore};
use crate::{Action, Collection, Endpoint, Ledger, LedgerError, Level, MAX_FOUND, Plan};

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
        let mut all = Vec::new();
        self.records.list(Collection::People, |id, known: KnownPerson| {
            if known.gone_since.is_none()
                && people.is_none_or(|people| people.iter().any(|person| person == id))
            {
                all.push(id.to_owned());
            }
        })?;
        for ids in all.chunks(MAX_FOUND) {
            let etags = directory.photo_etags(ids).await?;
            for (id, etag) in ids.iter().zip(etags) {
                let known: Option<String> = self.records.get(Collection::Photos, id)?;
                if known != etag {
                    self.copy_photo(id, directory, store).await?;
                }
            }
            self.records.write()?;
        }
        Ok(())
    }

    async fn copy_photo(
        &mut self,
        id: &str,
        directory: &mut impl PhotoDirectory,
        store: &mut impl PhotoStore,
    ) -> Result<(), Stop> {
        let Some(known) = self.records.get::<KnownPerson>(Collection::People, id)? else { return Ok(()) };
        let photo = directory.photo(id).await?;
        let url = match &photo {
            Some(photo) => store.put(id, photo).await.map(Some),
            None => Ok(None),
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => {
                self.problem(Level::Error, &known.label, &format!("the photo was not kept: {error}"));
                return Ok(());
            }
        };
        let written = self.write_photo_url(&known, url.as_deref()).await;
        // A photo is removed after nobody is led to it any longer.
        let removed = match (&written, &photo) {
            (Ok(_), None) => store.remove(id).await,
            _ => Ok(()),
        };
        match (written, removed) {
            (Err(Stop::Endpoint(failure)), _) if !failure.is_unauthorized() => {
                self.problem(Level::Error, &known.label, &format!("the photo was not written: {failure}"));
            }
            (Err(stop), _) => return Err(stop),
            (Ok(_), Err(error)) => {
                self.problem(Level::Error, &known.label, &format!("the photo was not removed: {error}"));
            }
            (Ok(()), Ok(())) => self.note_photo(id, &known, photo),
        }
        Ok(())
    }

    fn note_photo(&mut self, id: &str, known: &KnownPerson, photo: Option<Photo>) {
        self.change(Action::Photo, &known.label, if photo.is_some() { "" } else { "removed" });
        match photo {
            Some(photo) => self.records.put(Collection::Photos, id, &photo.etag),
            None => self.records.remove(Collection::Photos, id),
        }
    }

    async fn write_photo_url(&mut self, known: &KnownPerson, url: Option<&str>) -> Result<(), Stop> {
        let Some(user) = self.client.get("/Users", &known.user, "").await? else { return Ok(()) };
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
