//! What a monitor hears of: every change, once, and nothing that must stay secret.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use http::Request;
use scim_core::{Change, Event, Identity, MemoryProvider, Monitor, ScimService};
use serde_json::{Value, json};

/// Notes down each event.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Value>>>);

impl Monitor for Notes {
    fn finished(&self, event: &Event<'_>) {
        let change = match event.change() {
            Change::Created(resource) => {
                assert_eq!(resource.id(), event.id());
                assert!(!resource.as_map().contains_key("password"));
                "created"
            }
            Change::Updated(update) => {
                assert!(!format!("{update:?}").contains("horse"), "{update:?}");
                "updated"
            }
            Change::Deleted => "deleted",
            _ => "other",
        };
        assert!(!format!("{event:?}").contains("horse"));
        self.0.lock().unwrap().push(json!({
            "action": event.action().as_str(),
            "change": change,
            "type": event.resource_type().name(),
            "by": event.identity().map(|identity| &identity.principal),
            "before": event.before().map(ToString::to_string),
            "after": event.after().map(ToString::to_string),
            "status": event.status().as_u16(),
            "active": event.sets("active"),
            "secret": event.has_secrets(),
            "fired": event.fired().iter().map(|fired| fired.quirk.name()).collect::<Vec<_>>(),
        }));
    }
}

struct Watched {
    service: ScimService,
    notes: Notes,
}

impl Watched {
    fn new() -> Self {
        let (store, notes) = (MemoryProvider::new(), Notes::default());
        let builder = ScimService::builder().base_url("https://example.com").monitor(notes.clone());
        Self { service: builder.users(store.clone()).groups(store).build().unwrap(), notes }
    }

    /// The ETag and the body of the answer.
    fn send(&self, method: &str, path: &str, body: &Value) -> (Option<String>, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).extension(Identity::new("hr"));
        let response = pollster::block_on(self.service.handle(request.body(body).unwrap()));
        let etag = response.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        (etag, serde_json::from_slice(response.body()).unwrap_or_default())
    }

    fn patch(&self, path: &str, operations: Value) -> Option<String> {
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
        self.send("PATCH", path, &json!({ "schemas": schemas, "Operations": operations })).0
    }

    fn heard(&self) -> Vec<Value> {
        std::mem::take(&mut self.notes.0.lock().unwrap())
    }
}

fn user(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name })
}

#[test]
fn it_hears_of_what_was_done_and_to_which_version() {
    let watched = Watched::new();
    let mut ann = user("ann");
    ann["password"] = "correct horse".into();
    let (created, body) = watched.send("POST", "/Users", &ann);
    let path = format!("/Users/{}", body["id"].as_str().unwrap());
    let note = |action, change, before: &Option<String>, after: &Option<String>, status, active: Value| {
        json!({
            "action": action, "change": change, "type": "User", "by": "hr", "before": before, "after": after,
            "status": status, "active": active, "secret": false, "fired": [],
        })
    };
    let mut first = note("create", "created", &None, &created, 201, json!(true));
    first["secret"] = true.into();
    assert_eq!(watched.heard(), [first]);

    let off = watched.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let mut second = note("patch", "updated", &created, &off, 200, json!(false));
    second["fired"] = json!(["operation-case", "boolean-as-string"]);
    assert_eq!(watched.heard(), [second]);

    let secret = watched.patch(&path, json!([{ "op": "replace", "path": "password", "value": "new horse" }]));
    let mut third = note("patch", "updated", &off, &secret, 200, Value::Null);
    third["secret"] = true.into();
    assert_eq!(watched.heard(), [third]);

    let mut again = user("ann");
    again["active"] = true.into();
    let (replaced, _) = watched.send("PUT", &path, &again);
    assert_eq!(watched.heard(), [note("replace", "updated", &secret, &replaced, 200, json!(true))]);

    watched.send("DELETE", &path, &Value::Null);
    assert_eq!(watched.heard(), [note("delete", "deleted", &replaced, &None, 204, Value::Null)]);
}

#[test]
fn it_hears_nothing_of_what_changed_nothing() {
    let watched = Watched::new();
    let path = format!("/Users/{}", watched.send("POST", "/Users", &user("ann")).1["id"].as_str().unwrap());
    assert_eq!(watched.heard().len(), 1);
    watched.send("GET", &path, &Value::Null);
    watched.send("GET", "/Users?filter=active+eq+true", &Value::Null);
    watched.send("PUT", &path, &user("ann"));
    watched.send("PUT", &path, &json!({ "schemas": user("ann")["schemas"] }));
    watched.patch(&path, json!([{ "op": "add", "path": "active", "value": true }]));
    watched.patch(&path, json!([{ "op": "remove", "path": "userName" }]));
    watched.send("POST", "/Users", &user("ann"));
    watched.send("DELETE", "/Users/nobody", &Value::Null);
    assert_eq!(watched.heard(), Vec::<Value>::new());
}

#[test]
fn it_hears_of_each_operation_of_a_bulk_request() {
    let watched = Watched::new();
    let create =
        |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": user(name) });
    let operations = json!([
        create("ann"),
        create("ann"),
        { "method": "DELETE", "path": "/Users/bulkId:ann" },
        create("bob"),
    ]);
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]);
    watched.send("POST", "/Bulk", &json!({ "schemas": schemas, "Operations": operations }));
    let heard: Vec<Value> = watched.heard().iter().map(|note| note["action"].clone()).collect();
    assert_eq!(heard, ["create", "delete", "create"]);
}
