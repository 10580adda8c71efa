//! A JWT with a signature, in its compact form (RFC 7515 section 3.1).

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::{Claims, InvalidJwt, PublicKey};

/// The longest JWT that is looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// A JWT that has been parsed. Nothing in it is known to be true before [`verify`](Self::verify).
#[derive(Debug)]
pub(crate) struct Jwt<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: String,
    /// The `typ` in lower case, without `application/`; empty if there is none.
    pub(crate) media_type: String,
    pub(crate) claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Whether a token has the form of a JWT: three parts.
    pub(crate) fn is_one(token: &[u8]) -> bool {
        token.iter().filter(|byte| **byte == b'.').count() == 2
    }

    /// # Errors
    ///
    /// If the token is malformed, unsigned, of an algorithm that is not accepted, or names no key.
    pub(crate) fn parse(token: &'a [u8]) -> Result<Self, InvalidJwt> {
        let malformed = InvalidJwt::Malformed;
        if token.len() > MAX_LENGTH {
            return Err(malformed("it is longer than 16 KiB"));
        }
        let mut parts = token.rsplitn(2, |byte| *byte == b'.');
        let (signature, signed) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut parts = signed.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("it must have three parts with points between them"));
        };
        let header = object(header).ok_or(malformed("its header is not a JSON object in base64url"))?;
        let claims = object(claims).ok_or(malformed("its claims are not a JSON object in base64url"))?;
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| malformed("its signature is not base64url"))?;
        // RFC 7515 section 4.1.11: extensions that must be understood, and are not.
        if header.contains_key("crit") {
            return Err(malformed("its header has a `crit`, whose extensions are not supported"));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let algorithm = match text("alg") {
            Some("RS256") => Algorithm::RS256,
            Some("PS256") => Algorithm::PS256,
            Some("ES256") => Algorithm::ES256,
            Some("EdDSA") => Algorithm::EdDSA,
            _ => return Err(InvalidJwt::Algorithm),
        };
        let key_id = text("kid").ok_or(malformed("its header has no `kid`, which names the key"))?.to_owned();
        let media_type = text("typ").unwrap_or_default().to_ascii_lowercase();
        let media_type = media_type.strip_prefix("application/").unwrap_or(&media_type).to_owned();
        Ok(Self { algorithm, key_id, media_type, claims: Claims::new(claims), signed, signature })
    }

    /// Checks the signature.
    ///
    /// # Errors
    ///
    /// If the key is not for the algorithm, or has not made the signature.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), InvalidJwt> {
        let key = key.for_algorithm(self.algorithm).ok_or(InvalidJwt::NotTrusted)?;
        // The provider is named, and not taken from the process, so that it does not matter what an application has installed.
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, key);
        let verifier = verifier.map_err(|_| InvalidJwt::NotTrusted)?;
        verifier.verify(self.signed, &self.signature).map_err(|_| InvalidJwt::NotTrusted)
    }

    /// Signs claims with ES256. The key is in the form PKCS #8.
    ///
    /// # Errors
    ///
    /// If the key cannot be used.
    pub(crate) fn sign(
        media_type: &str,
        key_id: &str,
        claims: &Map<String, Value>,
        key: &[u8],
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let header = json!({ "alg": "ES256", "typ": media_type, "kid": key_id });
        let encode = |value: &dyn Display| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&Value::Object(claims.clone())));
        let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::ES256, &EncodingKey::from_ec_der(key))?;
        let signature = signer.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A part of the token that is a JSON object.
fn object(part: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
