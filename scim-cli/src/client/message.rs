//! A request and its answer.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use scim_core::with_causes;
use serde_json::Value;

/// A request. The path is relative to the base URL.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Value>,
    /// Whether it is sent without the token.
    pub(crate) is_anonymous: bool,
}

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None, is_anonymous: false }
    }
}

impl Answer {
    /// The JSON of the body; null if there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The `detail` of an error (RFC 7644 section 3.12), else the status.
    pub(crate) fn reason(&self) -> String {
        match self.json().get("detail").and_then(Value::as_str) {
            Some(detail) => format!("{}: {detail}", self.status.as_u16()),
            None => self.status.to_string(),
        }
    }
}

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) cause: String,
    /// Whether no connection was made.
    pub(super) is_unsent: bool,
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Self { is_unsent: error.is_connect(), cause: with_causes(&error) }
    }
}
