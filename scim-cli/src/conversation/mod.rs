//! Requests and expected answers in a file.

mod bindings;
mod matching;

pub(crate) use bindings::Bindings;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Answer, Request};

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
    pub(crate) fn fill(&self, bindings: &Bindings) -> Result<Request, String> {
        let method =
            self.method.parse::<Method>().map_err(|_| format!("`{}` is not a method", self.method))?;
        let mut request = Request::new(method, bindings.fill_path(&self.path)?);
        request.is_anonymous = self.anonymous;
        for (name, value) in &self.headers {
            let name =
                name.parse::<HeaderName>().map_err(|_| format!("`{name}` is not the name of a header"))?;
            let value = bindings
                .fill(value)?
                .parse::<HeaderValue>()
                .map_err(|_| format!("the value of {name} is not one"))?;
            request.headers.push((name, value));
        }
        request.body = self.body.as_ref().map(|body| bindings.fill_json(body)).transpose()?;
        Ok(request)
    }
}

impl Expected {
    /// Compares an answer, and takes the values of placeholders from it.
    ///
    /// # Errors
    ///
    /// What is different.
    pub(crate) fn compare(&self, answer: &Answer, bindings: &mut Bindings) -> Result<(), String> {
        if !self.status.contains(answer.status.as_u16()) {
            return Err(format!("expected {}, got {}", self.status, answer.reason()));
        }
        for (name, expected) in &self.headers {
            let found = answer.headers.get(name.as_str()).and_then(|value| value.to_str().ok());
            let found = found.ok_or_else(|| format!("the header {name} is missing"))?;
            bindings.match_text(expected, found).map_err(|error| format!("the header {name}: {error}"))?;
        }
        match &self.body {
            Some(expected) => matching::compare(expected, &answer.json(), "", bindings),
            None => Ok(()),
        }
    }
}
