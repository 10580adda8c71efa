//! A monitor is notified of each change once, and never receives secrets.

use std::sync::{Arc, Mutex};

use scim_core::schema::standard::{self, ENTERPRISE_USER};
use scim_core::schema::{ResourceType, Returned};
use scim_core::{
    Change, ChangedMembers, Context, ETag, Event, Identity, MemoryProvider, Monitor, Provider, Resource,
    Result, ScimService, Update, UpdateOptions, Updated, async_trait,
};
use serde_json::{Value, json};

use crate::client::{Client, bulk_request, json_of, patch_request, user};
use crate::overriding::{Overrides, Overriding};

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
            Change::Adopted(_) => "adopted",
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

    // It depends on what is stored whether the value is created.
    let path_of_mail = "emails[type eq \"work\"].value";
    let add_mail = |value: &str| json!([{ "op": "replace", "path": path_of_mail, "value": value }]);
    let created_mail = service.patch(&path, add_mail("ann@example.com"));
    let mut creation_of_mail = event("patch", "updated", &deactivated, &created_mail, 200, Value::Null);
    creation_of_mail["tolerated"] = json!(["replace-creates"]);
    assert_eq!(service.take_events(), [creation_of_mail]);
    let changed = service.patch(&path, add_mail("ann@example.org"));
    let replaced_mail = event("patch", "updated", &created_mail, &changed, 200, Value::Null);
    assert_eq!(service.take_events(), [replaced_mail]);

    let password_set =
        service.patch(&path, json!([{ "op": "replace", "path": "password", "value": "new horse" }]));
    let mut password_change = event("patch", "updated", &changed, &password_set, 200, Value::Null);
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

/// The resource of each event, and the members that came and went.
#[derive(Clone, Default)]
struct StateMonitor(Arc<Mutex<Vec<(Value, Value)>>>);

impl Monitor for StateMonitor {
    fn changed(&self, event: &Event<'_>) {
        let resource = event.resource().map_or(Value::Null, |resource| json!(resource.as_map()));
        let members = json!([event.added_members(), event.removed_members()]);
        self.0.lock().unwrap().push((resource, members));
    }
}

#[test]
fn a_monitor_gets_the_resource_after_the_change_and_the_members_that_changed() {
    let (store, monitor) = (MemoryProvider::new(), StateMonitor::default());
    let builder = ScimService::builder().base_url("https://example.com").monitor(monitor.clone());
    // A response to a PATCH of a group has no body.
    let service = builder
        .users(store.clone())
        .large_resource(scim_core::schema::standard::group_type(), store)
        .build()
        .unwrap();
    let client = Client::new(service).identity(Identity::new("hr"));
    let take = || std::mem::take(&mut *monitor.0.lock().unwrap());
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let [ann, bob, cy] = ["ann", "bob", "cy"].map(|name| client.create("/Users", &user(name)));
    take();

    let rename = json!([{ "op": "replace", "path": "userName", "value": "anne" }]);
    let path = format!("{ann}?attributes=title");
    let response = client.send("PATCH", &path, patch_request(rename).to_string());
    assert_eq!(json_of(&response).get("userName"), None, "the client does not see it");
    let [(resource, members)] = take().try_into().unwrap();
    assert_eq!((&resource["userName"], &members), (&json!("anne"), &json!([[], []])));

    let group = json!({ "schemas": [scim_core::schema::standard::GROUP], "displayName": "Crew",
        "members": [{ "value": id(&ann) }, { "value": id(&bob) }] });
    let path = client.create("/Groups", &group);
    let [(resource, members)] = take().try_into().unwrap();
    assert_eq!(resource["displayName"], "Crew");
    assert_eq!(members, json!([[id(&ann), id(&bob)], []]));

    let add =
        json!([{ "op": "add", "path": "members", "value": [{ "value": id(&bob) }, { "value": id(&cy) }] }]);
    let response = client.send("PATCH", &path, patch_request(add).to_string());
    assert_eq!(response.status(), 204);
    let [(resource, members)] = take().try_into().unwrap();
    assert_eq!((&resource["displayName"], resource.get("members")), (&json!("Crew"), None));
    assert_eq!(members, json!([[id(&cy)], []]));

    let mut put = group.clone();
    put["members"] = json!([{ "value": id(&cy) }]);
    assert_eq!(client.send("PUT", &path, put.to_string()).status(), 200);
    let [(resource, members)] = take().try_into().unwrap();
    assert_eq!(resource["members"].as_array().map(Vec::len), Some(1), "the response shows it too");
    assert_eq!(members, json!([[], [id(&ann), id(&bob)]]));

    client.call_empty("DELETE", &path);
    assert_eq!(take(), [(Value::Null, json!([[], []]))]);
}

#[test]
fn a_monitor_does_not_change_what_a_response_shows() {
    let group = standard::group().adjust("members", |list| list.with_returned(Returned::Request)).unwrap();
    let group = ResourceType::builder("Group", "/Groups", group).build().unwrap();
    let bodies = [false, true].map(|has_monitor| {
        let store = MemoryProvider::new();
        let builder = ScimService::builder().base_url("https://example.com").users(store.clone());
        let builder = builder.resource(group.clone(), store);
        let service =
            if has_monitor { builder.monitor(StateMonitor::default()) } else { builder }.build().unwrap();
        let client = Client::new(service).identity(Identity::new("hr"));
        let user = client.create("/Users", &user("ann"));
        let member = json!([{ "value": user.rsplit('/').next().unwrap() }]);
        let body = json!({ "schemas": [standard::GROUP], "displayName": "Crew", "members": member });
        let path = client.create("/Groups", &body);
        let rename = json!([{ "op": "replace", "path": "displayName", "value": "All" }]);
        let rename = patch_request(rename).to_string();
        ["", "?attributes=members", "?excludedAttributes=meta"].map(|query| {
            let body = json_of(&client.send("PATCH", &format!("{path}{query}"), rename.clone()));
            let names = body.as_object().unwrap().keys();
            names.map(|name| format!("{name} {}", body[name].is_array())).collect::<Vec<_>>()
        })
    });
    assert_eq!(bodies[0], bodies[1]);
    assert!(bodies[0][1].contains(&"members true".to_owned()), "{bodies:?}");
}

#[test]
fn the_members_that_changed_follow_from_the_states_before_and_after() {
    let list = |ids: &[&str]| {
        let elements: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let group =
            json!({ "id": "g", "members": elements, "meta": { "version": format!("W/\"{}\"", ids.len()) } });
        Resource::new(group.as_object().unwrap().clone())
    };
    let changed = Updated::new(&list(&["a", "b"]), &list(&["b", "c", "d"]), &UpdateOptions::new());
    assert_eq!(changed.members, Default::default(), "nobody asks for it");
    // A provider that keeps groups as documents, as the guide shows.
    let monitor = StateMonitor::default();
    let service = ScimService::builder()
        .base_url("https://example.com")
        .monitor(monitor.clone())
        .groups(Overriding(WholeDocuments(list(&["a", "b"]), MemoryProvider::new())))
        .build()
        .unwrap();
    let client = Client::new(service).identity(Identity::new("hr"));
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "b" }, { "value": "c" }] },
        { "op": "remove", "path": "members[value eq \"a\"]" }]);
    let response = client.send("PATCH", "/Groups/g", patch_request(add).to_string());
    assert!(response.status().is_success(), "{}", json_of(&response));
    assert_eq!(monitor.0.lock().unwrap()[0].1, json!([["c"], ["a"]]));
}

/// A provider that lets the client adopt whatever it creates.
#[derive(Clone)]
struct Adopting(MemoryProvider);

#[async_trait]
impl Overrides for Adopting {
    fn inner(&self) -> &dyn Provider {
        &self.0
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        let active = cx.resource_type().attribute("active").unwrap();
        let is_default = resource.text("userName") != Some("inactive");
        assert_eq!(cx.is_default(active), is_default);
        let created = self.0.create(cx, resource).await?;
        assert!(cx.check_adoption(created.id())?);
        cx.mark_adopted(ETag::new("before"), ChangedMembers::default());
        Ok(created)
    }
}

#[test]
fn an_adopted_resource_is_not_deleted_with_a_failed_bulk_request() {
    let (store, monitor) = (MemoryProvider::new(), RecordingMonitor::default());
    let builder = ScimService::builder().base_url("https://example.com").monitor(monitor.clone());
    let service = builder.users(Overriding(Adopting(store))).build().unwrap();
    let client = Client::new(service).identity(Identity::new("hr"));
    let mut inactive = user("inactive");
    inactive["active"] = false.into();
    let create = |name: &str, manager: &str| {
        let mut data = user(name);
        data["schemas"] = json!([data["schemas"][0], ENTERPRISE_USER]);
        data[ENTERPRISE_USER] = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
    };
    // Of two managers of each other, the later one is created first. Then the other cannot be created.
    client.create("/Users", &user("ann"));
    monitor.0.lock().unwrap().clear();
    let operations = json!([{ "method": "POST", "path": "/Users", "bulkId": "i", "data": inactive },
        create("ann", "bob"), create("bob", "ann")]);
    let response = client.send("POST", "/Bulk", bulk_request(operations).to_string());
    let results = json_of(&response);
    let statuses: Vec<&Value> =
        results["Operations"].as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, ["201", "409", "409"], "{results}");
    // It is still there, so the location stays.
    let location = results["Operations"][2]["location"].as_str().unwrap();
    let path = location.strip_prefix("https://example.com").unwrap();
    assert_eq!(json_of(&client.send("GET", path, ""))["userName"], "bob");
    let events = std::mem::take(&mut *monitor.0.lock().unwrap());
    let changes: Vec<&Value> = events.iter().map(|event| &event["change"]).collect();
    assert_eq!(changes, ["adopted", "adopted"]);
}

/// A provider with one group, which it changes as a whole and forgets.
struct WholeDocuments(Resource, MemoryProvider);

#[async_trait]
impl Overrides for WholeDocuments {
    fn inner(&self) -> &dyn Provider {
        &self.1
    }

    async fn update(
        &self,
        cx: &Context<'_>,
        _: &str,
        update: &Update,
        options: &UpdateOptions,
    ) -> Result<Updated> {
        let after = update.apply(cx, self.0.clone())?.resource.stamp_changed(cx, &self.0);
        Ok(Updated::new(&self.0, &after, options))
    }
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

#[test]
fn an_outcome_lists_what_was_tolerated_inside_bulk_requests_and_by_what_is_stored() {
    let service = ScimService::builder().base_url("https://example.com").users(MemoryProvider::new());
    let service = service.build().unwrap();
    let execute = |method: &str, path: &str, body: &Value| {
        let mut request = http::Request::builder().method(method).uri(path).body(()).unwrap();
        request.extensions_mut().insert(Identity::new("hr"));
        let (parts, ()) = request.into_parts();
        let operation = service.parse(&parts, body.to_string().as_bytes()).unwrap();
        pollster::block_on(service.execute(operation, &parts.extensions)).unwrap()
    };
    let names = |outcome: &scim_core::Outcome| -> Vec<&str> {
        outcome.tolerated().iter().map(|tolerated| tolerated.quirk.name()).collect()
    };
    let created = execute("POST", "/Users", &user("ann"));
    assert_eq!(names(&created), [""; 0]);
    let path = format!("/Users/{}", created.resource().unwrap().id());
    let operations = json!([
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ann@example.com" },
    ]);
    let patch = patch_request(operations);
    let bulk = bulk_request(json!([
        { "method": "PATCH", "path": path, "data": patch },
        { "method": "DELETE", "path": "/Users/nobody" },
    ]));
    let bulk = execute("POST", "/Bulk", &bulk);
    assert_eq!(names(&bulk), ["operation-case", "replace-creates"]);
    let results: Vec<(&str, u16, bool)> = bulk
        .bulk_results()
        .map(|result| (result.method, result.status.as_u16(), result.error.is_some()))
        .collect();
    assert_eq!(results, [("PATCH", 200, false), ("DELETE", 404, true)]);
    assert!(bulk.bulk_results().all(|result| result.location.is_some_and(|url| url.contains("/Users/"))));
    assert_eq!(created.bulk_results().len(), 0);
    assert_eq!(names(&execute("PATCH", &path, &patch)), [""; 0]);
}
