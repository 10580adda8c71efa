//! Requests, and the times at which they are sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Response};
use scim_auth::{Auth, Client, FetchKeys, NewClient, NewSecret, Secret};
use serde_json::{Map, Value};

/// The time at which tests begin.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// This many seconds later.
pub(crate) fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

pub(crate) use crate::fake_issuer::FakeIssuer;

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
