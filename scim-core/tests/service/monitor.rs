//! Monitors are notified of every change, once, and of nothing that must stay secret.

use std::sync::{Arc, Mutex};

use scim_core::{Change, Event, Identity, MemoryProvider, Monitor, ScimService};
use serde_json::{Value, json};

use crate::client::{Client, bulk_request, json_of, patch_request, user};

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
            "fired": event.tolerated().iter().map(|tolerated| tolerated.quirk.name()).collect::<Vec<_>>(),
        }));
    }
}

struct Watched {
    client: Client,
    notes: Notes,
}

impl Watched {
    fn new() -> Self {
        let (store, notes) = (MemoryProvider::new(), Notes::default());
        let builder = ScimService::builder().base_url("https://example.com").monitor(notes.clone());
        let service = builder.users(store.clone()).groups(store).build().unwrap();
        Self { client: Client::new(service).identity(Identity::new("hr")), notes }
    }

    /// The ETag of the response, and the body.
    fn send(&self, method: &str, path: &str, body: &Value) -> (Option<String>, Value) {
        let response = self.client.send(method, path, body.to_string());
        let etag = response.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        (etag, json_of(&response))
    }

    fn patch(&self, path: &str, operations: Value) -> Option<String> {
        self.send("PATCH", path, &patch_request(operations)).0
    }

    fn heard(&self) -> Vec<Value> {
        std::mem::take(&mut self.notes.0.lock().unwrap())
    }
}

#[test]
fn a_monitor_is_notified_of_each_change_and_its_versions() {
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

    watched.client.call_empty("DELETE", &path);
    assert_eq!(watched.heard(), [note("delete", "deleted", &replaced, &None, 204, Value::Null)]);
}

#[test]
fn a_monitor_is_not_notified_if_nothing_has_changed() {
    let watched = Watched::new();
    let path = watched.client.create("/Users", &user("ann"));
    assert_eq!(watched.heard().len(), 1);
    watched.client.get(&path);
    watched.client.get("/Users?filter=active+eq+true");
    watched.send("PUT", &path, &user("ann"));
    watched.send("PUT", &path, &json!({ "schemas": user("ann")["schemas"] }));
    watched.patch(&path, json!([{ "op": "add", "path": "active", "value": true }]));
    watched.patch(&path, json!([{ "op": "remove", "path": "userName" }]));
    watched.send("POST", "/Users", &user("ann"));
    watched.client.call_empty("DELETE", "/Users/nobody");
    assert_eq!(watched.heard(), Vec::<Value>::new());
}

#[test]
fn a_monitor_is_notified_of_each_operation_of_a_bulk_request() {
    let watched = Watched::new();
    let create =
        |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": user(name) });
    let operations = json!([
        create("ann"),
        create("ann"),
        { "method": "DELETE", "path": "/Users/bulkId:ann" },
        create("bob"),
    ]);
    watched.send("POST", "/Bulk", &bulk_request(operations));
    let heard: Vec<Value> = watched.heard().iter().map(|note| note["action"].clone()).collect();
    assert_eq!(heard, ["create", "delete", "create"]);
}
