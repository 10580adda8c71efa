//! Answers that are errors.

use std::fmt;
use std::time::Duration;

use chrono::Utc;
use http::{Response, StatusCode};
use serde_json::Value;

use crate::Unanswered;
use crate::retry::retry_after;

/// An answer with an error status (RFC 7644 section 3.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: StatusCode,
    /// The `scimType`, such as `uniqueness`.
    pub scim_type: Option<String>,
    /// The `detail`: what is wrong, for a person.
    pub detail: Option<String>,
    /// How long the endpoint asks to wait, in a `Retry-After` header.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// Reads the error in a response. A body that is not the error message of SCIM is ignored.
    ///
    /// ```
    /// use scim_client::Refused;
    ///
    /// let body = r#"{ "status": "409", "scimType": "uniqueness", "detail": "the userName is taken" }"#;
    /// let response = http::Response::builder().status(409).body(body.as_bytes().to_vec())?;
    /// assert_eq!(Refused::from_response(&response).to_string(), "409: the userName is taken");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn from_response(response: &Response<Vec<u8>>) -> Self {
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        let retry_after = retry_after(response.headers(), Utc::now());
        Self { retry_after, ..Self::from_json(response.status(), &body) }
    }

    /// Reads the error message in the `response` of an operation of a bulk request.
    pub(crate) fn from_json(status: StatusCode, body: &Value) -> Self {
        let text = |name| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { status, scim_type: text("scimType"), detail: text("detail"), retry_after: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.status.as_u16()),
            None => self.status.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

/// Why a request has brought no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no answer.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// The answer is an error.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The answer is a success, but not one that SCIM has for this request. The text says why.
    #[error("the answer is not understood: {0}")]
    NotUnderstood(&'static str),
}

impl RequestError {
    /// The HTTP status, if there is an answer with an error status.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refused) => Some(refused.status),
            Self::Unanswered(_) | Self::NotUnderstood(_) => None,
        }
    }
}
