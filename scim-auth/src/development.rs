//! The development token.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::HOST;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::access_tokens::issue_opaque;
use crate::json_response::not_stored;
use crate::{Auth, trace};

/// How long the development token is valid.
const LIFETIME: TimeDelta = TimeDelta::hours(2);

/// What a proxy adds to a request.
const FORWARDED: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

impl Auth {
    /// Answers `GET /scim/token` with a token for two hours, which anybody gets who can reach the host. **Only for
    /// development, on an address of this machine.** The tutorial of Entra ID begins with it.
    ///
    /// A page of another origin cannot get one by a name that leads to this machine: the `Host` must be `localhost` or a
    /// loopback address. A request that a proxy has passed on is refused.
    ///
    /// ```
    /// use scim_auth::{Auth, MemoryCredentials};
    ///
    /// # pollster::block_on(async {
    /// let auth = Auth::builder("http://127.0.0.1:8080/scim/v2", MemoryCredentials::new()).build()?;
    /// let (parts, ()) = http::Request::get("/scim/token").header("host", "localhost:8080").body(())?.into_parts();
    /// let response = auth.development_token(&parts, chrono::Utc::now()).await;
    /// assert_eq!(response.status(), 200);
    /// assert!(serde_json::from_slice::<serde_json::Value>(response.body())?["token"].is_string());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn development_token(&self, parts: &Parts, now: DateTime<Utc>) -> Response<Vec<u8>> {
        let refuse = |status, detail: &str| not_stored(status, &json!({ "error": detail }));
        if parts.method != Method::GET {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "send a GET");
        }
        // HTTP/2 has the host in the target.
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = parts.uri.authority().map(|authority| authority.as_str()).or(header);
        let is_forwarded = FORWARDED.iter().any(|name| parts.headers.contains_key(*name));
        if is_forwarded || !host.is_some_and(is_loopback) {
            return refuse(
                StatusCode::FORBIDDEN,
                "the development token is for this machine only; use its address 127.0.0.1",
            );
        }
        let scopes = ["read", "write"].map(str::to_owned).to_vec();
        match issue_opaque(self.credentials(), None, scopes, now + LIFETIME).await {
            Ok(secret) => {
                let body: Value = json!({ "token": secret.expose(), "expires_in": LIFETIME.num_seconds() });
                not_stored(StatusCode::OK, &body)
            }
            Err(error) => {
                trace::unavailable(&error);
                refuse(StatusCode::SERVICE_UNAVAILABLE, "tokens cannot be stored at the moment")
            }
        }
    }
}

/// Whether the value of a `Host` header is this machine.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.2:80", "[::1]:8080"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "192.0.2.1",
            "[::2]",
            "evil@example.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
