//! JWTs of trusted issuers, among them those of Entra ID.

use std::sync::{Arc, Mutex};

use scim_auth::{Auth, MemoryCredentials, TrustedIssuer};
use scim_core::Scopes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::support::{FakeIssuer, after, merged, principal, serve, start};

const DIRECTORY: &str = "3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d";

/// A token, and what happens to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The claims that are changed: `sts` or `realm`.
    of: String,
    #[serde(default)]
    header: Value,
    #[serde(default)]
    claims: Value,
    /// Who signs it: its issuer by default, or `stranger`, which has the same `kid`s.
    #[serde(default)]
    signed_by: String,
    /// What is done to the text of the token.
    #[serde(default)]
    damage: String,
    /// The name of the client and its tenant.
    #[serde(default)]
    accepted: Option<(String, Option<String>)>,
    /// What the detail of the refusal contains.
    #[serde(default)]
    refused: Option<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

struct World {
    issuer: FakeIssuer,
    stranger: FakeIssuer,
    auth: Auth,
}

fn world() -> World {
    let issuer = FakeIssuer::at(start().timestamp(), "main");
    let jwks = issuer.jwks();
    let served = jwks.clone();
    let keys = serve(move |url| {
        let is_known = url == format!("https://login.microsoftonline.com/{DIRECTORY}/discovery/v2.0/keys");
        is_known.then(|| served.clone())
    });
    let realm = |tenant: &str, audience: &str| {
        TrustedIssuer::with_keys("https://login.example.com/realms/staff", audience, jwks.clone())
            .in_tenant(tenant)
    };
    let by_claim = TrustedIssuer::with_keys("https://login.example.com/realms/shared", "scim", jwks.clone());
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new())
        .trust(TrustedIssuer::entra(&DIRECTORY.to_uppercase()))
        .trust(realm("contoso", "scim-contoso").named("keycloak").subjects(["svc-7"]))
        .trust(realm("fabrikam", "scim-fabrikam").named("keycloak").subjects(["svc-7"]))
        .trust(by_claim.tenant_by_claim("customer", ["contoso", "fabrikam"]).with_scopes(Scopes::read_only()))
        .fetch_keys(keys)
        .build()
        .unwrap();
    World { issuer, stranger: FakeIssuer::at(start().timestamp(), "main"), auth }
}

#[test]
fn tokens_of_trusted_issuers_are_accepted_and_others_refused() {
    let world = world();
    let claims: Value = testdata::load("auth/jwt_claims.json");
    let cases: Vec<Case> = testdata::load("auth/jwt.json");
    assert!(cases.len() >= 35);
    for case in cases {
        let signer = if case.signed_by == "stranger" { &world.stranger } else { &world.issuer };
        let header = merged(&json!({ "alg": "RS256", "typ": "JWT" }), &case.header);
        // A header that must have no `kid` says null.
        let header = match case.header.get("kid") {
            Some(Value::Null) => {
                let mut header = header;
                header["kid"] = Value::Null;
                header
            }
            _ => header,
        };
        let token = signer.sign(&header, &merged(&claims[&case.of], &case.claims));
        let token = damaged(&token, &case.damage);
        let identity = pollster::block_on(world.auth.identify(&crate::support::bearer(&token), start()));
        match (identity, case.accepted, case.refused) {
            (Ok(identity), Some(expected), None) => {
                assert_eq!((identity.principal, identity.tenant), expected, "{}", case.name);
            }
            (Err(refusal), None, Some(reason)) => {
                assert_eq!(refusal.status(), 401, "{}", case.name);
                assert!(refusal.detail().contains(&reason), "{}: {}", case.name, refusal.detail());
            }
            (outcome, ..) => panic!("{}: {outcome:?}", case.name),
        }
    }
}

fn damaged(token: &str, damage: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    match damage {
        "" => token.to_owned(),
        "no signature" => format!("{signed}."),
        "signature of other claims" => format!("{header}.{}.{signature}", claims.replace('a', "b")),
        "no base64 in the header" => format!("!{header}.{claims}.{signature}"),
        "no base64 in the signature" => format!("{signed}.{signature}!"),
        "claims are no object" => format!("{header}.WzFd.{signature}"),
        "longer than 16 KiB" => format!("{header}.{}.{signature}", "A".repeat(17_000)),
        other => panic!("unknown damage {other}"),
    }
}

#[test]
fn an_issuer_may_have_scopes() {
    let world = world();
    let claims: Value = testdata::load("auth/jwt_claims.json");
    let claims = merged(
        &claims["realm"],
        &json!({
            "iss": "https://login.example.com/realms/shared", "aud": "scim", "customer": "contoso",
        }),
    );
    let token = world.issuer.sign(&json!({ "alg": "EdDSA" }), &claims);
    let identity = pollster::block_on(world.auth.identify(&crate::support::bearer(&token), start())).unwrap();
    assert_eq!(identity.scopes, Some(Scopes::read_only()));
    assert_eq!(identity.tenant.as_deref(), Some("contoso"));
}

#[test]
fn new_keys_are_fetched_and_old_ones_end() {
    let (old, new) = (FakeIssuer::at(start().timestamp(), "old"), FakeIssuer::at(start().timestamp(), "new"));
    let served = Arc::new(Mutex::new(old.jwks()));
    let answer = served.clone();
    let url = "https://login.example.com/keys";
    let issuer = TrustedIssuer::new("https://login.example.com", "scim", url).named("idp");
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new())
        .trust(issuer)
        .fetch_keys(serve(move |_| Some(answer.lock().unwrap().clone())))
        .build()
        .unwrap();
    let token = |issuer: &FakeIssuer, id: u32| {
        let claims = json!({ "iss": "https://login.example.com", "aud": "scim", "exp": { "after": 90_000 }, "jti": id });
        issuer.sign(&json!({ "alg": "ES256" }), &claims)
    };
    let is_accepted = |issuer, id, seconds| principal(&auth, &token(issuer, id), after(seconds)).is_ok();
    assert!(is_accepted(&old, 1, 0) && !is_accepted(&new, 1, 1));
    *served.lock().unwrap() = new.jwks();
    // The keys are fetched for an unknown key, once a minute.
    assert!(!is_accepted(&new, 2, 59) && is_accepted(&old, 2, 59));
    assert!(is_accepted(&new, 3, 61) && !is_accepted(&old, 3, 61));
}

#[test]
fn without_keys_the_answer_is_503() {
    let issuer = TrustedIssuer::new("https://login.example.com", "scim", "https://login.example.com/keys");
    let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new())
        .trust(issuer)
        .fetch_keys(serve(|_| None))
        .build()
        .unwrap();
    let claims = json!({ "iss": "https://login.example.com", "aud": "scim", "exp": { "after": 60 } });
    let token = FakeIssuer::at(start().timestamp(), "a").sign(&json!({ "alg": "ES256" }), &claims);
    assert_eq!(principal(&auth, &token, start()).unwrap_err().0, 503);
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let builder = || Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new());
    let fetch = || serve(|_| None);
    let issuer = |url| TrustedIssuer::new("https://login.example.com", "scim", url);
    let https = "https://login.example.com/keys";
    assert!(builder().trust(issuer(https)).fetch_keys(fetch()).build().is_ok());
    let reasons = [
        builder().trust(issuer(https)).build(),
        builder().trust(issuer("http://login.example.com/keys")).fetch_keys(fetch()).build(),
        builder().trust(TrustedIssuer::new("", "scim", https)).fetch_keys(fetch()).build(),
        builder().trust(TrustedIssuer::with_keys("https://a.example", "scim", json!({}))).build(),
        builder().trust(issuer(https)).fetch_keys(fetch()).require_tenant().build(),
        builder().access_token_hours(0).build(),
        builder().access_token_hours(7).build(),
        Auth::builder("app.example.com", MemoryCredentials::new()).build(),
    ];
    for (number, reason) in reasons.into_iter().enumerate() {
        assert!(reason.is_err(), "{number}");
    }
}
