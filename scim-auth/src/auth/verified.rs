//! What is known of a token that has been verified, and why one is refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::{Identity, Scopes};

use crate::Error;
use crate::credentials::Owner;
use crate::jwt::InvalidJwt;

/// How long a verified token is accepted without looking again: the delay of a revocation.
const CACHED_FOR: TimeDelta = TimeDelta::seconds(5);
/// The largest number of tokens in the cache.
const MAX_CACHED: usize = 10_000;

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) identity: Identity,
    /// The id whose last use is recorded, if the credential is in the store.
    pub(crate) used: Option<String>,
    /// When the token expires.
    pub(crate) expires: Option<DateTime<Utc>>,
}

impl Verified {
    pub(crate) fn new(owner: Owner, used: &str, expires: Option<DateTime<Utc>>) -> Self {
        let scopes = owner.scopes();
        let identity = Identity::new(owner.name).with_scopes(scopes);
        let identity = match owner.tenant {
            Some(tenant) => identity.in_tenant(tenant),
            None => identity,
        };
        Self { identity, used: Some(used.to_owned()), expires }
    }

    /// A token that is known since the application started.
    pub(crate) fn fixed(identity: Identity) -> Self {
        Self { identity, used: None, expires: None }
    }

    /// The development token.
    pub(crate) fn development(scopes: &[&str], expires: DateTime<Utc>) -> Self {
        let identity = Identity::new("development").with_scopes(Scopes::new(scopes.iter().copied()));
        Self { identity, used: None, expires: Some(expires) }
    }
}

/// Why a token is not accepted.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no such token, or its client has been revoked.
    Unknown,
    /// It is a token of this service that has expired.
    Expired,
    /// It is a JWT that is refused.
    Invalid(InvalidJwt),
    /// Nobody knows at the moment.
    Unavailable(Error),
}

impl From<InvalidJwt> for Failure {
    fn from(reason: InvalidJwt) -> Self {
        Self::Invalid(reason)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

/// Tokens that were verified in the last seconds, by their hashes.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<TokenHash, Cached>>);

/// The SHA-256 of a token.
pub(crate) type TokenHash = [u8; 32];

/// A token, and when it was verified.
#[derive(Debug)]
struct Cached {
    verified: Verified,
    at: DateTime<Utc>,
}

impl Cache {
    /// The identity of a token that was verified in the last seconds, and has not expired since.
    pub(crate) fn get(&self, hash: &TokenHash, now: DateTime<Utc>) -> Option<Identity> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Cached { verified, at } = cached.get(hash)?;
        let is_fresh = *at <= now && now < *at + CACHED_FOR;
        let is_valid = verified.expires.is_none_or(|expires| now < expires);
        (is_fresh && is_valid).then(|| verified.identity.clone())
    }

    pub(crate) fn insert(&self, hash: TokenHash, verified: Verified, now: DateTime<Utc>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_CACHED {
            cached.retain(|_, Cached { at, .. }| now < *at + CACHED_FOR);
        }
        if cached.len() < MAX_CACHED {
            cached.insert(hash, Cached { verified, at: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_cached_for_five_seconds_and_not_beyond_its_expiry() {
        let start = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let after = |seconds| start + TimeDelta::seconds(seconds);
        let verified = |expires| Verified { identity: Identity::new("okta"), used: None, expires };
        let cache = Cache::default();
        cache.insert([1; 32], verified(None), start);
        cache.insert([2; 32], verified(Some(after(3))), start);
        for (seconds, first, second) in [
            (-1, false, false),
            (0, true, true),
            (2, true, true),
            (3, true, false),
            (4, true, false),
            (5, false, false),
        ] {
            assert_eq!(cache.get(&[1; 32], after(seconds)).is_some(), first, "{seconds}");
            assert_eq!(cache.get(&[2; 32], after(seconds)).is_some(), second, "{seconds}");
        }
        assert!(cache.get(&[3; 32], start).is_none());
    }

    #[test]
    fn the_cache_is_bounded() {
        let start = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let cache = Cache::default();
        let verified = Verified { identity: Identity::new("okta"), used: None, expires: None };
        for n in 0..MAX_CACHED as u64 + 1_000 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            cache.insert(hash, verified.clone(), start);
        }
        assert_eq!(cache.0.lock().unwrap().len(), MAX_CACHED);
        cache.insert([7; 32], verified, start + CACHED_FOR);
        assert_eq!(cache.0.lock().unwrap().len(), 1);
    }
}
