//! Credentials in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use scim_core::async_trait;

use crate::{Collection, CredentialStore, Error, StoredCredential};

/// A [`CredentialStore`] in the memory of the process, for tests and experiments.
///
/// ```
/// use scim_auth::{Auth, MemoryCredentials};
///
/// let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build()?;
/// # Ok::<(), scim_auth::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<BTreeMap<(Collection, String), Value>>);

#[derive(Debug)]
struct Value {
    text: String,
    expires: Option<DateTime<Utc>>,
}

impl MemoryCredentials {
    /// No credentials.
    pub fn new() -> Self {
        Self::default()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<(Collection, String), Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialStore for MemoryCredentials {
    async fn get(&self, collection: Collection, key: &str) -> Result<Option<String>, Error> {
        Ok(self.values().get(&(collection, key.to_owned())).map(|value| value.text.clone()))
    }

    async fn list(&self, collection: Collection) -> Result<Vec<StoredCredential>, Error> {
        let values = self.values();
        let of_collection = values.iter().filter(|((of, _), _)| *of == collection);
        let entry = |((_, key), value): (&(Collection, String), &Value)| StoredCredential {
            key: key.clone(),
            value: value.text.clone(),
        };
        Ok(of_collection.map(entry).collect())
    }

    async fn insert(
        &self,
        collection: Collection,
        key: &str,
        value: &str,
        expires: Option<DateTime<Utc>>,
    ) -> Result<bool, Error> {
        match self.values().entry((collection, key.to_owned())) {
            Entry::Vacant(entry) => {
                entry.insert(Value { text: value.to_owned(), expires });
                Ok(true)
            }
            Entry::Occupied(_) => Ok(false),
        }
    }

    async fn replace(&self, collection: Collection, key: &str, old: &str, new: &str) -> Result<bool, Error> {
        match self.values().get_mut(&(collection, key.to_owned())) {
            Some(value) if value.text == old => {
                new.clone_into(&mut value.text);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn delete(&self, collection: Collection, key: &str) -> Result<bool, Error> {
        Ok(self.values().remove(&(collection, key.to_owned())).is_some())
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        let mut values = self.values();
        let before = values.len();
        values.retain(|_, value| value.expires.is_none_or(|expires| expires >= now));
        Ok((before - values.len()) as u64)
    }
}
