//! What a request has failed with.

use serde_json::Value;

use super::Unreachable;

/// A request without the wanted effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no response.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The response is an error (RFC 7644 section 3.12).
    #[error("the SCIM endpoint answered {status}{}", .detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Refused { status: u16, detail: Option<String> },
    /// The response is not what RFC 7644 says.
    #[error("the SCIM endpoint's answer to {0} is not understood")]
    NotUnderstood(&'static str),
}

impl Failure {
    pub(crate) fn refused(status: http::StatusCode, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = body.get("detail").and_then(Value::as_str).map(str::to_owned);
        Self::Refused { status: status.as_u16(), detail }
    }

    /// Whether the endpoint has no such resource.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether the endpoint has refused the credentials, so that every other request will fail, too.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }
}
