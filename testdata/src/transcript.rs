//! Transcripts: JSON files with HTTP requests and the expected responses.
//!
//! ```json
//! {
//!   "name": "create a user",
//!   "about": "The response to POST contains the created user (RFC 7644, section 3.3).",
//!   "profile": "lenient",
//!   "switches": { "unique_group_names": false },
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
//! Each file starts with an empty store. `switches` are options for the test that builds the service; they can be
//! omitted. The members of a step:
//!
//! - `path` follows the base URL. It is written without percent-encoding; characters that a URL cannot contain are
//!   encoded. `%XX` and `+` stay as they are.
//! - `body` of a request is JSON, or a string that is sent unchanged, for bodies that are not JSON. The content type is
//!   `application/scim+json` unless `headers` contain another. A header with the value `null` is not sent.
//! - `anonymous: true` marks the request with [`Anonymous`], so that the sender adds no credentials.
//! - `body` of a response is compared completely. If it is omitted, the body is not compared; if it is `null`, the body
//!   must be empty.
//! - `headers` of a response are compared one by one; a header with the value `null` must be absent.
//! - `proves` is a list of statements of the RFCs, in `conformance/`, which the step proves. A transcript can have it, too.
//! - every response with a body must be `application/scim+json` (RFC 7644, section 3.1).
//!
//! # Placeholders
//!
//! Only values that the server generates can vary, and their form is checked. A placeholder is a complete string or a
//! part of one:
//!
//! | placeholder                   | matches                                                             |
//! |-------------------------------|---------------------------------------------------------------------|
//! | `{{base}}`                    | the base URL                                                        |
//! | `{{id}}` `{{time}}` `{{version}}` | a UUID, an RFC 3339 time in UTC, a weak entity tag              |
//! | `{{key}}`                     | the key of a row, from which an id is made: letters, digits, `-`, `_` |
//! | `{{cursor}}`                  | a cursor of RFC 9865: unreserved characters                         |
//! | `{{id.NAME}}` and so on       | the first match binds the value to the name, later ones must equal it |
//! | `{{!version.NAME}}` and so on | a value that differs from the one that is bound to the name         |
//! | `{{version.NEW!OLD}}`         | binds the value to NEW, and must differ from the value of OLD       |
//! | `{{any-string}}`              | any text that is not empty; for the `detail` of an error            |
//!
//! In a request, `{{base}}` and names that are already bound are replaced by their values.
//!
//! # Rows
//!
//! Transcripts in `people/` are for an application that serves its own tables. `tables` are the rows that each table must
//! have after the last step, in order of their keys. They are compared as bodies are, with the same placeholders:
//!
//! ```json
//! { "tables": { "people": [{ "person_id": "{{key.ada}}", "login": "ada@example.com", "is_active": true }] } }
//! ```

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::compare;
use crate::message::source_name_in;
use crate::placeholder::Bindings;

/// The media type of SCIM.
const MEDIA_TYPE: &str = "application/scim+json";

/// The folders with transcripts for every complete service.
const FOLDERS: [&str; 2] = ["http", "idp"];

/// Marks a request, in its extensions, that must be sent without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anonymous;

/// A sequence of requests to a service with an empty store, and the expected responses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The subject of the transcript, in a few words.
    pub name: String,
    /// The rule that the transcript shows, with the section of the RFC.
    pub about: String,
    /// The tolerance of the service under test: `lenient`, `strict` or `interop`.
    pub profile: String,
    /// Options for the test that builds the service; an empty object if the file has none.
    #[serde(default = "no_switches")]
    pub switches: Value,
    /// The folder and the name of the file, for messages.
    #[serde(skip)]
    pub file: String,
    /// The statements in `conformance/` that the transcript proves as a whole.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
    steps: Vec<Step>,
    /// The rows of each table after the last step.
    #[serde(default)]
    tables: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    /// The statements in `conformance/` that the step proves.
    #[serde(default, rename = "proves")]
    _proves: IgnoredAny,
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

/// Reads `null` as a value. By default serde makes no difference between `null` and a missing member.
fn null_is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Transcript {
    /// Loads every transcript that any complete service must pass, sorted by file.
    ///
    /// # Panics
    ///
    /// If a file is not a transcript. The message names it.
    #[must_use]
    pub fn load_all() -> Vec<Self> {
        FOLDERS.into_iter().flat_map(Self::load_folder).collect()
    }

    /// Loads the transcripts in one folder, sorted by file.
    ///
    /// # Panics
    ///
    /// If a file is not a transcript. The message names it.
    #[must_use]
    pub fn load_folder(folder: &str) -> Vec<Self> {
        let load = |path: std::path::PathBuf| {
            let relative = path.strip_prefix(crate::path("")).unwrap_or(&path);
            Self { file: relative.display().to_string(), ..crate::load(relative) }
        };
        crate::files(folder).into_iter().map(load).collect()
    }

    /// Returns the name of the test that runs this transcript: its folder and file, such as `http/paging`.
    #[must_use]
    pub fn test_name(&self) -> String {
        self.file.trim_end_matches(".json").replace('\\', "/")
    }

    /// Sends every request with `send`, in order, and checks each response. Returns the number of steps.
    ///
    /// `base_url` is the absolute base URL of the service, without a slash at its end. The requests have absolute URLs.
    ///
    /// # Errors
    ///
    /// A message with all differences of the first response that is not as expected. Later steps are not sent, since they
    /// depend on it.
    pub fn run(
        &self,
        base_url: &str,
        send: &mut dyn FnMut(Request<Vec<u8>>) -> Response<Vec<u8>>,
    ) -> Result<usize, String> {
        self.run_steps(base_url, send)?;
        Ok(self.steps.len())
    }

    /// Does what [`run`](Self::run) does, and then compares the rows of each table of the transcript with what
    /// `read_table` returns for the name of the table.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), or a message with all rows that are not as expected.
    pub fn run_and_read_tables(
        &self,
        base_url: &str,
        send: &mut dyn FnMut(Request<Vec<u8>>) -> Response<Vec<u8>>,
        read_table: &mut dyn FnMut(&str) -> Value,
    ) -> Result<usize, String> {
        let mut bindings = self.run_steps(base_url, send)?;
        let mut differences = Vec::new();
        for (table, expected) in &self.tables {
            let rows = read_table(table);
            let differ = compare::differences(expected, &rows, &mut bindings);
            differences.extend(differ.into_iter().map(|difference| format!("{table}{difference}")));
        }
        match differences.is_empty() {
            true => Ok(self.steps.len()),
            false => Err(format!("{}, the rows after all steps:\n  {}", self.file, differences.join("\n  "))),
        }
    }

    /// Runs all steps. Returns the values of the placeholders.
    fn run_steps(
        &self,
        base_url: &str,
        send: &mut dyn FnMut(Request<Vec<u8>>) -> Response<Vec<u8>>,
    ) -> Result<Bindings, String> {
        let mut bindings = Bindings::new(base_url);
        for step in &self.steps {
            let fail = |reason: String| format!("{}, step `{}`: {reason}", self.file, step.name);
            let request = step.request.build(&bindings).map_err(fail)?;
            let line = format!("{} {}", request.method(), request.uri());
            let differences = step.response.check(&send(request), &mut bindings);
            if !differences.is_empty() {
                return Err(fail(format!("{line}\n  {}", differences.join("\n  "))));
            }
        }
        Ok(bindings)
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

/// Percent-encodes only the characters that a URL cannot contain (RFC 3986, section 2).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        let is_escape =
            || text.as_bytes().get(index + 1..index + 3).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
        let is_allowed = match byte {
            b'%' => is_escape(),
            _ => byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte),
        };
        if is_allowed {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl ExpectedResponse {
    /// Returns all differences between a response and the expected one.
    fn check(&self, actual: &Response<Vec<u8>>, bindings: &mut Bindings) -> Vec<String> {
        let mut differences = Vec::new();
        if actual.status() != self.status {
            differences.push(format!("status: expected {}, got {}", self.status, actual.status().as_u16()));
        }
        for (name, expected) in &self.headers {
            differences.extend(check_header(name, expected.as_deref(), actual, bindings));
        }
        let body = actual.body();
        if !body.is_empty() && actual.headers().get(CONTENT_TYPE).is_none_or(|media| media != MEDIA_TYPE) {
            differences.push(format!(
                "content-type: expected {MEDIA_TYPE}, got {:?}",
                actual.headers().get(CONTENT_TYPE)
            ));
        }
        match &self.body {
            None => {}
            Some(Value::Null) if body.is_empty() => {}
            Some(Value::Null) => differences.push("the body: expected an empty one".to_owned()),
            Some(expected) => match serde_json::from_slice(body) {
                Ok(json) => {
                    differences.extend(compare::differences(expected, &json, bindings));
                    differences.extend(check_details(&json));
                }
                Err(error) => differences.push(format!("the body: expected JSON, got an error: {error}")),
            },
        }
        if !differences.is_empty() {
            differences.push(format!("the body was: {}", String::from_utf8_lossy(body)));
        }
        differences
    }
}

/// Checks the `detail` of an error, and of each error in the response to a bulk request.
fn check_details(body: &Value) -> Vec<String> {
    let operations = body["Operations"].as_array().into_iter().flatten();
    let details = operations.map(|operation| &operation["response"]["detail"]).chain([&body["detail"]]);
    let names = details.filter_map(Value::as_str).filter_map(source_name_in);
    names.map(|name| format!("a `detail` contains `{name}`, a name of the source code")).collect()
}

fn check_header(
    name: &str,
    expected: Option<&str>,
    actual: &Response<Vec<u8>>,
    bindings: &mut Bindings,
) -> Option<String> {
    let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
        return Some(format!("{name}: the transcript expects a header with an invalid name"));
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
