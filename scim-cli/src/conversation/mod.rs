//! Requests and expected answers in a file.

mod bindings;
mod matching;

pub(crate) use bindings::Bindings;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde::Deserialize;
use serde_json::Value;

/// A file: checks about one subject.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversation {
    /// The subject.
    pub(crate) name: String,
    pub(crate) checks: Vec<Check>,
}

/// A property of an endpoint, and the requests that show it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// A short name, which stays the same.
    pub(crate) id: String,
    /// What a good endpoint does.
    pub(crate) title: String,
    /// The identity providers that need it.
    #[serde(default)]
    pub(crate) needed_by: Vec<String>,
    /// The features without which it is skipped, as the ServiceProviderConfig names them.
    #[serde(default)]
    pub(crate) requires: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// A request and what its answer must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) request: RequestTemplate,
    pub(crate) response: Expected,
}

/// A request with placeholders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestTemplate {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) anonymous: bool,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

/// What an answer must have. What is not named does not matter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// One of these.
    pub(crate) status: Statuses,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

/// A status, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

impl Statuses {
    fn contains(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Several(several) => several.contains(&status),
        }
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::Several(several) => {
                f.write_str(&several.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
            }
        }
    }
}

impl RequestTemplate {
    /// The request with its placeholders filled.
    ///
    /// # Errors
    ///
    /// The name of a placeholder that has no value yet, or what is wrong with the template.
    pub(crate) fn fill(&self, bindings: &Bindings) -> Result<Request<Vec<u8>>, String> {
        let method =
            self.method.parse::<Method>().map_err(|_| format!("`{}` is not a method", self.method))?;
        let mut request = Request::builder().method(method).uri(bindings.fill_path(&self.path)?);
        for (name, value) in &self.headers {
            let name =
                name.parse::<HeaderName>().map_err(|_| format!("`{name}` is not the name of a header"))?;
            let value = bindings.fill(value)?;
            let value =
                value.parse::<HeaderValue>().map_err(|_| format!("the value of {name} is not one"))?;
            request = request.header(name, value);
        }
        let body = self.body.as_ref().map(|body| bindings.fill_json(body)).transpose()?;
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        request.body(body).map_err(|error| error.to_string())
    }
}

/// The JSON of a response; null if it has none.
pub(crate) fn json(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

/// The `detail` of an error (RFC 7644 section 3.12), else the status.
pub(crate) fn reason(response: &Response<Vec<u8>>) -> String {
    match json(response).get("detail").and_then(Value::as_str) {
        Some(detail) => format!("{}: {detail}", response.status().as_u16()),
        None => response.status().to_string(),
    }
}

impl Expected {
    /// Compares an answer, and takes the values of placeholders from it.
    ///
    /// # Errors
    ///
    /// What is different.
    pub(crate) fn compare(
        &self,
        response: &Response<Vec<u8>>,
        bindings: &mut Bindings,
    ) -> Result<(), String> {
        if !self.status.contains(response.status().as_u16()) {
            return Err(format!("expected {}, got {}", self.status, reason(response)));
        }
        for (name, expected) in &self.headers {
            let found = response.headers().get(name.as_str()).and_then(|value| value.to_str().ok());
            let found = found.ok_or_else(|| format!("the header {name} is missing"))?;
            bindings.match_text(expected, found).map_err(|error| format!("the header {name}: {error}"))?;
        }
        match &self.body {
            Some(expected) => matching::compare(expected, &json(response), "", bindings),
            None => Ok(()),
        }
    }
}
