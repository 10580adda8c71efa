//! What the token endpoint answers (RFC 6749).

use scim_auth::{Auth, MemoryCredentials, NewClient, NewSecret};
use scim_core::Scopes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::support::{access_token, after, basic, body, client_with_secret, post, principal, start};

/// A request. In the form and in the header, `{id}` and `{secret}` are those of the client, `{other}` is the id of a client
/// that may only read, and `{other secret}` its secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "default_method")]
    method: String,
    #[serde(default)]
    query: String,
    #[serde(default = "default_content_type")]
    content_type: String,
    /// The id and the secret of a header of the scheme Basic.
    #[serde(default)]
    basic: Option<(String, String)>,
    #[serde(default)]
    authorization: Option<String>,
    form: String,
    status: u16,
    /// The `error`, or the `scope` if the status is 200.
    answer: String,
    /// What the description of the error contains.
    #[serde(default)]
    description: String,
    /// The statements in `testdata/conformance` that the case proves, which `.ci/conformance_page.py` reads.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
}

fn default_method() -> String {
    "POST".to_owned()
}

fn default_content_type() -> String {
    "application/x-www-form-urlencoded".to_owned()
}

fn auth() -> Auth {
    Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build().unwrap()
}

#[test]
fn the_token_endpoint_answers_as_in_the_cases() {
    let auth = auth();
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let (other, other_secret) =
        client_with_secret(&auth, NewClient::new("reports").with_scopes(Scopes::read_only()));
    let fill = |text: &str| {
        let text = text.replace("{other secret}", other_secret.expose()).replace("{secret}", secret.expose());
        text.replace("{other}", &other.id).replace("{id}", &client.id)
    };
    let cases: Vec<Case> = testdata::load("auth/token_endpoint.json");
    assert!(cases.len() >= 30);
    for case in cases {
        let uri = format!("https://app.example.com/oauth/token{}", case.query);
        let mut request = http::Request::builder().method(case.method.as_str()).uri(uri);
        if !case.content_type.is_empty() {
            request = request.header("content-type", &case.content_type);
        }
        if let Some((id, secret)) = &case.basic {
            request = request.header("authorization", basic(&fill(id), &fill(secret)));
        }
        if let Some(authorization) = &case.authorization {
            request = request.header("authorization", authorization);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let form = fill(&case.form).replace("{70 KiB}", &"x".repeat(70 * 1024));
        let response = pollster::block_on(auth.token_endpoint().answer(&parts, form.as_bytes(), start()));
        let (name, body, headers) = (&case.name, body(&response), response.headers());
        assert_eq!(response.status(), case.status, "{name}: {body}");
        assert_eq!(
            (&headers["cache-control"], &headers["pragma"]),
            (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap()),
            "{name}"
        );
        assert_eq!(headers["content-type"], "application/json", "{name}");
        assert_eq!(headers.contains_key("www-authenticate"), case.status == 401, "{name}");
        if case.status == 200 {
            assert_eq!(
                (&body["scope"], &body["token_type"]),
                (&case.answer.clone().into(), &"Bearer".into()),
                "{name}"
            );
            assert_eq!(body["expires_in"], 3600, "{name}");
            assert!(principal(&auth, body["access_token"].as_str().unwrap(), after(3599)).is_ok(), "{name}");
        } else {
            assert_eq!(body["error"], case.answer, "{name}");
            let description = body["error_description"].as_str().unwrap();
            assert!(description.contains(&case.description), "{name}: {description}");
            assert!(!description.contains(['"', '\\']), "{name}: {description}");
            assert!(!description.contains(secret.expose()), "{name}: {description}");
        }
    }
}

#[test]
fn an_access_token_has_the_scopes_that_were_asked_for() {
    let auth = auth();
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    for (scope, may_read, may_write) in [("read", true, false), ("write", false, true), ("scim", true, true)]
    {
        let token = access_token(
            &auth,
            &authorization,
            &format!("grant_type=client_credentials&scope={scope}"),
            start(),
        );
        let identity = pollster::block_on(auth.identify(&crate::support::bearer(&token), start())).unwrap();
        let scopes = identity.scopes.unwrap();
        assert_eq!((scopes.may_read(), scopes.may_write()), (may_read, may_write), "{scope}");
    }
}

#[test]
fn secrets_are_replaced_without_a_gap() {
    let auth = auth();
    let (client, old) = client_with_secret(&auth, NewClient::new("entra"));
    let status = |secret: &str, seconds| {
        let response =
            post(&auth, &basic(&client.id, secret), "grant_type=client_credentials", after(seconds));
        (
            response.status().as_u16(),
            body(&response)["error_description"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let with_old =
        access_token(&auth, &basic(&client.id, old.expose()), "grant_type=client_credentials", start());
    pollster::block_on(async {
        let credentials = auth.credentials();
        let (_, new) = credentials.add_secret(&client.id, NewSecret::new(), start()).await.unwrap();
        let with_new =
            access_token(&auth, &basic(&client.id, new.expose()), "grant_type=client_credentials", start());
        assert_eq!((status(old.expose(), 1).0, status(new.expose(), 1).0), (200, 200));
        assert!(
            principal(&auth, &with_old, after(1)).is_ok() && principal(&auth, &with_new, after(1)).is_ok()
        );

        let listed = credentials.clients().await.unwrap();
        assert_eq!(listed[0].secrets.len(), 2);
        credentials.remove_secret(&client.id, &listed[0].secrets[0].id).await.unwrap();
        assert_eq!((status(old.expose(), 2).0, status(new.expose(), 2).0), (401, 200));
        // Tokens that were got with the old secret end, too.
        assert!(
            principal(&auth, &with_old, after(6)).is_err() && principal(&auth, &with_new, after(6)).is_ok()
        );
    });
}

#[test]
fn an_expired_secret_is_named_as_the_reason_only_to_who_has_it() {
    let auth = auth();
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let two_years = 2 * 366 * 86_400;
    let description = |secret: &str| {
        let response =
            post(&auth, &basic(&client.id, secret), "grant_type=client_credentials", after(two_years));
        body(&response)["error_description"].as_str().unwrap().to_owned()
    };
    assert!(description(secret.expose()).contains("expired on 2028-"), "{}", description(secret.expose()));
    assert_eq!(description("guessed"), "the client is not known, or its secret is wrong");
}

#[test]
fn a_client_that_was_revoked_gets_no_token_and_loses_those_that_it_has() {
    let auth = auth();
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let authorization = basic(&client.id, secret.expose());
    let token = access_token(&auth, &authorization, "grant_type=client_credentials", start());
    assert_eq!(principal(&auth, &token, start()).unwrap(), "entra");
    pollster::block_on(auth.credentials().revoke_client(&client.id)).unwrap();
    assert_eq!(post(&auth, &authorization, "grant_type=client_credentials", start()).status(), 401);
    assert!(principal(&auth, &token, after(4)).is_ok(), "a verified token is cached for 5 seconds");
    assert_eq!(principal(&auth, &token, after(5)).unwrap_err().0, 401);
    let unknown = pollster::block_on(auth.credentials().revoke_client(&client.id)).unwrap_err();
    assert_eq!(unknown.kind(), scim_auth::ErrorKind::NotFound);
}

#[test]
fn the_request_of_entra_with_a_secret_works() {
    let auth = auth();
    let (client, secret) = client_with_secret(&auth, NewClient::new("entra"));
    let form = format!(
        "client_id={}&client_secret={}&grant_type=client_credentials&scope=scim.readwrite",
        client.id,
        secret.expose()
    );
    let response = post(&auth, "", &form, start());
    let body: Value = body(&response);
    assert_eq!((&body["scope"], &body["expires_in"]), (&"scim.readwrite".into(), &3600.into()));
}
