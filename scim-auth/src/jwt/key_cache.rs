//! The keys of issuers, fetched from their URLs and kept.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::async_trait;

use super::{KeySet, KeySource, PublicKey};
use crate::Error;

/// The time after which keys are fetched again.
const MAX_AGE: TimeDelta = TimeDelta::hours(1);
/// The time for which keys are used if they cannot be fetched again.
const MAX_STALE_AGE: TimeDelta = TimeDelta::hours(24);
/// How often a URL is asked for a key that is unknown.
const MIN_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How often a URL is asked that has not answered yet.
const MIN_INTERVAL_WITHOUT_KEYS: TimeDelta = TimeDelta::seconds(5);

/// Fetches the keys of an issuer: an HTTP client of the application, since this crate opens no connections.
///
/// A closure that returns what it knows is enough for tests. A client should have a timeout of some seconds, limit the size
/// of the answer, follow no redirects, and ask only hosts that the application trusts.
///
/// ```
/// use scim_auth::{FetchKeys, async_trait};
///
/// struct Keys(HttpClient);
///
/// #[async_trait]
/// impl FetchKeys for Keys {
///     async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
///         if !url.starts_with("https://login.microsoftonline.com/") {
///             return Err("keys are fetched only from login.microsoftonline.com".into());
///         }
///         self.0.get(url).await
///     }
/// }
/// # struct HttpClient;
/// # impl HttpClient {
/// #     async fn get(&self, _: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> { Ok(Vec::new()) }
/// # }
/// ```
#[async_trait]
pub trait FetchKeys: Send + Sync {
    /// Returns the JWK Set (RFC 7517 section 5) at a URL.
    ///
    /// # Errors
    ///
    /// Whatever is wrong; it gets into logs.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>>;
}

#[async_trait]
impl<F> FetchKeys for F
where
    F: Fn(&str) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> + Send + Sync,
{
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
        self(url)
    }
}

/// Keys of issuers by their URLs. A URL is asked when its keys are an hour old, or when a key is unknown, but then no more
/// often than once a minute. If it does not answer, its keys are used for a day. Cheap to clone.
#[derive(Clone)]
pub struct KeyCache {
    fetch: Arc<dyn FetchKeys>,
    urls: Arc<Mutex<HashMap<String, Arc<Url>>>>,
}

/// What is known of a URL.
#[derive(Default)]
struct Url {
    /// Held while the URL is asked, so that it is asked once even if many requests need it.
    fetching: async_lock::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<(Arc<KeySet>, DateTime<Utc>)>,
    asked: Option<DateTime<Utc>>,
}

/// Why there is no key.
#[derive(Debug)]
pub(crate) enum KeyError {
    /// The issuer does not have it.
    Unknown,
    /// The keys of the issuer could not be fetched.
    Unavailable(Error),
}

impl KeyCache {
    /// No keys yet.
    pub fn new(fetch: impl FetchKeys + 'static) -> Self {
        Self { fetch: Arc::new(fetch), urls: Arc::default() }
    }

    /// Fetches the keys of a URL, unless they were fetched in the last minute. Call it when the application starts and from
    /// time to time, so that no request has to wait for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the URL does not answer with keys.
    pub async fn refresh(&self, url: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let url_state = self.url(url);
        let _alone = url_state.fetching.lock().await;
        if url_state.state().keys.is_some_and(|(_, fetched)| fetched + MIN_INTERVAL > now) {
            return Ok(());
        }
        self.ask(url, &url_state, now).await
    }

    /// Whether there are keys of a URL that are not too old, to say whether an application is ready.
    pub fn has_keys(&self, url: &str, now: DateTime<Utc>) -> bool {
        self.url(url).state().usable(now).is_some()
    }

    /// The key with this id.
    pub(crate) async fn key(
        &self,
        source: &KeySource,
        key_id: &str,
        now: DateTime<Utc>,
    ) -> Result<PublicKey, KeyError> {
        let url = match source {
            KeySource::Url(url) => url,
            KeySource::Keys(keys) => {
                let keys = KeySet::from_value(keys).unwrap_or_default();
                return keys.find(key_id).cloned().ok_or(KeyError::Unknown);
            }
        };
        let url_state = self.url(url);
        if let Some(key) = url_state.state().fresh_key(key_id, now) {
            return Ok(key);
        }
        let _alone = url_state.fetching.lock().await;
        // Another request may have fetched the keys meanwhile.
        let state = url_state.state();
        if let Some(key) = state.fresh_key(key_id, now) {
            return Ok(key);
        }
        let fetched = match state.may_ask(now) {
            true => self.ask(url, &url_state, now).await,
            false => Ok(()),
        };
        match (url_state.state().usable(now), fetched) {
            (Some(keys), _) => keys.find(key_id).cloned().ok_or(KeyError::Unknown),
            (None, Err(error)) => Err(KeyError::Unavailable(error)),
            (None, Ok(())) => {
                Err(KeyError::Unavailable(Error::unavailable(format!("{url} does not answer with keys"))))
            }
        }
    }

    fn url(&self, url: &str) -> Arc<Url> {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.entry(url.to_owned()).or_default().clone()
    }

    /// Asks the URL for its keys. The caller holds `fetching`.
    async fn ask(&self, url: &str, url_state: &Url, now: DateTime<Utc>) -> Result<(), Error> {
        // If the request that waits for the answer is dropped, the next one may ask a little later.
        url_state.change(|state| state.asked = Some(now - MIN_INTERVAL + MIN_INTERVAL_WITHOUT_KEYS));
        let json = self.fetch.fetch(url).await;
        url_state.change(|state| state.asked = Some(now));
        let json = json.map_err(Error::unavailable)?;
        let keys = KeySet::parse(&json)
            .ok_or_else(|| Error::unavailable(format!("{url} does not answer with a JWK Set")))?;
        url_state.change(|state| state.keys = Some((Arc::new(keys), now)));
        Ok(())
    }
}

impl Url {
    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl State {
    /// A key that need not be fetched.
    fn fresh_key(&self, key_id: &str, now: DateTime<Utc>) -> Option<PublicKey> {
        let (keys, fetched) = self.keys.as_ref()?;
        if *fetched + MAX_AGE <= now {
            return None;
        }
        keys.find(key_id).cloned()
    }

    /// The keys, if they are not too old.
    fn usable(&self, now: DateTime<Utc>) -> Option<&KeySet> {
        self.keys.as_ref().filter(|(_, fetched)| *fetched + MAX_STALE_AGE > now).map(|(keys, _)| &**keys)
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        let interval = if self.usable(now).is_some() { MIN_INTERVAL } else { MIN_INTERVAL_WITHOUT_KEYS };
        self.asked.is_none_or(|asked| asked + interval <= now)
    }
}

/// Shows the URLs.
impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_tuple("KeyCache").field(&urls.keys().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A server with one key, whose id is the number of the answer; without an answer if `is_up` is 0.
    struct Server {
        answers: AtomicUsize,
        is_up: AtomicUsize,
    }

    #[async_trait]
    impl FetchKeys for Arc<Server> {
        async fn fetch(&self, _: &str) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
            let id = self.answers.fetch_add(1, Ordering::Relaxed);
            if self.is_up.load(Ordering::Relaxed) == 0 {
                return Err("down".into());
            }
            Ok(format!(r#"{{"keys":[{{"kty":"RSA","kid":"{id}","n":"AQAB","e":"AQAB"}}]}}"#).into_bytes())
        }
    }

    #[test]
    fn a_url_is_asked_for_unknown_keys_once_a_minute_and_after_an_hour() {
        let server = Arc::new(Server { answers: AtomicUsize::new(0), is_up: AtomicUsize::new(0) });
        let cache = KeyCache::new(server.clone());
        let source = KeySource::Url("https://login.example.com/keys".to_owned());
        let start = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let key = |key_id: &str, seconds: i64| match pollster::block_on(cache.key(
            &source,
            key_id,
            start + TimeDelta::seconds(seconds),
        )) {
            Ok(_) => "found",
            Err(KeyError::Unknown) => "unknown",
            Err(KeyError::Unavailable(_)) => "unavailable",
        };
        // (is the server up, the second, the key, what happens, how often the server was asked)
        for (is_up, seconds, key_id, expected, asked) in [
            (0, 0, "1", "unavailable", 1),
            (1, 4, "1", "unavailable", 1),
            (1, 5, "1", "found", 2),
            (1, 6, "7", "unknown", 2),
            (1, 64, "7", "unknown", 2),
            (1, 65, "7", "unknown", 3),
            (1, 66, "2", "found", 3),
            (0, 3600, "2", "found", 3),
            (0, 3665, "2", "found", 4),
            (0, 3700, "2", "found", 4),
            (0, 80_000, "2", "found", 5),
            (0, 90_000, "2", "unavailable", 6),
            (1, 90_005, "6", "found", 7),
        ] {
            server.is_up.store(is_up, Ordering::Relaxed);
            let answers = |()| server.answers.load(Ordering::Relaxed);
            assert_eq!((key(key_id, seconds), answers(())), (expected, asked), "at {seconds}");
        }
    }
}
