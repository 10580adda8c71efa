//! The OAuth endpoints of a service by their paths, and the metadata that describes them (RFC 8414, RFC 9728).

use chrono::{DateTime, Utc};
use http::header::{ALLOW, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::json_response::{cacheable, not_stored};
use crate::{Auth, trace};

/// The scopes that clients may have.
const SCOPES: [&str; 2] = ["read", "write"];

/// An OAuth endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Token,
    Jwks,
    IssuerMetadata,
    ResourceMetadata,
}

impl Auth {
    /// Answers a request to one of the OAuth endpoints; `None` if its path is none of theirs, or is below the SCIM service.
    ///
    /// | path | answer |
    /// |---|---|
    /// | `/oauth/token` | the [token endpoint](Self::token_endpoint) |
    /// | `/oauth/jwks` | the keys that verify access tokens (RFC 7517) |
    /// | `/.well-known/oauth-authorization-server` | the metadata of the issuer (RFC 8414 section 3) |
    /// | `/.well-known/oauth-protected-resource/scim/v2` | the metadata of the service (RFC 9728 section 3) |
    ///
    /// Where each tenant has a path, the first two follow it, and the well-known paths are followed by it.
    ///
    /// The host reads the body, up to [`max_body`](crate::TokenEndpoint::max_body).
    pub async fn respond(&self, parts: &Parts, body: &[u8], now: DateTime<Utc>) -> Option<Response<Vec<u8>>> {
        let (auth, endpoint) = self.endpoint(parts.uri.path())?;
        let document = match endpoint {
            Endpoint::Token => return Some(auth.token_endpoint().answer(parts, body, now).await),
            Endpoint::IssuerMetadata => auth.issuer_metadata(),
            Endpoint::ResourceMetadata => auth.resource_metadata(),
            Endpoint::Jwks => match auth.access_tokens().jwks(auth.credentials(), now).await {
                Ok(jwks) => jwks?,
                Err(error) => {
                    trace::unavailable(&error);
                    return Some(unavailable());
                }
            },
        };
        Some(match parts.method {
            Method::GET => cacheable(&document),
            Method::HEAD => cacheable(&document).map(|_| Vec::new()),
            _ => not_allowed(),
        })
    }

    /// Whether a path is that of one of the OAuth endpoints, which [`respond`](Self::respond) answers.
    pub fn has_endpoint(&self, path: &str) -> bool {
        self.endpoint(path).is_some()
    }

    /// The endpoint with this path, and the authentication of its tenant.
    fn endpoint(&self, path: &str) -> Option<(Self, Endpoint)> {
        let auth = self.for_path(path)?;
        let urls = auth.urls();
        let endpoints = [
            (urls.token_endpoint(), Endpoint::Token),
            (urls.issuer_metadata(), Endpoint::IssuerMetadata),
            (urls.resource_metadata(), Endpoint::ResourceMetadata),
            (urls.jwks(), Endpoint::Jwks),
        ];
        // Without signed access tokens there are no keys.
        let is_served = |endpoint| endpoint != Endpoint::Jwks || auth.access_tokens().are_signed();
        let found =
            endpoints.into_iter().find(|(url, endpoint)| urls.path(url) == path && is_served(*endpoint));
        found.map(|(_, endpoint)| (auth, endpoint))
    }

    fn issuer_metadata(&self) -> Value {
        let urls = self.urls();
        let mut metadata = json!({
            "issuer": urls.issuer,
            "token_endpoint": urls.token_endpoint(),
            "grant_types_supported": ["client_credentials"],
            // There is no authorization endpoint, but the list is required (RFC 8414 section 2).
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "scopes_supported": SCOPES,
        });
        if let (Value::Object(metadata), true) = (&mut metadata, self.access_tokens().are_signed()) {
            metadata.insert("jwks_uri".to_owned(), urls.jwks().into());
        }
        metadata
    }

    fn resource_metadata(&self) -> Value {
        let mut metadata = json!({
            "resource": self.urls().resource,
            "authorization_servers": [self.urls().issuer],
            "scopes_supported": SCOPES,
            "bearer_methods_supported": ["header"],
        });
        if let (Value::Object(metadata), Some(uri)) = (&mut metadata, self.documentation_uri()) {
            metadata.insert("resource_documentation".to_owned(), uri.into());
        }
        metadata
    }
}

fn unavailable() -> Response<Vec<u8>> {
    let mut response =
        not_stored(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "temporarily_unavailable" }));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn not_allowed() -> Response<Vec<u8>> {
    let mut response = not_stored(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "invalid_request" }));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
