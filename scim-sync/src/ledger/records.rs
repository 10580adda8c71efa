//! The records of a ledger, as JSON.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Collection, Ledger, LedgerChange, LedgerError};

/// The keys of [`Collection::State`].
pub(crate) const LAST_REPORT: &str = "last_report";
pub(crate) const LAST_SUCCESS: &str = "last_success";
pub(crate) const POSITIONS: &str = "positions";
pub(crate) const MISSING_GROUPS: &str = "missing_groups";

/// A person who has a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownPerson {
    /// The id of the user.
    pub(crate) user: String,
    /// A hash of what the user must have, as it was last written; `None` if that failed.
    pub(crate) fingerprint: Option<String>,
    /// The version of the user after that; `None` if it is not known.
    pub(crate) version: Option<String>,
    /// How reports name the person.
    pub(crate) label: String,
    /// Since when the person is gone.
    pub(crate) gone_since: Option<DateTime<Utc>>,
}

/// A membership that a rule wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// The id of the group.
    pub(crate) group: String,
    pub(crate) access: Option<String>,
    /// Whether the membership was there before, given by hand.
    #[serde(default)]
    pub(crate) manual: bool,
}

/// From where the next run reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Positions {
    pub(crate) people: String,
    pub(crate) groups: Option<String>,
    /// A hash of the settings; other settings need everything.
    pub(crate) settings: String,
}

/// Reads records of a ledger, and collects changes until they are written.
pub(crate) struct Records<'a, L> {
    ledger: &'a mut L,
    changes: HashMap<(Collection, String), Option<String>>,
    is_dry_run: bool,
}

impl<L> std::fmt::Debug for Records<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("changes", &self.changes.len()).finish_non_exhaustive()
    }
}

impl<'a, L: Ledger> Records<'a, L> {
    /// With `is_dry_run`, nothing is written.
    pub(crate) fn new(ledger: &'a mut L, is_dry_run: bool) -> Self {
        Self { ledger, changes: HashMap::new(), is_dry_run }
    }

    /// Reads a record. One that is not understood counts as absent, as if the ledger was lost.
    pub(crate) fn get<T: DeserializeOwned>(
        &mut self,
        collection: Collection,
        key: &str,
    ) -> Result<Option<T>, LedgerError> {
        let text = match self.changes.get(&(collection, key.to_owned())) {
            Some(value) => value.clone(),
            None => self.ledger.get(collection, key)?,
        };
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Reads all records of a collection that are written.
    pub(crate) fn list<T: DeserializeOwned>(
        &mut self,
        collection: Collection,
        mut each: impl FnMut(&str, T),
    ) -> Result<(), LedgerError> {
        self.ledger.list(collection, &mut |key, value| {
            if let Ok(value) = serde_json::from_str(value) {
                each(key, value);
            }
        })
    }

    /// Calls `each` with the texts of a collection.
    pub(crate) fn list_texts(
        &mut self,
        collection: Collection,
        each: &mut dyn FnMut(&str, &str),
    ) -> Result<(), LedgerError> {
        self.ledger.list(collection, each)
    }

    pub(crate) fn put<T: Serialize>(&mut self, collection: Collection, key: &str, value: &T) {
        self.put_text(collection, key, serde_json::to_string(value).ok());
    }

    pub(crate) fn put_text(&mut self, collection: Collection, key: &str, value: Option<String>) {
        self.changes.insert((collection, key.to_owned()), value);
    }

    pub(crate) fn remove(&mut self, collection: Collection, key: &str) {
        self.put_text(collection, key, None);
    }

    /// Writes the collected changes.
    pub(crate) fn write(&mut self) -> Result<(), LedgerError> {
        let changes = std::mem::take(&mut self.changes).into_iter();
        let changes: Vec<_> =
            changes.map(|((collection, key), value)| LedgerChange { collection, key, value }).collect();
        if changes.is_empty() || self.is_dry_run { Ok(()) } else { self.ledger.write(&changes) }
    }
}
