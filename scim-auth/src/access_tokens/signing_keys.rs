//! The keys that sign access tokens. They are in the store, so that all processes have the same ones, with the private part
//! encrypted. A key signs for 90 days; then the next one is made, published, and used a little later.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::SealingKey;
use crate::credentials::{decode, encode};
use crate::jwt::{KeySet, PublicKey};
use crate::{Collection, Credentials, Error};

/// The age at which a key is replaced.
const MAX_AGE: TimeDelta = TimeDelta::days(90);
/// How long a replaced key stays, to verify tokens that it has signed.
const KEPT_AFTER_REPLACEMENT: TimeDelta = TimeDelta::days(2);
/// How long a new key is only published, until all processes know it.
const PUBLISHED_BEFORE_USE: TimeDelta = TimeDelta::minutes(2);
/// How often the keys are read from the store.
const READ_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// How often the keys are read if one is unknown.
const READ_INTERVAL_FOR_UNKNOWN: TimeDelta = TimeDelta::seconds(1);

/// The signing keys of a store.
#[derive(Debug)]
pub(super) struct SigningKeys {
    sealing_keys: Vec<SealingKey>,
    known: Mutex<Known>,
    /// Held while a key is made, so that requests that find none make one together.
    creating: async_lock::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// The oldest first.
    keys: Vec<Arc<SigningKey>>,
    read: Option<DateTime<Utc>>,
}

/// A key pair.
#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) id: String,
    /// In the form PKCS #8.
    pub(super) private: Private,
    public: PublicKey,
    jwk: Value,
    created: DateTime<Utc>,
    /// Whether the first of the sealing keys has encrypted it.
    has_present_seal: bool,
}

/// What is stored of a key pair, by its id.
#[derive(Serialize, Deserialize)]
struct SigningKeyRecord {
    jwk: Value,
    sealed: String,
    created: DateTime<Utc>,
}

impl SigningKeys {
    pub(super) fn new(sealing_keys: Vec<SealingKey>) -> Self {
        Self { sealing_keys, known: Mutex::default(), creating: async_lock::Mutex::default() }
    }

    /// The key that signs new tokens. Makes a key if there is none, or if the newest is old.
    pub(super) async fn to_sign(
        &self,
        credentials: &Credentials,
        now: DateTime<Utc>,
    ) -> Result<Arc<SigningKey>, Error> {
        let keys = self.current(credentials, now).await?;
        // Of those that all processes know, the newest with the present seal; at first there is none.
        let is_known_to_all = |key: &&Arc<SigningKey>| {
            let is_kept = key.created + MAX_AGE + KEPT_AFTER_REPLACEMENT / 2 > now;
            is_kept && key.created + PUBLISHED_BEFORE_USE <= now
        };
        let key = keys.iter().rfind(|key| is_known_to_all(key) && key.has_present_seal);
        let key = key.or_else(|| keys.iter().rfind(is_known_to_all)).or(keys.last());
        key.cloned().ok_or_else(|| Error::unavailable("there is no signing key"))
    }

    /// The key that verifies a token; `None` if it is unknown.
    pub(super) async fn to_verify(
        &self,
        credentials: &Credentials,
        key_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PublicKey>, Error> {
        let find =
            |known: &Known| known.keys.iter().find(|key| key.id == key_id).map(|key| key.public.clone());
        let known = self.known();
        let found = find(&known);
        let interval = if found.is_some() { READ_INTERVAL } else { READ_INTERVAL_FOR_UNKNOWN };
        if known.read.is_some_and(|read| read + interval > now) {
            return Ok(found);
        }
        Ok(find(&self.read(credentials, now).await?))
    }

    /// The public keys as JWKs. Makes a key if there is none.
    pub(super) async fn public_keys(
        &self,
        credentials: &Credentials,
        now: DateTime<Utc>,
    ) -> Result<Vec<Value>, Error> {
        let keys = self.current(credentials, now).await?;
        Ok(keys.iter().map(|key| key.jwk.clone()).collect())
    }

    /// The keys, with one that is young enough to sign.
    async fn current(
        &self,
        credentials: &Credentials,
        now: DateTime<Utc>,
    ) -> Result<Vec<Arc<SigningKey>>, Error> {
        let mut known = self.known();
        if known.read.is_none_or(|read| read + READ_INTERVAL <= now) {
            known = self.read(credentials, now).await?;
        }
        if needs_key(&known, now) {
            let _alone = self.creating.lock().await;
            known = self.read(credentials, now).await?;
            if needs_key(&known, now) {
                self.create(credentials, now).await?;
                known = self.read(credentials, now).await?;
            }
        }
        Ok(known.keys)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys from the store. Those that no sealing key opens are left out.
    async fn read(&self, credentials: &Credentials, now: DateTime<Utc>) -> Result<Known, Error> {
        let mut keys = Vec::new();
        for entry in credentials.store().list(Collection::SigningKeys).await? {
            let record: SigningKeyRecord = decode(&entry.value)?;
            keys.extend(self.open(entry.key, record).map(Arc::new));
        }
        keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        let known = Known { keys, read: Some(now) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
        Ok(known)
    }

    fn open(&self, id: String, record: SigningKeyRecord) -> Option<SigningKey> {
        let sealed = URL_SAFE_NO_PAD.decode(&record.sealed).ok()?;
        let belongs_to = belongs_to(&id, &record.jwk, record.created);
        let mut opened = self.sealing_keys.iter().enumerate();
        let (seal, private) = opened.find_map(|(seal, key)| Some((seal, key.open(&sealed, &belongs_to)?)))?;
        let public = KeySet::from_value(&json!({ "keys": [record.jwk] }))?.find(&id)?.clone();
        Some(SigningKey {
            id,
            private: Private(private),
            public,
            jwk: record.jwk,
            created: record.created,
            has_present_seal: seal == 0,
        })
    }

    /// Makes a key pair and stores it.
    async fn create(&self, credentials: &Credentials, now: DateTime<Utc>) -> Result<(), Error> {
        let failed = || Error::unavailable("a signing key cannot be made");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed())?;
        let private = pair.to_pkcs8v1().map_err(|_| failed())?;
        // The uncompressed point: 4, x, y.
        let point = pair.public_key().as_ref().split_first().ok_or_else(failed)?.1;
        let (x, y) = point.split_at_checked(32).ok_or_else(failed)?;
        let id = scim_core::new_id();
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        let sealing_key = self.sealing_keys.first().ok_or_else(failed)?;
        let sealed = sealing_key.seal(private.as_ref(), &belongs_to(&id, &jwk, now)).ok_or_else(failed)?;
        let record = SigningKeyRecord { jwk, sealed: URL_SAFE_NO_PAD.encode(sealed), created: now };
        let kept_until = Some(now + MAX_AGE + KEPT_AFTER_REPLACEMENT);
        credentials.store().insert(Collection::SigningKeys, &id, &encode(&record)?, kept_until).await?;
        Ok(())
    }
}

/// Whether a new key must be made: all are old, or were encrypted by a sealing key that has been replaced.
fn needs_key(known: &Known, now: DateTime<Utc>) -> bool {
    !known.keys.iter().any(|key| key.created + MAX_AGE > now && key.has_present_seal)
}

/// What is sealed together with a private key.
fn belongs_to(id: &str, jwk: &Value, created: DateTime<Utc>) -> String {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{id} {} {} {}", text("x"), text("y"), created.timestamp())
}

/// A private key, which is not shown.
pub(super) struct Private(Zeroizing<Vec<u8>>);

impl std::ops::Deref for Private {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Private(..)")
    }
}
