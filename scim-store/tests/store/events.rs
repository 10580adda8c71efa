//! Tests of the outbox: each change is an event, in the transaction of the change.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use http::Method;
use scim_core::schema::standard::{self, ENTERPRISE_USER};
use scim_core::{Identity, ScimService};
use scim_store::{ChangeEvent, Outbox};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support;
use crate::support::service::{Client, check_monitored_members, patch, user};

fn path(resource: &Value) -> String {
    resource["meta"]["location"].as_str().unwrap().replace("https://scim.example.com", "")
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

/// The events of a tenant after a position.
fn events(runtime: &Runtime, outbox: &Outbox, tenant: &str, after: i64) -> Vec<ChangeEvent> {
    let batch = runtime.block_on(outbox.events(Some(tenant), after, 1_000)).unwrap();
    assert!(!batch.missed);
    batch.events
}

/// What an event says, in short: its kind, type and attributes, and how many members came and went.
fn describe(event: &ChangeEvent) -> String {
    let ChangeEvent { resource_type, attributes, added_members, removed_members, .. } = event;
    let mut text = format!("{} {resource_type} {}", event.kind.as_str(), attributes.join(","));
    for (sign, members) in [('+', added_members), ('-', removed_members)] {
        if !members.is_empty() {
            text.push_str(&format!(" {sign}{}", members.len()));
        }
    }
    text
}

#[test]
fn each_change_is_one_event() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).record_events().retain(1);
        let client = Client::new(&runtime, &store);
        let outbox = store.outbox();
        let manager = format!("{ENTERPRISE_USER}:manager");
        let mut last = 0;
        let mut new_events = || {
            let found = events(&runtime, &outbox, &client.tenant, last);
            last = found.last().map_or(last, |event| event.position);
            found
        };
        let send = |method: Method, path: &str, body: Option<Value>| {
            let (status, body) = client.send(method, path, body);
            assert!(status < 300, "{}: {body}", database.url);
            body
        };

        let mut bea = user("bea");
        bea["password"] = json!("correct horse");
        bea["name"] = json!({ "givenName": "Bea" });
        let bea = client.create("/Users", bea);
        let [created] = new_events().try_into().unwrap();
        assert_eq!(describe(&created), "created User userName,name,active,password", "{}", database.url);
        assert_eq!((created.id.as_str(), created.principal.as_deref()), (id(&bea), Some("tests")));
        assert_eq!(created.tenant.as_deref(), Some(client.tenant.as_str()));
        assert_eq!(created.version_before, None);
        assert_eq!(created.version_after.as_ref().unwrap().to_string(), bea["meta"]["version"]);
        assert!((Utc::now() - created.time) < TimeDelta::seconds(60));

        // Nothing is recorded for what changes nothing, and for what is refused.
        send(
            Method::PATCH,
            &path(&bea),
            patch(json!({ "op": "replace", "path": "userName", "value": "bea" })),
        );
        assert_eq!(client.send(Method::POST, "/Users", Some(user("Bea"))).0, 409);
        assert_eq!(client.send(Method::DELETE, "/Users/unknown", None).0, 404);
        assert_eq!(new_events(), []);

        let ada = client.create("/Users", user("ada"));
        let change = json!({ "op": "add", "value": {
            "title": "Dr", "password": "new horse", ENTERPRISE_USER: { "manager": { "value": id(&ada) } },
        } });
        let changed = send(Method::PATCH, &path(&bea), patch(change));
        let [_, updated] = new_events().try_into().unwrap();
        assert_eq!(describe(&updated), format!("updated User title,{manager},password"));
        assert_eq!(updated.version_before, created.version_after);
        assert_eq!(updated.version_after.unwrap().to_string(), changed["meta"]["version"]);

        let group = json!({
            "schemas": [standard::GROUP], "displayName": "Crew",
            "members": [{ "value": id(&ada) }, { "value": id(&bea) }],
        });
        let group = client.create("/Groups", group);
        let members = |ids: &[&str]| ids.iter().map(|id| json!({ "value": id })).collect::<Value>();
        let remove = json!({ "op": "remove", "path": "members", "value": members(&[id(&bea), "another"]) });
        send(Method::PATCH, &path(&group), patch(remove));
        let add = json!({ "op": "add", "path": "members", "value": members(&[id(&ada), id(&bea)]) });
        send(Method::PATCH, &path(&group), patch(add));
        let put = json!({
            "schemas": [standard::GROUP], "displayName": "The crew", "members": members(&[id(&ada)]),
        });
        send(Method::PUT, &path(&group), Some(put));
        let found = new_events();
        let texts: Vec<String> = found.iter().map(describe).collect();
        let expected = [
            "created Group displayName +2",
            "updated Group  -1",
            "updated Group  +1",
            "updated Group displayName -1",
        ];
        assert_eq!(texts, expected, "{}", database.url);
        assert_eq!(found[0].added_members, [id(&ada), id(&bea)]);
        for index in [1, 2, 3] {
            assert_eq!(found[index].version_before, found[index - 1].version_after);
        }

        // The deletion of a user changes its groups, and those whose manager it was.
        send(Method::DELETE, &path(&ada), None);
        let found = new_events();
        let texts: Vec<String> = found.iter().map(describe).collect();
        let of_manager = format!("updated User {manager}");
        assert_eq!(texts, [&of_manager, "updated Group  -1", "deleted User "], "{}", database.url);
        assert_eq!(found[1].removed_members, [id(&ada)]);
        let versions = [&bea, &group].map(|resource| {
            let (_, resource) = client.send(Method::GET, &path(resource), None);
            resource["meta"]["version"].as_str().unwrap().to_owned()
        });
        let recorded = [&found[0], &found[1]].map(|event| event.version_after.as_ref().unwrap().to_string());
        assert_eq!(recorded, versions);
        assert_eq!(found[2].version_after, None);

        let restored = runtime.block_on(store.restore(Some(&client.tenant), id(&ada))).unwrap();
        let [event] = new_events().try_into().unwrap();
        assert_eq!(describe(&event), "restored User userName,active");
        assert_eq!(event.version_before, found[2].version_before);
        assert_eq!(event.version_after, restored.version());

        // One who is its own manager has one event.
        let own = json!({ "op": "add", "path": format!("{manager}.value"), "value": id(&ada) });
        let own = send(Method::PATCH, &path(&ada), patch(own));
        send(Method::DELETE, &path(&ada), None);
        let [_, deleted] = new_events().try_into().unwrap();
        assert_eq!(describe(&deleted), "deleted User ");
        assert_eq!(deleted.version_before.unwrap().to_string(), own["meta"]["version"]);
        runtime.block_on(store.restore(Some(&client.tenant), id(&ada))).unwrap();
        new_events();

        // A deleted group names all its members.
        let add = json!({ "op": "add", "path": "members", "value": members(&[id(&ada), id(&bea)]) });
        send(Method::PATCH, &path(&group), patch(add));
        send(Method::DELETE, &path(&group), None);
        let texts: Vec<String> = new_events().iter().map(describe).collect();
        assert_eq!(texts, ["updated Group  +2", "deleted Group  -2"]);

        assert_eq!(events(&runtime, &outbox, "another tenant", 0), []);
    }
}

#[test]
fn a_monitor_is_told_which_members_change() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let users = ["a", "b", "c"].map(|name| client.create("/Users", user(name)));
        let members = users.each_ref().map(id);
        let group = json!({ "schemas": [standard::GROUP], "displayName": "Crew",
            "members": [{ "value": members[0] }] });
        let group = client.create("/Groups", group);
        let builder = ScimService::builder().users(store.clone()).groups(store);
        let identity = Identity::new("tests").in_tenant(&client.tenant);
        check_monitored_members(&runtime, builder, &identity, (&path(&group), members));
    }
}

#[test]
fn nothing_is_recorded_by_default() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        client.create("/Users", user("bea"));
        assert_eq!(events(&runtime, &store.outbox(), &client.tenant, 0), []);
    }
}

#[test]
fn readers_go_on_where_they_were() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).record_events();
        let client = Client::new(&runtime, &store);
        let outbox = store.outbox();
        let tenant = Some(client.tenant.as_str());
        let is_waiting = |reader: &str| {
            let tenants = runtime.block_on(outbox.tenants_with_events(reader)).unwrap();
            tenants.contains(&Some(client.tenant.clone()))
        };
        let acknowledge = |reader: &str, position| {
            runtime.block_on(outbox.acknowledge(tenant, reader, position)).unwrap();
        };
        assert!(!is_waiting("mail"));
        for n in 0..5 {
            client.create("/Users", user(&format!("user{n}")));
        }
        assert!(is_waiting("mail") && is_waiting("crm"));
        let first = runtime.block_on(outbox.events(tenant, 0, 2)).unwrap();
        assert_eq!(first.events.len(), 2);
        let rest = runtime.block_on(outbox.events(tenant, first.position, 100)).unwrap();
        assert_eq!(rest.events.len(), 3);
        let nothing = runtime.block_on(outbox.events(tenant, rest.position, 100)).unwrap();
        assert_eq!((nothing.events.len(), nothing.position), (0, rest.position));

        assert_eq!(runtime.block_on(outbox.acknowledged(tenant, "mail")).unwrap(), 0);
        acknowledge("mail", first.position);
        acknowledge("crm", rest.position);
        assert_eq!(runtime.block_on(outbox.acknowledged(tenant, "mail")).unwrap(), first.position);
        assert!(is_waiting("mail") && !is_waiting("crm"));
        acknowledge("mail", rest.position);
        acknowledge("mail", first.position);
        assert_eq!(runtime.block_on(outbox.acknowledged(tenant, "mail")).unwrap(), rest.position);
        assert!(!is_waiting("mail"));

        for name in ["", "a\0b", "n".repeat(201).as_str()] {
            assert_eq!(runtime.block_on(outbox.acknowledge(tenant, name, 1)).unwrap_err().status(), 500);
            assert_eq!(runtime.block_on(outbox.tenants_with_events(name)).unwrap_err().status(), 500);
        }
    }
}

#[test]
fn old_events_are_pruned() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).record_events();
        let client = Client::new(&runtime, &store);
        let outbox = store.outbox();
        let tenant = Some(client.tenant.as_str());
        let read = |after| runtime.block_on(outbox.events(tenant, after, 1_000)).unwrap();
        for n in 0..10 {
            client.create("/Users", user(&format!("user{n}")));
        }
        let all = read(0);
        let (old, long_ago) = (Utc::now() + TimeDelta::hours(1), Utc::now() - TimeDelta::hours(1));

        // The other tests on the database record few events, so nothing of theirs is deleted.
        runtime.block_on(outbox.prune(long_ago, 1_000_000)).unwrap();
        assert_eq!(read(0), all, "{}", database.url);
        if database.url.starts_with("postgres") {
            // Pruning by count or age would delete the events of other tests.
            continue;
        }
        assert_eq!(runtime.block_on(outbox.prune(long_ago, 4)).unwrap(), 6);
        let after_pruning = read(0);
        assert!(after_pruning.missed);
        assert_eq!(after_pruning.events, all.events[6..]);
        assert!(!read(all.events[5].position).missed);
        assert!(read(all.events[4].position).missed);

        assert_eq!(runtime.block_on(outbox.prune(old, 1_000)).unwrap(), 4);
        let empty = read(0);
        assert_eq!((empty.events.len(), empty.position, empty.missed), (0, all.position, true));
        assert!(!read(all.position).missed);
        // A reader that has missed events is told so.
        let waiting = || runtime.block_on(outbox.tenants_with_events("late")).unwrap();
        assert_eq!(waiting(), [Some(client.tenant.clone())]);
        runtime.block_on(outbox.acknowledge(tenant, "late", empty.position)).unwrap();
        assert_eq!(waiting(), []);

        // Positions are never used again.
        client.create("/Users", user("another"));
        assert!(read(all.position).events[0].position > all.position);
    }
}

#[test]
fn a_commit_wakes_readers() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).record_events();
        let client = Client::new(&runtime, &store);
        let mut outbox = store.clone().outbox();
        let (long, start) = (Duration::from_secs(60), Instant::now());
        client.create("/Users", user("bea"));
        // The change was before the call, and after the one before it.
        runtime.block_on(outbox.wait(long));
        runtime.block_on(async {
            let change = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                client.call(Method::POST, "/Users", Some(user("ada"))).await
            };
            tokio::join!(outbox.wait(long), change)
        });
        assert!(start.elapsed() < long, "{}", database.url);
        assert_eq!(events(&runtime, &outbox, &client.tenant, 0).len(), 2);
        // Nothing happens, so this waits as long as it may.
        let start = Instant::now();
        runtime.block_on(outbox.wait(Duration::from_millis(50)));
        assert!(start.elapsed() >= Duration::from_millis(50));
    }
}
