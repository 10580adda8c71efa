//! What a request contains: the operations of a PATCH by path, the attributes of a resource, and the parameters of a query.

use scim_core::filter::{CompareOp, Filter, Literal};
use scim_core::schema::AttrPath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::{Body, Entry, MAX_LINES, TOKEN, UNKNOWN_PATH, shortened};
use super::literals::{filter_without_values, parse_filter, path_without_values};
use super::options::LogOptions;
use super::secrets::SecretNames;

/// The parameters of a query.
const PARAMETERS: [&str; 8] =
    ["filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "cursor"];

/// A line of what a request contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// What is done: the `op` of a PATCH, the method of an operation in a bulk request, `set`, or `query`.
    pub(crate) verb: String,
    /// The path of the attribute, the name of the parameter, or the location of the resource.
    pub(crate) path: String,
    /// The value as JSON, or the text of the parameter; `None` if values are not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl Line {
    fn new(verb: &str, path: &str, value: Option<String>) -> Self {
        Self { verb: shortened(verb), path: shortened(path), value }
    }
}

/// What was found in a request.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) lines: Vec<Line>,
    /// The `userName` or `displayName` that the request creates, writes or looks for.
    pub(super) name: Option<String>,
    /// Whether a path or filter compares with a value that is never shown. The reason of a refusal may repeat it.
    pub(super) compares_secret: bool,
}

impl Content {
    /// Reads a request.
    pub(super) fn of(entry: &Entry, options: &LogOptions) -> Self {
        let mut content = Self::default();
        let mut reader = Reader { content: &mut content, options, secrets: &options.secrets };
        // A token request contains a secret, and what is sent to a wrong URL may contain anything.
        if [TOKEN, UNKNOWN_PATH].contains(&entry.operation) {
            return content;
        }
        reader.query(&entry.query);
        match &entry.body {
            Body::None => {}
            Body::TooLarge(bytes) => {
                reader.line("body", &format!("{bytes} bytes, too many to be recorded"), None)
            }
            Body::Read(body) => match serde_json::from_slice(body) {
                Ok(body) => reader.body(entry, body),
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    reader.line(
                        "body",
                        &format!("no JSON; the error is in line {line}, column {column}"),
                        None,
                    );
                }
            },
        }
        if !options.names {
            content.name = None;
        }
        content
    }
}

struct Reader<'r> {
    content: &'r mut Content,
    options: &'r LogOptions,
    secrets: &'r SecretNames,
}

impl Reader<'_> {
    fn line(&mut self, verb: &str, path: &str, value: Option<&Value>) {
        let count = self.content.lines.len();
        if count < MAX_LINES {
            let is_hidden = !self.options.values || self.secrets.are_in(path);
            let value = value.filter(|_| !is_hidden).map(|value| shortened(&value.to_string()));
            let line = Line::new(verb, &self.path(path), value);
            self.content.lines.push(line);
        } else if count == MAX_LINES {
            self.content.lines.push(Line::new("…", "more, which is not recorded", None));
        }
    }

    /// A path, whose filter may compare with values.
    fn path(&mut self, path: &str) -> String {
        let is_secret = self.secrets.are_in(path);
        self.content.compares_secret |= is_secret && path.contains([' ', '[', '"']);
        match self.options.values && !is_secret {
            true => path.to_owned(),
            false => path_without_values(path),
        }
    }

    /// The parameters of a query in the URL.
    fn query(&mut self, query: &str) {
        for (name, value) in form_urlencoded::parse(query.as_bytes()).take(20) {
            self.parameter(&name, &value);
        }
    }

    /// A parameter of a query. Only the value of those that RFC 7644 and RFC 9865 define is recorded.
    fn parameter(&mut self, name: &str, value: &str) {
        let known = PARAMETERS.iter().find(|known| name.eq_ignore_ascii_case(known));
        let value = match known {
            None => None,
            Some(&"filter") => {
                self.note_searched_name(value);
                let is_secret = self.secrets.are_in(value);
                self.content.compares_secret |= is_secret;
                match self.options.values && !is_secret {
                    true => Some(shortened(value)),
                    false => Some(shortened(&filter_without_values(value))),
                }
            }
            Some(_) => Some(shortened(value)),
        };
        if self.content.lines.len() < MAX_LINES {
            self.content.lines.push(Line::new("query", name, value));
        }
    }

    /// Notes the name that a filter such as `userName eq "bea"` looks for.
    fn note_searched_name(&mut self, filter: &str) {
        let Some(Filter::Compare { path, op: CompareOp::Eq, value: Literal::String(value) }) =
            parse_filter(filter)
        else {
            return;
        };
        if is_name(&path) {
            self.content.name = Some(shortened(&value));
        }
    }

    fn body(&mut self, entry: &Entry, mut body: Value) {
        self.secrets.hide(&mut body);
        match (entry.method.as_str(), body) {
            (_, Value::Object(body)) if entry.operation == "bulk" => self.bulk(entry, &body),
            ("POST", Value::Object(body)) if entry.path.ends_with("/.search") => {
                for (name, value) in body.iter().filter(|(name, _)| name.as_str() != "schemas") {
                    match value.as_str() {
                        Some(text) => self.parameter(name, text),
                        None => self.parameter(name, &value.to_string()),
                    }
                }
            }
            ("PATCH", Value::Object(body)) => {
                let operations = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("operations"));
                if let Some((_, operations)) = operations {
                    self.operations(operations);
                }
            }
            ("PATCH", operations @ Value::Array(_)) => self.operations(&operations),
            ("POST" | "PUT", Value::Object(resource)) => self.resource(&resource),
            _ => self.line("body", "not of the form that the operation needs", None),
        }
    }

    fn operations(&mut self, operations: &Value) {
        // A client may send a single operation without the list.
        let operations = match operations {
            Value::Array(operations) => operations.as_slice(),
            single => std::slice::from_ref(single),
        };
        for operation in operations.iter().filter_map(Value::as_object) {
            let member = |name: &str| {
                operation.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            let op = member("op").and_then(Value::as_str).unwrap_or("?");
            let (path, value) = (member("path").and_then(Value::as_str), member("value"));
            match (path.filter(|path| !path.is_empty()), value) {
                (Some(path), value) => self.line(op, path, value),
                // Without a path, each member of the value is a path.
                (None, Some(Value::Object(members))) => {
                    for (name, value) in members {
                        self.members(op, name, value);
                    }
                }
                (None, value) => self.line(op, "(no path)", value),
            }
        }
    }

    fn resource(&mut self, resource: &Map<String, Value>) {
        for name in ["username", "displayname"] {
            let found = resource.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            if let Some(name) = found.and_then(|(_, value)| value.as_str()) {
                self.content.name.get_or_insert_with(|| shortened(name));
            }
        }
        for (name, value) in resource.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
            self.members("set", name, value);
        }
    }

    /// A line for an attribute, and one for each attribute of an extension, and for each sub-attribute of a complex one.
    fn members(&mut self, verb: &str, name: &str, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let separator = if name.contains(':') { ':' } else { '.' };
                for (sub, value) in members {
                    self.line(verb, &format!("{name}{separator}{sub}"), Some(value));
                }
            }
            _ => self.line(verb, name, Some(value)),
        }
    }

    /// A line for each operation of a bulk request, with the status that it was answered with.
    fn bulk(&mut self, entry: &Entry, body: &Map<String, Value>) {
        let operations = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("operations"));
        let operations = operations.and_then(|(_, operations)| operations.as_array());
        let paths = operations.into_iter().flatten().map(|operation| operation.get("path")?.as_str());
        for (result, path) in entry.bulk.iter().zip(paths) {
            // The path of what was created names no resource.
            let path = if result.location.is_empty() { path.unwrap_or_default() } else { &result.location };
            let path = path.split('?').next().unwrap_or_default();
            let status = match result.detail.is_empty() {
                true => result.status.to_string(),
                false => format!("{} {}", result.status, result.detail),
            };
            self.content.lines.push(Line::new(&result.method, path, Some(status)));
        }
        if entry.bulk.len() == MAX_LINES {
            self.content.lines.push(Line::new("…", "perhaps more, which is not recorded", None));
        }
    }
}

fn is_name(path: &AttrPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit(':').next().unwrap_or_default();
    ["userName", "displayName", "emails.value", "externalId"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use http::Request;
    use scim_core::schema::standard;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct File {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        method: String,
        path: String,
        body: Option<Value>,
        text: Option<String>,
        person: Option<String>,
        lines: Vec<(String, String, Option<String>)>,
        values: Option<Vec<(String, String, Option<String>)>>,
        /// A value that is shown with values.
        shows: Option<String>,
    }

    fn entry(case: &Case) -> Entry {
        let path = case.path.replace("{id}", "7");
        let request = Request::builder().method(case.method.as_str()).uri(path).body(()).unwrap();
        let mut entry = Entry::new(&request.into_parts().0);
        let body = case.text.clone().or_else(|| case.body.as_ref().map(Value::to_string));
        entry.set_body(body.unwrap_or_default().as_bytes());
        entry
    }

    #[test]
    fn requests_are_recorded_with_and_without_values() {
        let user = standard::user_type();
        for case in testdata::load::<File>("console/content.json").cases {
            let expect = |lines: &[(String, String, Option<String>)]| -> Vec<Line> {
                let line = |(verb, path, value): &(String, String, Option<String>)| Line {
                    verb: verb.clone(),
                    path: path.clone(),
                    value: value.clone(),
                };
                lines.iter().map(line).collect()
            };
            let options = LogOptions::new().resource_types([&user]);
            let content = Content::of(&entry(&case), &options);
            assert_eq!(content.lines, expect(&case.lines), "{}", case.name);
            assert_eq!(content.name, case.person, "{}", case.name);

            let content = Content::of(&entry(&case), &options.without_names().with_values());
            let values = case.values.as_ref().unwrap_or(&case.lines);
            assert_eq!(content.lines, expect(values), "{}", case.name);
            assert_eq!(content.name, None, "{}", case.name);
            let shown = format!("{content:?}").replace(case.shows.as_deref().unwrap_or("nothing"), "");
            assert!(!shown.contains("hush"), "{}", case.name);
        }
    }

    #[test]
    fn what_is_recorded_is_bounded() {
        let operations: Vec<Value> = (0..10_000)
            .map(|index| serde_json::json!({"op": "add", "path": format!("a{index}"), "value": "ä".repeat(5_000)}))
            .take(24)
            .collect();
        let members: Map<String, Value> =
            (0..5_000).map(|index| (format!("a{index}"), Value::Null)).collect();
        for body in [Value::from(operations), Value::from(vec![serde_json::json!({"value": members})])] {
            let request = Request::patch("/Users/7").body(()).unwrap();
            let mut entry = Entry::new(&request.into_parts().0);
            entry.set_body(body.to_string().as_bytes());
            let content = Content::of(&entry, &LogOptions::new().with_values());
            assert!(content.lines.len() <= MAX_LINES + 1);
            let longest = content.lines.iter().filter_map(|line| line.value.as_ref()).map(String::len).max();
            assert!(longest <= Some(1_010), "{longest:?}");
        }
        let mut entry = Entry::new(&Request::post("/Users").body(()).unwrap().into_parts().0);
        entry.set_body(&vec![b' '; 300_000]);
        let expected = Line::new("body", "300000 bytes, too many to be recorded", None);
        assert_eq!(Content::of(&entry, &LogOptions::new()).lines, [expected]);
    }
}
