//! Conversations over HTTP: requests, and the responses they must get, as JSON files.
//!
//! ```json
//! {
//!   "name": "create a user",
//!   "about": "A created user is answered whole (RFC 7644, section 3.3).",
//!   "profile": "lenient",
//!   "host": { "unique_group_names": false },
//!   "steps": [{
//!     "name": "create",
//!     "request": {
//!       "method": "POST", "path": "/Users",
//!       "body": { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice" }
//!     },
//!     "response": {
//!       "status": 201,
//!       "headers": { "location": "{{base}}/Users/{{id.alice}}", "etag": "{{version.a}}" },
//!       "body": { "id": "{{id.alice}}", "userName": "alice" }
//!     }
//!   }]
//! }
//! ```
//!
//! Every file starts from an empty store. `host` is handed to the test that builds the service and may be left
//! out. How a step is read:
//!
//! - `path` is what follows the base URL. It is written decoded; what a URL cannot carry is percent-encoded,
//!   and `%XX` and `+` that are there already stay.
//! - `body` of a request is JSON, or a string that is sent as it is, for bodies that are not JSON. A body goes
//!   out as `application/scim+json` unless `headers` say otherwise; a header that is `null` is not sent.
//! - `anonymous: true` marks the request with [`Anonymous`], for the sender to leave the credentials out.
//! - `body` of a response is compared completely. If it is left out, it is not compared; if it is `null`, the
//!   body must be empty.
//! - `headers` of a response are compared one by one; one that is `null` must be absent.
//! - every response with a body must be `application/scim+json` (RFC 7644, section 3.1), whatever the step says.
//!
//! # Placeholders
//!
//! Only values that the server generates may vary, and their form is checked. A placeholder stands alone or inside
//! of a longer string:
//!
//! | placeholder                   | stands for                                                          |
//! |-------------------------------|---------------------------------------------------------------------|
//! | `{{base}}`                    | the base URL                                                        |
//! | `{{id}}` `{{time}}` `{{version}}` | a UUID, an RFC 3339 time in UTC, a weak entity tag              |
//! | `{{cursor}}`                  | a cursor of RFC 9865: some unreserved characters                    |
//! | `{{id.NAME}}` and so on       | the same; bound to the name when it is first seen, then the same    |
//! | `{{!version.NAME}}` and so on | the same form, but not the value that is bound to the name          |
//! | `{{version.NEW!OLD}}`         | both at once: bound to NEW, and not the value that is bound to OLD  |
//! | `{{any-string}}`              | any text but the empty one; for an error's `detail`                 |
//!
//! In a request, `{{base}}` and names that are bound by then are replaced by their values.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::compare::differences;
use crate::placeholder::Bindings;

/// The media type of SCIM.
const MEDIA_TYPE: &str = "application/scim+json";

/// The folders that hold transcripts.
const FOLDERS: [&str; 2] = ["http", "idp"];

/// Marks a request, in its extensions, that is to be sent without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous;

/// A conversation with a service whose store is empty at the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// What the conversation shows, in a few words.
    pub name: String,
    /// The same in a sentence, with the section of the RFC.
    pub about: String,
    /// How tolerant the service under test has to be: `lenient`, `strict` or `interop`.
    pub profile: String,
    /// Switches for the test that builds the service; an empty object if the file has none.
    #[serde(default = "no_switches")]
    pub host: Value,
    /// The file's folder and name, for messages.
    #[serde(skip)]
    pub file: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    request: RequestTemplate,
    response: ExpectedResponse,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestTemplate {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    anonymous: bool,
    #[serde(default, deserialize_with = "null_is_present")]
    body: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedResponse {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default, deserialize_with = "null_is_present")]
    body: Option<Value>,
}

fn no_switches() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Reads `null` as a value, which an `Option` alone would take for a missing member.
fn null_is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Transcript {
    /// Loads every transcript, sorted by file.
    ///
    /// # Panics
    ///
    /// If a file is not a transcript; the message names it.
    #[must_use]
    pub fn load_all() -> Vec<Self> {
        let load = |path: std::path::PathBuf| {
            let relative = path.strip_prefix(crate::path("")).unwrap_or(&path);
            Self { file: relative.display().to_string(), ..crate::load(relative) }
        };
        FOLDERS.into_iter().flat_map(crate::files).map(load).collect()
    }

    /// The name of the test that runs it: its folder and file, as `http/paging`.
    #[must_use]
    pub fn test_name(&self) -> String {
        self.file.trim_end_matches(".json").replace('\\', "/")
    }

    /// Sends every request through `send`, in order, and checks each response; gives the number of steps.
    ///
    /// `base` is the absolute base URL of the service, without a slash at its end. The requests carry the whole
    /// URL; a sender for which only the path counts can take it from there.
    ///
    /// # Errors
    ///
    /// The first step that fails, with all the differences of its response; later steps depend on it.
    pub fn run(
        &self,
        base: &str,
        send: &mut dyn FnMut(Request<Vec<u8>>) -> Response<Vec<u8>>,
    ) -> Result<usize, String> {
        let mut bindings = Bindings::new(base);
        for step in &self.steps {
            let fail = |reason: String| format!("{}, step `{}`: {reason}", self.file, step.name);
            let request = step.request.build(&bindings).map_err(fail)?;
            let line = format!("{} {}", request.method(), request.uri());
            let problems = step.response.check(&send(request), &mut bindings);
            if !problems.is_empty() {
                return Err(fail(format!("{line}\n  {}", problems.join("\n  "))));
            }
        }
        Ok(self.steps.len())
    }
}

impl RequestTemplate {
    fn build(&self, bindings: &Bindings) -> Result<Request<Vec<u8>>, String> {
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|error| error.to_string())?;
        let uri = encode(&bindings.fill("{{base}}")?) + &encode(&bindings.fill(&self.path)?);
        let body = match &self.body {
            None => Vec::new(),
            Some(Value::String(raw)) => bindings.fill(raw)?.into_bytes(),
            Some(json) => fill(json, bindings)?.to_string().into_bytes(),
        };
        let mut request = Request::builder().method(method).uri(uri);
        let names_type = self.headers.keys().any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        if self.body.is_some() && !names_type {
            request = request.header(CONTENT_TYPE, MEDIA_TYPE);
        }
        for (name, value) in &self.headers {
            if let Some(value) = value {
                request = request.header(name, bindings.fill(value)?);
            }
        }
        if self.anonymous {
            request = request.extension(Anonymous);
        }
        request.body(body).map_err(|error| error.to_string())
    }
}

/// Replaces the placeholders in every string of a body.
fn fill(value: &Value, bindings: &Bindings) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(bindings.fill(text)?),
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| fill(element, bindings)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), fill(member, bindings)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

/// Percent-encodes what a URL cannot carry as it is (RFC 3986, section 2), and nothing else.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let is_escape =
            || text.as_bytes().get(at + 1..at + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
        let carried = match byte {
            b'%' => is_escape(),
            _ => byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte),
        };
        if carried {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl ExpectedResponse {
    /// All the ways in which a response is not as expected.
    fn check(&self, actual: &Response<Vec<u8>>, bindings: &mut Bindings) -> Vec<String> {
        let mut problems = Vec::new();
        if actual.status() != self.status {
            problems.push(format!("status: expected {}, got {}", self.status, actual.status().as_u16()));
        }
        for (name, expected) in &self.headers {
            problems.extend(check_header(name, expected.as_deref(), actual, bindings));
        }
        let body = actual.body();
        if !body.is_empty() && actual.headers().get(CONTENT_TYPE).is_none_or(|media| media != MEDIA_TYPE) {
            problems.push(format!(
                "content-type: expected {MEDIA_TYPE}, got {:?}",
                actual.headers().get(CONTENT_TYPE)
            ));
        }
        match &self.body {
            None => {}
            Some(Value::Null) if body.is_empty() => {}
            Some(Value::Null) => problems.push("the body: expected none".to_owned()),
            Some(expected) => match serde_json::from_slice(body) {
                Ok(json) => problems.extend(differences(expected, &json, bindings)),
                Err(error) => problems.push(format!("the body: not JSON: {error}")),
            },
        }
        if !problems.is_empty() {
            problems.push(format!("the body was: {}", String::from_utf8_lossy(body)));
        }
        problems
    }
}

fn check_header(
    name: &str,
    expected: Option<&str>,
    actual: &Response<Vec<u8>>,
    bindings: &mut Bindings,
) -> Option<String> {
    let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
        return Some(format!("{name}: not the name of a header"));
    };
    let value = actual.headers().get(key).map(HeaderValue::to_str);
    match (expected, value) {
        (None, None) => None,
        (None, Some(value)) => Some(format!("{name}: expected none, got {value:?}")),
        (Some(expected), Some(Ok(value))) => bindings
            .check(expected, value)
            .err()
            .map(|reason| format!("{name}: expected {expected:?}, got {value:?} ({reason})")),
        (Some(expected), value) => Some(format!("{name}: expected {expected:?}, got {value:?}")),
    }
}

#[cfg(test)]
mod tests;
