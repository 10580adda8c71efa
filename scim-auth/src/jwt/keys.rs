//! Public keys of an issuer (RFC 7517).

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// The largest number of keys in a set.
const MAX_KEYS: usize = 100;

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeySource {
    /// A JWK Set at a URL.
    Url(String),
    /// A JWK Set that is known.
    Keys(Value),
}

impl KeySource {
    /// # Errors
    ///
    /// If the URL is not of HTTPS (or HTTP on this machine), or if no key can be used.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Url(url) if is_safe_url(url) => Ok(()),
            Self::Url(url) => Err(Error::invalid(format!(
                "the URL of the keys must begin with `https://`; it is `{}`",
                url.escape_debug()
            ))),
            Self::Keys(keys) if has_private_member(keys) => Err(Error::invalid(
                "the JWK Set has private or symmetric keys, which only the client may know; send the public keys",
            )),
            Self::Keys(keys) => match KeySet::from_value(keys) {
                Some(keys) if !keys.0.is_empty() => Ok(()),
                _ => Err(Error::invalid(
                    "the keys must be a JWK Set, `{\"keys\": [..]}`, with a public RSA, P-256 or Ed25519 key that has a `kid`",
                )),
            },
        }
    }
}

/// Whether a JWK Set has a member of a private or symmetric key (RFC 7518 section 6).
fn has_private_member(set: &Value) -> bool {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_object)
        .any(|key| ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| key.contains_key(*name)))
}

/// Whether nobody on the way can replace what a URL gives: HTTPS, or HTTP on this machine, for tests.
fn is_safe_url(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    }
}

/// The usable keys of a JWK Set.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// The keys in the text of a JWK Set; `None` if it is none.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        Self::from_value(&serde_json::from_slice(json).ok()?)
    }

    /// The keys of a JWK Set. Keys of kinds that are not accepted are left out, as RFC 7517 section 5 demands.
    pub(crate) fn from_value(set: &Value) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        Some(Self(keys.iter().filter_map(PublicKey::new).take(MAX_KEYS).collect()))
    }

    /// The key with this id.
    pub(crate) fn find(&self, key_id: &str) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.key_id == key_id)
    }
}

/// A public key, and the algorithms that it may be used with.
#[derive(Clone)]
pub(crate) struct PublicKey {
    key_id: String,
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl PublicKey {
    /// The key of a JWK; `None` if it cannot be used: it has no `kid`, is not for signatures, or is symmetric.
    fn new(jwk: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::PS256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                vec![Algorithm::ES256]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                vec![Algorithm::EdDSA]
            }
            _ => return None,
        };
        if let Some(only) = jwk.common.key_algorithm {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { key_id: jwk.common.key_id?, key, algorithms })
    }

    /// The key, if it may be used with an algorithm.
    pub(crate) fn for_algorithm(&self, algorithm: Algorithm) -> Option<&DecodingKey> {
        self.algorithms.contains(&algorithm).then_some(&self.key)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("key_id", &self.key_id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_keys_that_can_verify_a_signature_are_kept() {
        let point = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let set = json!({ "keys": [
            { "kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB", "x5c": ["AAAA"], "issuer": "https://a.example" },
            { "kty": "RSA", "kid": "only ps256", "alg": "PS256", "use": "sig", "n": "AQAB", "e": "AQAB" },
            { "kty": "EC", "kid": "ec", "crv": "P-256", "x": point, "y": point },
            { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": point },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kty": "RSA", "kid": "encryption", "use": "enc", "n": "AQAB", "e": "AQAB" },
            { "kty": "RSA", "kid": "damaged", "n": "!", "e": "AQAB" },
            { "kty": "EC", "kid": "curve", "crv": "P-384", "x": point, "y": point },
            { "kty": "oct", "kid": "symmetric", "k": "AQAB" },
            { "kty": "AKP", "kid": "unknown", "alg": "ML-DSA-44", "pub": "AAAA" },
            7,
        ] });
        let keys = KeySet::from_value(&set).unwrap();
        let found: Vec<_> =
            keys.0.iter().map(|key| (key.key_id.as_str(), key.algorithms.as_slice())).collect();
        let expected: [(&str, &[Algorithm]); 4] = [
            ("rsa", &[Algorithm::RS256, Algorithm::PS256]),
            ("only ps256", &[Algorithm::PS256]),
            ("ec", &[Algorithm::ES256]),
            ("ed", &[Algorithm::EdDSA]),
        ];
        assert_eq!(found, expected);
        for broken in ["", "[]", "{}", "{\"keys\":{}}"] {
            assert!(KeySet::parse(broken.as_bytes()).is_none(), "{broken}");
        }
    }

    #[test]
    fn keys_come_by_https() {
        for (url, is_allowed) in [
            ("https://login.example.com/keys", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://login.example.com/keys", false),
            ("http://127.0.0.1.example.com/keys", false),
            ("file:///etc/passwd", false),
            ("/keys", false),
            ("", false),
        ] {
            assert_eq!(KeySource::Url(url.to_owned()).check().is_ok(), is_allowed, "{url}");
        }
        assert!(KeySource::Keys(json!({ "keys": [] })).check().is_err());
        let mut key = json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" });
        assert!(KeySource::Keys(json!({ "keys": [key] })).check().is_ok());
        key["d"] = "AQAB".into();
        assert!(KeySource::Keys(json!({ "keys": [key] })).check().is_err());
    }
}
