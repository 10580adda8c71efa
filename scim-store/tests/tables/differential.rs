//! Sends random requests to a service on the tables of an application and to one on the memory provider, which serves the
//! same resource types: the responses, and the resources afterwards, must be the same.
//!
//! With `SCIM_SOAK=1` there are 20,000 requests for each form and database.

use std::collections::HashMap;

use http::Method;
use scim_core::{MemoryProvider, Provider};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, Form};
use crate::client::{Client, Response, TENANT};
use crate::requests::{Generated, Generator};
use crate::support;

/// One of the two services.
struct Side<'a> {
    client: Client<'a>,
    runtime: &'a Runtime,
    /// The ids of the resources in the slots, also of those that have been deleted.
    ids: HashMap<String, String>,
    slots: HashMap<String, String>,
    /// The version of each slot that was last read, and the one before it.
    versions: HashMap<String, [Option<String>; 2]>,
    /// Whether the only element of a list, which is in a column, is always shown as the primary one. It is in memory only
    /// if a client said so.
    shows_primary: bool,
}

/// The result of a request as both services must give it.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: u16,
    scim_type: Value,
    body: Value,
    /// The resource afterwards, and whether its version has changed.
    after: Value,
    has_changed: bool,
}

impl<'a> Side<'a> {
    fn new(runtime: &'a Runtime, client: Client<'a>, form: Form) -> Self {
        let shows_primary = matches!(form, Form::Users | Form::Organization);
        Self {
            shows_primary,
            client,
            runtime,
            ids: HashMap::new(),
            slots: HashMap::new(),
            versions: HashMap::new(),
        }
    }

    /// Replaces the names of slots by ids.
    fn with_ids(&self, text: &str) -> String {
        let mut parts = text.split('<');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let slot = part.split_once('>').map(|(name, rest)| (format!("<{name}>"), rest));
            match slot.and_then(|(slot, rest)| self.ids.get(&slot).map(|id| (id, rest))) {
                Some((id, rest)) => out.extend([id.as_str(), rest]),
                None => out.extend(["<", part]),
            }
        }
        out
    }

    fn send(&self, method: &Method, path: &str, body: Option<&Value>, if_match: Option<&str>) -> Response {
        let body = body.map(|body| serde_json::from_str(&self.with_ids(&body.to_string())).unwrap());
        // A slot that has never had a resource has no id.
        let path = self.with_ids(path).replace(['<', '>'], "-");
        self.runtime.block_on(self.client.call(method, &path, body.as_ref(), if_match))
    }

    /// Removes what the services choose: ids become names of slots, and lists are sorted.
    fn normalize(&self, value: Value) -> Value {
        match value {
            Value::Object(object) => object
                .into_iter()
                .filter(|(name, _)| !matches!(name.as_str(), "meta" | "$ref"))
                .filter(|(name, _)| !(self.shows_primary && name == "primary"))
                .map(|(name, value)| (name, self.normalize(value)))
                .collect(),
            Value::Array(list) => {
                let mut list: Vec<Value> = list.into_iter().map(|value| self.normalize(value)).collect();
                list.sort_by_cached_key(Value::to_string);
                Value::Array(list)
            }
            Value::String(text) => match self.slots.get(&text) {
                Some(slot) => json!(slot),
                None => json!(text),
            },
            value => value,
        }
    }

    /// Sends a request, and reads the resource that it is about. `condition` chooses the If-Match header.
    fn run(&mut self, request: &Generated, condition: usize) -> Outcome {
        let slot = request.slot.as_deref().unwrap_or_default();
        let [current, previous] = self.versions.get(slot).cloned().unwrap_or_default();
        let if_match = match condition {
            0 => current,
            1 => previous,
            2 => Some("*".to_owned()),
            3 => Some("W/\"other\"".to_owned()),
            _ => None,
        };
        let if_match = if_match.filter(|_| request.method != Method::POST);
        let response = self.send(&request.method, &request.path, request.body.as_ref(), if_match.as_deref());
        let mut body = response.body;
        if let (201, Some(id)) = (response.status, body["id"].as_str()) {
            self.slots.insert(id.to_owned(), slot.to_owned());
            self.ids.insert(slot.to_owned(), id.to_owned());
        }
        if response.status >= 400 {
            body["detail"].take();
        }
        let mut outcome = Outcome {
            status: response.status,
            scim_type: body["scimType"].clone(),
            body: Value::Null,
            after: Value::Null,
            has_changed: false,
        };
        if request.path.ends_with("/.search") {
            outcome.body = self.pages(request, body);
        } else {
            outcome.body = self.normalize(body);
        }
        if let Some(slot) = &request.slot {
            let endpoint = if slot.starts_with("<g") { "/Groups" } else { "/Users" };
            let found = self.send(&Method::GET, &format!("{endpoint}/{slot}"), None, None);
            outcome.after = match found.status {
                200 => self.normalize(found.body),
                status => json!(status),
            };
            let [current, previous] = self.versions.entry(slot.clone()).or_default();
            outcome.has_changed = *current != found.version;
            if outcome.has_changed {
                *previous = std::mem::replace(current, found.version);
            }
        }
        outcome
    }

    /// Reads all pages of a search, by index or by cursor. Resources with equal sort values are in the order of their ids,
    /// which differ between the services. So the result has the sort values in their order, and the resources as a set.
    fn pages(&self, request: &Generated, first: Value) -> Value {
        let search = request.body.as_ref().unwrap();
        let mut resources = Vec::new();
        let mut total = Value::Null;
        for by_cursor in [false, true] {
            resources.clear();
            let mut search = search.clone();
            if by_cursor {
                search["cursor"] = json!("");
            }
            let mut page = first.clone();
            loop {
                if by_cursor || !resources.is_empty() {
                    page = self.send(&Method::POST, &request.path, Some(&search), None).body;
                }
                let Some(list) = page["Resources"].as_array() else { break };
                resources.extend(list.iter().cloned());
                if !by_cursor {
                    total = page["totalResults"].clone();
                }
                let next = page["nextCursor"].clone();
                if list.is_empty() || by_cursor && next.is_null() || !by_cursor && total == resources.len() {
                    break;
                }
                match by_cursor {
                    true => search["cursor"] = next,
                    false => search["startIndex"] = json!(resources.len() + 1),
                }
            }
            if !first["Resources"].is_array() && !by_cursor {
                // No resources, or an error.
                return self.normalize(first);
            }
            assert_eq!(total, resources.len(), "by cursor: {by_cursor}");
        }
        let by = search["sortBy"].as_str().unwrap_or("id");
        let values: Vec<Value> = resources.iter().map(|resource| sort_value(resource, by)).collect();
        let is_sorted = search.get("sortBy").is_some();
        json!({ "sorted": is_sorted.then_some(values), "all": self.normalize(Value::Array(resources)) })
    }
}

/// The value by which a resource is sorted, as far as the tests need it: lists are not compared.
fn sort_value(resource: &Value, path: &str) -> Value {
    let (schema, path) = path.rsplit_once(':').map_or((None, path), |(schema, path)| (Some(schema), path));
    let mut value = schema.map_or(resource, |schema| &resource[schema]);
    for name in path.split('.') {
        value = &value[name];
    }
    match value {
        Value::String(text) => json!(text.to_lowercase()),
        Value::Array(_) => Value::Null,
        value => value.clone(),
    }
}

fn run(form: Form) {
    let is_soak = std::env::var("SCIM_SOAK").is_ok_and(|value| value == "1");
    let requests = if is_soak { 20_000 } else { 150 };
    let runtime = support::runtime();
    for application in Application::all(&runtime, form) {
        let store = application.store(&runtime);
        let mut memory = MemoryProvider::new();
        for resource_type in store.resource_types() {
            for attribute in store.unique(&resource_type) {
                memory = memory.unique(resource_type.name(), &attribute);
            }
        }
        let tenant = application.has_tenants().then_some(TENANT);
        let memory = Client::over(&runtime, store.resource_types(), &memory, tenant);
        let mut sides = [memory, Client::new(&runtime, &application, &store)]
            .map(|client| Side::new(&runtime, client, form));
        let mut generator = Generator::new(0x5eed_cafe, form);
        let mut statuses: HashMap<u16, usize> = HashMap::new();
        let mut live: Vec<String> = Vec::new();
        for number in 0..requests {
            let request = generator.request(&live);
            let condition = generator.random.below(20);
            let [expected, found] = sides.each_mut().map(|side| side.run(&request, condition));
            let Generated { method, path, body, slot } = request;
            assert_eq!(
                found,
                expected,
                "{form:?} {} request {number}, condition {condition}: {method} {path} {}",
                application.database.url,
                body.unwrap_or_default()
            );
            if let Some(slot) = slot {
                live.retain(|other| *other != slot);
                if found.after.is_object() {
                    live.push(slot);
                }
            }
            *statuses.entry(found.status).or_default() += 1;
        }
        println!("{form:?} {}: {statuses:?}", application.database.url);
        for status in [200, 201, 204, 409, 412] {
            assert!(statuses.contains_key(&status), "no response has the status {status}: {statuses:?}");
        }
    }
}

#[test]
fn users_without_tenants() {
    run(Form::Users);
}

#[test]
fn users_and_groups_in_tenants() {
    run(Form::Organization);
}

#[test]
fn uuids_and_rows_that_are_marked_as_deleted() {
    run(Form::Soft);
}

#[test]
fn child_tables_and_folded_columns() {
    run(Form::Folded);
}

#[test]
fn columns_that_ignore_case() {
    run(Form::CaseInsensitive);
}

#[test]
fn the_tenant_first_in_every_key() {
    run(Form::Distributed);
}
