//! A monitor is notified of each change once, and never receives secrets.

use std::sync::{Arc, Mutex};

use scim_core::{Change, Event, Identity, MemoryProvider, Monitor, ScimService};
use serde_json::{Value, json};

use crate::client::{Client, bulk_request, json_of, patch_request, user};

/// Records each event as JSON.
#[derive(Clone, Default)]
struct RecordingMonitor(Arc<Mutex<Vec<Value>>>);

impl Monitor for RecordingMonitor {
    fn changed(&self, event: &Event<'_>) {
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
            "tolerated": event.tolerated().iter().map(|tolerated| tolerated.quirk.name()).collect::<Vec<_>>(),
        }));
    }
}

/// A service with a monitor that records its events.
struct MonitoredService {
    client: Client,
    monitor: RecordingMonitor,
}

impl MonitoredService {
    fn new() -> Self {
        let (store, monitor) = (MemoryProvider::new(), RecordingMonitor::default());
        let builder = ScimService::builder().base_url("https://example.com").monitor(monitor.clone());
        let service = builder.users(store.clone()).groups(store).build().unwrap();
        Self { client: Client::new(service).identity(Identity::new("hr")), monitor }
    }

    /// Sends a request. Returns the ETag and the body of the response.
    fn send(&self, method: &str, path: &str, body: &Value) -> (Option<String>, Value) {
        let response = self.client.send(method, path, body.to_string());
        let etag = response.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        (etag, json_of(&response))
    }

    fn patch(&self, path: &str, operations: Value) -> Option<String> {
        self.send("PATCH", path, &patch_request(operations)).0
    }

    /// Returns the events since the last call.
    fn take_events(&self) -> Vec<Value> {
        std::mem::take(&mut self.monitor.0.lock().unwrap())
    }
}

#[test]
fn a_monitor_is_notified_of_each_change_with_the_versions_before_and_after() {
    let service = MonitoredService::new();
    let mut ann = user("ann");
    ann["password"] = "correct horse".into();
    let (created, body) = service.send("POST", "/Users", &ann);
    let path = format!("/Users/{}", body["id"].as_str().unwrap());
    let event = |action, change, before: &Option<String>, after: &Option<String>, status, active: Value| {
        json!({
            "action": action, "change": change, "type": "User", "by": "hr", "before": before, "after": after,
            "status": status, "active": active, "secret": false, "tolerated": [],
        })
    };
    let mut creation = event("create", "created", &None, &created, 201, json!(true));
    creation["secret"] = true.into();
    assert_eq!(service.take_events(), [creation]);

    let deactivated = service.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let mut deactivation = event("patch", "updated", &created, &deactivated, 200, json!(false));
    deactivation["tolerated"] = json!(["operation-case", "boolean-as-string"]);
    assert_eq!(service.take_events(), [deactivation]);

    let password_set =
        service.patch(&path, json!([{ "op": "replace", "path": "password", "value": "new horse" }]));
    let mut password_change = event("patch", "updated", &deactivated, &password_set, 200, Value::Null);
    password_change["secret"] = true.into();
    assert_eq!(service.take_events(), [password_change]);

    let mut replacement = user("ann");
    replacement["active"] = true.into();
    let (replaced, _) = service.send("PUT", &path, &replacement);
    assert_eq!(
        service.take_events(),
        [event("replace", "updated", &password_set, &replaced, 200, json!(true))]
    );

    service.client.call_empty("DELETE", &path);
    assert_eq!(service.take_events(), [event("delete", "deleted", &replaced, &None, 204, Value::Null)]);
}

#[test]
fn a_monitor_is_not_notified_of_reads_refusals_and_updates_without_a_change() {
    let service = MonitoredService::new();
    let path = service.client.create("/Users", &user("ann"));
    assert_eq!(service.take_events().len(), 1);
    service.client.get(&path);
    service.client.get("/Users?filter=active+eq+true");
    service.send("PUT", &path, &user("ann"));
    service.send("PUT", &path, &json!({ "schemas": user("ann")["schemas"] }));
    service.patch(&path, json!([{ "op": "add", "path": "active", "value": true }]));
    service.patch(&path, json!([{ "op": "remove", "path": "userName" }]));
    service.send("POST", "/Users", &user("ann"));
    service.client.call_empty("DELETE", "/Users/nobody");
    assert_eq!(service.take_events(), Vec::<Value>::new());
}

#[test]
fn a_monitor_is_notified_of_each_operation_of_a_bulk_request() {
    let service = MonitoredService::new();
    let create =
        |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": user(name) });
    let operations = json!([
        create("ann"),
        create("ann"),
        { "method": "DELETE", "path": "/Users/bulkId:ann" },
        create("bob"),
    ]);
    service.send("POST", "/Bulk", &bulk_request(operations));
    let actions: Vec<Value> = service.take_events().iter().map(|event| event["action"].clone()).collect();
    assert_eq!(actions, ["create", "delete", "create"]);
}
