//! Access tokens that are JWTs, and the keys that sign them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scim_auth::{Auth, Collection, CredentialStore, MemoryCredentials, NewClient, SealingKey};
use serde_json::{Value, json};

use crate::support::{FakeIssuer, access_token, after, basic, client_with_secret, principal, start};

const DAY: i64 = 86_400;

/// A store that several processes share.
type SharedStore = Arc<MemoryCredentials>;

fn sealing_key(digit: char) -> SealingKey {
    digit.to_string().repeat(64).parse().unwrap()
}

fn auth(store: &SharedStore, sealing_keys: &[char]) -> Auth {
    let builder = Auth::builder("https://app.example.com/scim/v2", store.clone());
    sealing_keys
        .iter()
        .fold(builder, |builder, digit| builder.sealing_key(sealing_key(*digit)))
        .build()
        .unwrap()
}

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn jwks(auth: &Auth, seconds: i64) -> Vec<String> {
    let (parts, ()) = http::Request::get("/oauth/jwks").body(()).unwrap().into_parts();
    let response = pollster::block_on(auth.respond(&parts, b"", after(seconds))).unwrap();
    let keys = crate::support::body(&response)["keys"].as_array().unwrap().clone();
    assert!(keys.iter().all(|key| key.get("d").is_none()), "{keys:?}");
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_access_token_is_a_jwt_for_the_service() {
    let store = SharedStore::default();
    let auth = auth(&store, &['a']);
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    let token = access_token(&auth, &authorization, "grant_type=client_credentials&scope=read", start());
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["typ"], &header["alg"]), (&"at+jwt".into(), &"ES256".into()));
    assert_eq!(jwks(&auth, 0), [header["kid"].as_str().unwrap()]);
    for (claim, value) in [
        ("iss", json!("https://app.example.com")),
        ("aud", json!("https://app.example.com/scim/v2")),
        ("sub", json!(client.id)),
        ("client_id", json!(client.id)),
        ("scope", json!("read")),
        ("exp", json!(after(3600).timestamp())),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert_eq!(principal(&auth, &token, after(3599)).unwrap(), "entra");
    assert!(principal(&auth, &token, after(3600)).unwrap_err().1.contains("has expired"));
    let identity = pollster::block_on(auth.identify(&crate::support::bearer(&token), start())).unwrap();
    assert!(!identity.scopes.unwrap().may_write());
}

#[test]
fn processes_share_the_keys() {
    let store = SharedStore::default();
    let (first, second) = (auth(&store, &['a']), auth(&store, &['a']));
    let (client, secret) = client_with_secret(&first, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    // The second process has read the keys before there were any.
    let of_second = access_token(&second, &authorization, "grant_type=client_credentials", start());
    let of_first = access_token(&first, &authorization, "grant_type=client_credentials", start());
    for auth in [&first, &second] {
        assert!(
            principal(auth, &of_first, after(1)).is_ok() && principal(auth, &of_second, after(1)).is_ok()
        );
    }
    assert_eq!(jwks(&first, 60), jwks(&second, 60));
}

#[test]
fn keys_are_replaced_without_downtime() {
    let store = SharedStore::default();
    let (first, second) = (auth(&store, &['a']), auth(&store, &['a']));
    let (client, secret) = client_with_secret(&first, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    let token = |auth: &Auth, seconds| {
        access_token(auth, &authorization, "grant_type=client_credentials", after(seconds))
    };
    let key = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    let old = key(&token(&first, 0));
    assert_eq!(key(&token(&first, 89 * DAY)), old);
    assert_eq!(jwks(&second, 89 * DAY), [old.as_str()]);

    // The next key is published before it signs.
    let before = token(&first, 90 * DAY);
    assert_eq!(key(&before), old);
    let published = jwks(&second, 90 * DAY);
    assert_eq!((published.len(), &published[0]), (2, &old));
    let after_replacement = token(&second, 90 * DAY + 121);
    assert_eq!(key(&after_replacement), published[1]);
    for auth in [&first, &second] {
        assert!(principal(auth, &before, after(90 * DAY + 200)).is_ok());
        assert!(principal(auth, &after_replacement, after(90 * DAY + 200)).is_ok());
    }
    // The old key is removed when no token of it is valid any more.
    token(&first, 93 * DAY);
    assert_eq!(jwks(&first, 93 * DAY + 61), [published[1].as_str()]);
}

#[test]
fn the_sealing_key_can_be_replaced() {
    let store = SharedStore::default();
    let old = auth(&store, &['a']);
    let (client, secret) = client_with_secret(&old, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    let token = access_token(&old, &authorization, "grant_type=client_credentials", start());
    let both = auth(&store, &['b', 'a']);
    assert!(principal(&both, &token, start()).is_ok());
    // The signing key is replaced with the sealing key.
    assert_eq!(jwks(&both, 0).len(), 2);
    let later = access_token(&both, &authorization, "grant_type=client_credentials", after(200));
    assert_ne!(part(&later, 0)["kid"], part(&token, 0)["kid"]);
    // With another key alone, the old signing key is not trusted, and a new one is made.
    let new = auth(&store, &['b']);
    assert_eq!(principal(&new, &token, start()).unwrap_err().0, 401);
    let token = access_token(&new, &authorization, "grant_type=client_credentials", start());
    assert!(principal(&new, &token, start()).is_ok());
    // Who can only write the store cannot make a key that is trusted.
    let stranger = FakeIssuer::at(start().timestamp(), "x");
    let mut jwk = stranger.jwks()["keys"][2].clone();
    jwk["kid"] = "forged".into();
    let record = json!({ "jwk": jwk, "sealed": "AAAA", "created": start() }).to_string();
    pollster::block_on(store.insert(Collection::SigningKeys, "forged", &record, None)).unwrap();
    let mut claims = part(&token, 1);
    claims["jti"] = "x".into();
    let forged = stranger.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "forged" }), &claims);
    assert_eq!(principal(&new, &forged, after(100)).unwrap_err().0, 401);
}

#[test]
fn the_private_key_is_not_in_the_store_in_clear_text() {
    let store = SharedStore::default();
    let auth = auth(&store, &['a']);
    jwks(&auth, 0);
    let stored = pollster::block_on(store.list(Collection::SigningKeys)).unwrap();
    let record: Value = serde_json::from_str(&stored[0].value).unwrap();
    let sealed = URL_SAFE_NO_PAD.decode(record["sealed"].as_str().unwrap()).unwrap();
    // Every key in the form PKCS #8 has the object identifier of its curve.
    let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    assert!(sealed.len() > 100 && !sealed.windows(8).any(|bytes| bytes == p256));
}

#[test]
fn tokens_of_other_uses_are_not_access_tokens() {
    let store = SharedStore::default();
    let auth = auth(&store, &['a']);
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let token =
        access_token(&auth, &basic(&client.id, secret.expose()), "grant_type=client_credentials", start());
    let claims = part(&token, 1);
    // A token of the right issuer by a key that is not its.
    let stranger = FakeIssuer::at(start().timestamp(), "x");
    for kid in [part(&token, 0)["kid"].clone(), json!("unknown")] {
        let forged = stranger.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }), &claims);
        let (status, detail) = principal(&auth, &forged, start()).unwrap_err();
        assert_eq!(status, 401);
        assert!(detail.contains("not signed by an issuer that is trusted"), "{detail}");
    }
    // The service at another URL has the same issuer and store, and is another audience.
    let other = Auth::builder("https://app.example.com/other/v2", store.clone())
        .sealing_key(sealing_key('a'))
        .build();
    assert!(principal(&other.unwrap(), &token, start()).unwrap_err().1.contains("another audience"));
}
