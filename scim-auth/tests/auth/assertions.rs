//! Clients that are known by signed assertions: workload identity federation, and keys of their own.

use scim_auth::{Auth, Client, ErrorKind, MemoryCredentials, NewClient, NewTrust};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::support::{FakeIssuer, access_token, after, body, merged, post, principal, serve, start};

const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
const V2: &str = "https://login.microsoftonline.com/3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d/v2.0";
const SUBJECT: &str = "5e6f7a8b-1c2d-4e3f-9a0b-c1d2e3f4a5b6";
const AUDIENCE: &str = "api://0f1e2d3c-4b5a-4968-8776-655443322110";

/// An assertion that is sent for the client with federation, or for the one with its own keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// `federation`, `v1 federation`, `single use` or `own keys`.
    of: String,
    #[serde(default)]
    header: Value,
    #[serde(default)]
    claims: Value,
    #[serde(default)]
    signed_by: String,
    /// The `client_id` in the form: that of the client, of `another`, or none.
    #[serde(default)]
    client_id: String,
    /// The description of the error; none if there is an access token.
    #[serde(default)]
    refused: Option<String>,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

struct World {
    entra: FakeIssuer,
    own: FakeIssuer,
    stranger: FakeIssuer,
    auth: Auth,
    clients: Vec<(&'static str, Client)>,
}

impl World {
    fn new() -> Self {
        let (entra, own) =
            (FakeIssuer::at(start().timestamp(), "entra"), FakeIssuer::at(start().timestamp(), "own"));
        let jwks = entra.jwks();
        let keys = serve(move |url| url.ends_with("/discovery/v2.0/keys").then(|| jwks.clone()));
        let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new());
        let auth = auth.fetch_keys(keys).build().unwrap();
        let url =
            "https://login.microsoftonline.com/3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d/discovery/v2.0/keys";
        let v1 = "https://sts.windows.net/3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d/";
        let clients = [
            ("federation", NewTrust::federated(V2, SUBJECT, AUDIENCE, url)),
            ("v1 federation", NewTrust::federated(v1, SUBJECT, AUDIENCE, url)),
            ("single use", NewTrust::federated(V2, SUBJECT, "api://single/.default", url).single_use()),
            ("own keys", NewTrust::own_keys(own.jwks())),
            ("another", NewTrust::own_keys(FakeIssuer::at(start().timestamp(), "another").jwks())),
        ];
        let clients = clients.map(|(name, trust)| {
            pollster::block_on(async {
                let client = auth.credentials().create_client(NewClient::new(name), start()).await.unwrap();
                auth.credentials().add_trust(&client.id, trust, start()).await.unwrap();
                (name, client)
            })
        });
        Self {
            entra,
            own,
            stranger: FakeIssuer::at(start().timestamp(), "entra"),
            auth,
            clients: clients.to_vec(),
        }
    }

    fn client(&self, name: &str) -> &Client {
        &self.clients.iter().find(|(of, _)| *of == name).expect("the client exists").1
    }

    /// The claims that are accepted for a client.
    fn claims(&self, of: &str) -> Value {
        let claims = json!({
            "iss": V2, "sub": SUBJECT, "aud": AUDIENCE, "tid": "3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d", "ver": "2.0",
            "iat": { "after": -300 }, "nbf": { "after": -300 }, "exp": { "after": 3600 },
        });
        let id = &self.client(of).id;
        let changes = match of {
            "v1 federation" => {
                json!({ "iss": "https://sts.windows.net/3d1e2c4b-7a60-4f5d-9c88-0e1f2a3b4c5d/" })
            }
            "single use" => json!({ "aud": "api://single", "jti": "a1" }),
            "own keys" => {
                json!({ "iss": id, "sub": id, "aud": "https://app.example.com/oauth/token", "jti": scim_core::new_id() })
            }
            _ => json!({}),
        };
        merged(&claims, &changes)
    }

    fn form(&self, of: &str, client_id: &str, assertion: &str) -> String {
        let client_id = match client_id {
            "none" => String::new(),
            "" => format!("&client_id={}", self.client(of).id),
            other => format!("&client_id={}", self.client(other).id),
        };
        format!(
            "grant_type=client_credentials&scope=scim{client_id}&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
        )
    }
}

#[test]
fn assertions_are_accepted_and_refused_as_in_the_cases() {
    let world = World::new();
    let cases: Vec<Case> = testdata::load("auth/assertions.json");
    assert!(cases.len() >= 25);
    for case in cases {
        let signer = match case.signed_by.as_str() {
            "stranger" => &world.stranger,
            "entra" => &world.entra,
            _ if case.of == "own keys" => &world.own,
            _ => &world.entra,
        };
        let header = merged(&json!({ "alg": "RS256", "typ": "JWT" }), &case.header);
        let id = &world.client(&case.of).id;
        let claims: Value = serde_json::from_str(
            &merged(&world.claims(&case.of), &case.claims).to_string().replace("{id}", id),
        )
        .unwrap();
        let form = world.form(&case.of, &case.client_id, &signer.sign(&header, &claims));
        let response = post(&world.auth, "", &form, start());
        let (name, body) = (&case.name, body(&response));
        match &case.refused {
            None => {
                assert_eq!(response.status(), 200, "{name}: {body}");
                let token = body["access_token"].as_str().unwrap();
                assert_eq!(principal(&world.auth, token, start()).unwrap(), case.of, "{name}");
            }
            Some(reason) => {
                assert_eq!(
                    (response.status().as_u16(), &body["error"]),
                    (401, &"invalid_client".into()),
                    "{name}: {body}"
                );
                let description = body["error_description"].as_str().unwrap();
                assert!(description.contains(reason), "{name}: {description}");
            }
        }
    }
}

#[test]
fn an_own_assertion_is_used_once_and_that_of_an_issuer_until_it_expires() {
    let world = World::new();
    let send = |of: &str, assertion: &str, seconds| {
        post(&world.auth, "", &world.form(of, "", assertion), after(seconds)).status().as_u16()
    };
    let sign = |signer: &FakeIssuer, of: &str| signer.sign(&json!({ "alg": "RS256" }), &world.claims(of));

    let own = sign(&world.own, "own keys");
    assert_eq!(
        [send("own keys", &own, 0), send("own keys", &own, 1), send("own keys", &own, 3599)],
        [200, 401, 401]
    );
    assert_eq!(send("own keys", &sign(&world.own, "own keys"), 1), 200, "another jti");

    let federated = sign(&world.entra, "federation");
    assert_eq!([send("federation", &federated, 0), send("federation", &federated, 3600)], [200, 200]);
    assert_eq!(send("federation", &federated, 3661), 401, "it has expired");

    let single = sign(&world.entra, "single use");
    assert_eq!([send("single use", &single, 0), send("single use", &single, 1)], [200, 401]);
}

#[test]
fn an_access_token_ends_with_the_trust_that_it_was_given_for() {
    let world = World::new();
    let assertion = world.entra.sign(&json!({ "alg": "RS256" }), &world.claims("federation"));
    let token = access_token(&world.auth, "", &world.form("federation", "", &assertion), start());
    assert!(principal(&world.auth, &token, start()).is_ok());
    pollster::block_on(async {
        let credentials = world.auth.credentials();
        let clients = credentials.clients().await.unwrap();
        let client = clients.iter().find(|client| client.name == "federation").unwrap();
        credentials.remove_trust(&client.id, &client.trusts[0].id).await.unwrap();
    });
    assert_eq!(principal(&world.auth, &token, after(5)).unwrap_err().0, 401);
    assert_eq!(post(&world.auth, "", &world.form("federation", "", &assertion), after(5)).status(), 401);
}

#[test]
fn an_assertion_belongs_to_one_client() {
    let world = World::new();
    let add = |of: &str| {
        let trust = NewTrust::federated(
            V2,
            SUBJECT,
            format!("{AUDIENCE}/.default"),
            "https://login.example.com/keys",
        );
        pollster::block_on(world.auth.credentials().add_trust(&world.client(of).id, trust, start()))
    };
    assert_eq!(add("another").unwrap_err().kind(), ErrorKind::Conflict);
    // The same client may change its keys.
    assert!(add("federation").is_ok());
    let clients = pollster::block_on(world.auth.credentials().clients()).unwrap();
    assert_eq!(clients.iter().find(|client| client.name == "federation").unwrap().trusts.len(), 1);
    // After its client has gone, another one may have it.
    pollster::block_on(world.auth.credentials().revoke_client(&world.client("federation").id)).unwrap();
    assert!(add("another").is_ok());
    let unknown = NewTrust::federated("https://a.example", "s", "a", "https://a.example/keys");
    let unknown =
        pollster::block_on(world.auth.credentials().add_trust("nobody", unknown, start())).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[test]
fn trusts_that_cannot_work_are_refused() {
    let world = World::new();
    let add = |trust| {
        pollster::block_on(world.auth.credentials().add_trust(&world.client("another").id, trust, start()))
    };
    for trust in [
        NewTrust::federated("", "s", "a", "https://a.example/keys"),
        NewTrust::federated("https://a.example", "s t", "a", "https://a.example/keys"),
        NewTrust::federated("https://a.example", "s", "", "https://a.example/keys"),
        NewTrust::federated("https://a.example", "s", "a", "http://a.example/keys"),
        NewTrust::own_keys(json!({ "keys": [{ "kty": "oct", "kid": "a", "k": "AAAA" }] })),
    ] {
        assert_eq!(add(trust).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn new_own_keys_take_the_place_of_the_old_ones() {
    let world = World::new();
    let (id, new) = (world.client("own keys").id.clone(), FakeIssuer::at(start().timestamp(), "new"));
    pollster::block_on(world.auth.credentials().add_trust(&id, NewTrust::own_keys(new.jwks()), start()))
        .unwrap();
    let send = |signer: &FakeIssuer| {
        let assertion = signer.sign(&json!({ "alg": "RS256" }), &world.claims("own keys"));
        post(&world.auth, "", &world.form("own keys", "", &assertion), start()).status().as_u16()
    };
    assert_eq!((send(&world.own), send(&new)), (401, 200));
}
