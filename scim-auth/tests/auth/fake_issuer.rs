//! A fake identity provider with keys of its own.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An issuer of JWTs with a key for each algorithm.
pub(crate) struct FakeIssuer {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    /// Begins each `kid`, so that those of two issuers differ.
    prefix: String,
    now: i64,
}

impl FakeIssuer {
    /// Times in claims are relative to `now`, in seconds since 1970.
    pub(crate) fn at(now: i64, prefix: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: pair,
            ed: Ed25519KeyPair::generate().unwrap(),
            prefix: prefix.to_owned(),
            now,
        }
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let rsa = self.rsa.public_key();
        let (n, e) = (rsa.modulus(), rsa.exponent());
        let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
        let prefix = &self.prefix;
        json!({ "keys": [
            { "kty": "RSA", "alg": "PS256", "kid": format!("{prefix}-rsa-for-ps256"),
              "n": encode(n.big_endian_without_leading_zero()), "e": encode(e.big_endian_without_leading_zero()) },
            { "kty": "RSA", "use": "sig", "kid": format!("{prefix}-rsa"),
              "n": encode(n.big_endian_without_leading_zero()), "e": encode(e.big_endian_without_leading_zero()) },
            { "kty": "EC", "crv": "P-256", "kid": format!("{prefix}-ec"), "x": encode(x), "y": encode(y) },
            { "kty": "OKP", "crv": "Ed25519", "kid": format!("{prefix}-ed"), "x": encode(self.ed.public_key().as_ref()) },
        ] })
    }

    /// Signs a token by the `alg` of its header. Times such as `{ "after": 60 }` become numbers of seconds, and the prefix of
    /// the `kid` is added unless the header has one.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut header = header.clone();
        let algorithm = header["alg"].as_str().unwrap().to_owned();
        if header.get("kid").is_none() {
            let key = match algorithm.as_str() {
                "ES256" => "ec",
                "EdDSA" => "ed",
                _ => "rsa",
            };
            header["kid"] = format!("{}-{key}", self.prefix).into();
        }
        if header["kid"].is_null() {
            header.as_object_mut().unwrap().remove("kid");
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&with_times(claims, self.now)));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.signature(&algorithm, signed.as_bytes())))
    }

    fn signature(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |encoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(encoding, &random, signed, &mut signature).unwrap();
            signature
        };
        match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "ES256" => self.ec.sign(&random, signed).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(signed).as_ref().to_vec(),
            // The attack: the public key, which everybody has, as a symmetric one.
            "HS256" => {
                let public = self.rsa.public_key().as_der().unwrap();
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_ref()), signed).as_ref().to_vec()
            }
            "none" => Vec::new(),
            // An algorithm that nobody accepts.
            _ => digest::digest(&digest::SHA512, signed).as_ref().to_vec(),
        }
    }
}

/// Claims in which `{ "after": 60 }` is replaced with the time a minute after the start.
fn with_times(claims: &Value, now: i64) -> Value {
    let claims = claims.as_object().unwrap().iter().map(|(name, value)| {
        let value = value["after"].as_i64().map_or_else(|| value.clone(), |seconds| (now + seconds).into());
        (name.clone(), value)
    });
    Value::Object(claims.collect())
}
