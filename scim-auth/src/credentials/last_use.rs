//! When tokens and clients were last used.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::records::{LastUseTimes, TokenRecord};
use super::{Credentials, decode, encode};
use crate::{Collection, Error};

/// How often the last use of a credential is written.
const INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Writes when credentials are used, for each at most once a minute.
#[derive(Debug, Default)]
pub(crate) struct LastUses(Mutex<HashMap<String, DateTime<Utc>>>);

impl LastUses {
    /// Writes that a credential was used.
    ///
    /// # Errors
    ///
    /// If the store is not available. It is not tried again within a minute.
    pub(crate) async fn record(
        &self,
        credentials: &Credentials,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if !self.is_due(id, now) {
            return Ok(());
        }
        let (store, new) = (credentials.store(), encode(&now)?);
        match store.get(Collection::LastUses, id).await? {
            None => _ = store.insert(Collection::LastUses, id, &new, None).await?,
            // Another process may have written it.
            Some(old) if decode::<DateTime<Utc>>(&old)? + INTERVAL > now => {}
            Some(old) => _ = store.replace(Collection::LastUses, id, &old, &new).await?,
        }
        Ok(())
    }

    /// Whether the last use that this process knows of is a minute ago. If so, it is set to now.
    fn is_due(&self, id: &str, now: DateTime<Utc>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(id) {
            Some(last) if *last + INTERVAL > now => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                // Only valid credentials get here, so there are as many as there are credentials.
                known.insert(id.to_owned(), now);
                true
            }
        }
    }
}

impl Credentials {
    /// Removes the last uses of credentials that are gone.
    pub(super) async fn delete_unknown_last_uses(&self) -> Result<(), Error> {
        let last_uses = self.store().list(Collection::LastUses).await?;
        let tokens = self.store().list(Collection::Tokens).await?;
        let admin_tokens = self.store().list(Collection::AdminTokens).await?;
        let clients = self.store().list(Collection::Clients).await?;
        let of_tokens = tokens.iter().chain(&admin_tokens).map(|entry| TokenRecord::id(&entry.key));
        let known: HashSet<&str> = of_tokens.chain(clients.iter().map(|entry| entry.key.as_str())).collect();
        for entry in last_uses.iter().filter(|entry| !known.contains(entry.key.as_str())) {
            self.store().delete(Collection::LastUses, &entry.key).await?;
        }
        Ok(())
    }

    pub(super) async fn last_uses(&self) -> Result<LastUseTimes, Error> {
        let entries = self.store().list(Collection::LastUses).await?;
        entries.into_iter().map(|entry| Ok((entry.key, decode(&entry.value)?))).collect()
    }
}
