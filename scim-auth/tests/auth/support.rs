//! A fake identity provider with keys of its own, and requests.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Response};
use scim_auth::{Auth, Client, FetchKeys, NewClient, NewSecret, Secret};
use serde_json::{Map, Value, json};

/// The time at which tests begin.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// This many seconds later.
pub(crate) fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

/// An issuer of JWTs with a key for each algorithm.
pub(crate) struct FakeIssuer {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    /// Begins each `kid`, so that those of two issuers differ.
    prefix: String,
}

impl FakeIssuer {
    pub(crate) fn new(prefix: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: pair,
            ed: Ed25519KeyPair::generate().unwrap(),
            prefix: prefix.to_owned(),
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
        let signed = format!("{}.{}", encode(&header), encode(&with_times(claims)));
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
fn with_times(claims: &Value) -> Value {
    let claims = claims.as_object().unwrap().iter().map(|(name, value)| {
        let value = value["after"]
            .as_i64()
            .map_or_else(|| value.clone(), |seconds| after(seconds).timestamp().into());
        (name.clone(), value)
    });
    Value::Object(claims.collect())
}

/// The given claims, with those of the second added, replaced, or removed where they are null.
pub(crate) fn merged(claims: &Value, changes: &Value) -> Value {
    let mut merged: Map<String, Value> = claims.as_object().unwrap().clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        match value {
            Value::Null => _ = merged.remove(name),
            value => _ = merged.insert(name.clone(), value.clone()),
        }
    }
    Value::Object(merged)
}

/// Serves the keys of issuers at their URLs.
pub(crate) fn serve(
    keys: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
) -> impl FetchKeys + 'static {
    move |url: &str| -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let keys = keys(url).ok_or_else(|| format!("{url} does not answer"))?;
        Ok(keys.to_string().into_bytes())
    }
}

/// Headers with a bearer token.
pub(crate) fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}

/// The name of the client with a token, or the status and the detail of the refusal.
pub(crate) fn principal(auth: &Auth, token: &str, now: DateTime<Utc>) -> Result<String, (u16, String)> {
    match pollster::block_on(auth.identify(&bearer(token), now)) {
        Ok(identity) => Ok(identity.principal),
        Err(refusal) => Err((refusal.status().as_u16(), refusal.detail().to_owned())),
    }
}

/// A client with a secret.
pub(crate) fn client_with_secret(auth: &Auth, client: NewClient) -> (Client, Secret) {
    pollster::block_on(async {
        let client = auth.credentials().create_client(client, start()).await.unwrap();
        let (_, secret) = auth.credentials().add_secret(&client.id, NewSecret::new(), start()).await.unwrap();
        (client, secret)
    })
}

/// Posts a form to the token endpoint, with an Authorization header unless it is empty.
pub(crate) fn post(auth: &Auth, authorization: &str, form: &str, now: DateTime<Utc>) -> Response<Vec<u8>> {
    let mut request =
        http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    pollster::block_on(auth.token_endpoint().answer(&parts, form.as_bytes(), now))
}

/// The value of an Authorization header of the scheme Basic.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The body of a response.
pub(crate) fn body(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// The access token that a client gets for a form and an Authorization header.
pub(crate) fn access_token(auth: &Auth, authorization: &str, form: &str, now: DateTime<Utc>) -> String {
    let response = post(auth, authorization, form, now);
    let body = body(&response);
    assert_eq!(response.status(), 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}
