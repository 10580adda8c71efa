//! Errors of the token endpoint (RFC 6749 section 5.2).

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::Error;
use crate::json_response::not_stored;

/// Why there is no access token.
#[derive(Debug)]
pub(super) struct TokenError {
    status: StatusCode,
    code: &'static str,
    description: String,
}

impl TokenError {
    fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { status, code, description: description.into() }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The client is not known, or has not proved that it is who it says.
    pub(super) fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
    }

    pub(super) fn unsupported_grant_type() -> Self {
        let description = "the only `grant_type` is `client_credentials`";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description)
    }

    pub(super) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", description)
    }

    /// The token would be for another service (RFC 8707 section 2).
    pub(super) fn invalid_target(resource: &str) -> Self {
        let description = format!("the only `resource` is {resource}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_target", description)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "send a POST")
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "the body is larger than 64 KiB")
    }

    pub(super) fn response(&self) -> Response<Vec<u8>> {
        // RFC 6749 section 5.2 allows neither quotes nor backslashes.
        let description = self.description.replace(['"', '\\'], "'");
        let body = json!({ "error": self.code, "error_description": description });
        let mut response = not_stored(self.status, &body);
        let (name, value) = match self.status {
            StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Basic realm=\"oauth\""),
            StatusCode::SERVICE_UNAVAILABLE => (RETRY_AFTER, "5"),
            StatusCode::METHOD_NOT_ALLOWED => (ALLOW, "POST"),
            _ => return response,
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response
    }
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        crate::trace::unavailable(&error);
        let description = "access tokens cannot be issued at the moment; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
    }
}
