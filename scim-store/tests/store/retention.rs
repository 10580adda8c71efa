//! Tests of deleted resources that are kept, restored and purged.

use chrono::{TimeDelta, Utc};
use http::Method;
use scim_core::schema::standard::{self, ENTERPRISE_USER};
use serde_json::{Value, json};

use crate::support;
use crate::support::service::{Client, patch, user};

fn id_of(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

/// A resource without what changes when it is restored.
fn without_version(mut resource: Value) -> Value {
    let meta = resource["meta"].as_object_mut().unwrap();
    meta.remove("version");
    meta.remove("lastModified");
    resource
}

#[test]
fn deleted_resources_are_restored_until_they_are_purged() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).retain(7);
        let client = Client::new(&runtime, &store);
        let (tenant, url) = (Some(client.tenant.as_str()), &database.url);
        let restore = |id: &str| runtime.block_on(store.restore(tenant, id));
        let total = |filter: &str| {
            client.search("/Users", json!({ "filter": filter })).1["totalResults"].as_u64().unwrap()
        };

        let mut bea = user("bea");
        bea["password"] = json!("correct horse");
        bea["emails"] = json!([{ "value": "bea@example.com", "type": "work" }, { "value": "b@b.example" }]);
        let (bea, ada) = (client.create("/Users", bea), client.create("/Users", user("ada")));
        let (bea_id, ada_id) = (id_of(&bea), id_of(&ada));
        let bea_path = format!("/Users/{bea_id}");
        let group = json!({
            "schemas": [standard::GROUP], "displayName": "Crew",
            "members": [{ "value": ada_id, "display": "Captain" }, { "value": bea_id }],
        });
        let group = client.create("/Groups", group);
        let group_path = format!("/Groups/{}", id_of(&group));

        // A deleted user does not exist, and its name is free.
        assert_eq!(restore(bea_id).unwrap_err().status(), 404, "{url}: it exists");
        assert_eq!(restore("\0").unwrap_err().status(), 404, "{url}");
        assert_eq!(client.send(Method::DELETE, &bea_path, None).0, 204);
        assert_eq!(client.send(Method::GET, &bea_path, None).0, 404);
        assert_eq!(client.send(Method::DELETE, &bea_path, None).0, 404);
        assert_eq!(
            client.send(Method::PATCH, &bea_path, patch(json!({ "op": "remove", "path": "title" }))).0,
            404
        );
        assert_eq!(total("userName eq \"bea\" or emails.value eq \"bea@example.com\""), 0);
        let other = client.create("/Users", user("bea"));
        let error = restore(bea_id).unwrap_err();
        assert_eq!(
            (error.status().as_u16(), error.scim_type().map(|kind| kind.as_str())),
            (409, Some("uniqueness"))
        );
        assert_eq!(client.send(Method::DELETE, &format!("/Users/{}", id_of(&other)), None).0, 204);

        // It comes back with all that it had, but is in no group.
        assert_eq!(
            runtime.block_on(store.restore(Some("another tenant"), bea_id)).unwrap_err().status(),
            404
        );
        let restored = restore(bea_id).unwrap();
        assert_eq!(restored.id(), bea_id);
        let (status, shown) = client.send(Method::GET, &bea_path, None);
        assert_eq!(status, 200, "{url}: {shown}");
        assert_ne!(shown["meta"]["version"], bea["meta"]["version"]);
        assert_eq!(without_version(shown), without_version(bea.clone()), "{url}");
        assert_eq!(total("emails.value eq \"bea@example.com\" and emails.value co \"b@b\""), 1);
        assert!(runtime.block_on(store.verify_password(tenant, bea_id, "correct horse")).unwrap());
        assert_eq!(restore(bea_id).unwrap_err().status(), 404, "{url}: it exists");
        assert_eq!(client.send(Method::DELETE, &bea_path, None).0, 204);

        // A group comes back with the members that still exist.
        let (_, before) = client.send(Method::GET, &group_path, None);
        assert_eq!(client.send(Method::DELETE, &group_path, None).0, 204);
        assert_eq!(client.send(Method::GET, &format!("/Users/{ada_id}"), None).1.get("groups"), None);
        restore(id_of(&group)).unwrap();
        let (_, shown) = client.send(Method::GET, &group_path, None);
        assert_eq!(shown["members"].as_array().map(Vec::len), Some(1), "{url}");
        assert_eq!(without_version(shown), without_version(before), "{url}");
        assert_eq!(
            client.send(Method::GET, &format!("/Users/{ada_id}"), None).1["groups"][0]["display"],
            "Crew"
        );
        assert_eq!(client.send(Method::DELETE, &group_path, None).0, 204);
        assert_eq!(client.send(Method::DELETE, &format!("/Users/{ada_id}"), None).0, 204);
        assert!(!restore(id_of(&group)).unwrap().as_map().contains_key("members"), "{url}");

        // What is due is purged, and nothing else.
        runtime.block_on(store.purge(Utc::now() + TimeDelta::days(6))).unwrap();
        restore(ada_id).unwrap();
        assert_eq!(client.send(Method::DELETE, &format!("/Users/{ada_id}"), None).0, 204);
        assert!(runtime.block_on(store.purge(Utc::now() + TimeDelta::days(8))).unwrap() >= 2, "{url}");
        assert_eq!(restore(ada_id).unwrap_err().status(), 404);
        assert_eq!(restore(bea_id).unwrap_err().status(), 404);
    }
}

#[test]
fn nothing_is_kept_by_default() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let bea = client.create("/Users", user("bea"));
        assert_eq!(client.send(Method::DELETE, &format!("/Users/{}", id_of(&bea)), None).0, 204);
        let restored = runtime.block_on(store.restore(Some(&client.tenant), id_of(&bea)));
        assert_eq!(restored.unwrap_err().status(), 404, "{}", database.url);
    }
}

#[test]
fn a_restored_resource_has_no_reference_to_a_deleted_one() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database).retain(7);
        let client = Client::new(&runtime, &store);
        let delete = |resource: &Value| {
            assert_eq!(client.send(Method::DELETE, &format!("/Users/{}", id_of(resource)), None).0, 204);
        };
        let (boss, ada) = (client.create("/Users", user("boss")), client.create("/Users", user("ada")));
        let with_manager = |name: &str, manager: &str| {
            let mut user = user(name);
            user[ENTERPRISE_USER] = json!({ "department": "Sales", "manager": { "value": manager } });
            client.create("/Users", user)
        };
        let (bea, cy) = (with_manager("bea", id_of(&boss)), with_manager("cy", id_of(&ada)));
        // A manager that was never a user of this store is kept.
        let dan = with_manager("dan", "somebody else");
        for resource in [&bea, &cy, &dan, &boss] {
            delete(resource);
        }
        let manager = |resource: &Value| {
            runtime.block_on(store.restore(Some(&client.tenant), id_of(resource))).unwrap();
            let (_, restored) = client.send(Method::GET, &format!("/Users/{}", id_of(resource)), None);
            assert_eq!(restored[ENTERPRISE_USER]["department"], "Sales", "{}", database.url);
            restored[ENTERPRISE_USER]["manager"]["value"].as_str().map(str::to_owned)
        };
        assert_eq!(manager(&bea), None, "{}", database.url);
        assert_eq!(manager(&cy).as_deref(), Some(id_of(&ada)));
        assert_eq!(manager(&dan).as_deref(), Some("somebody else"));
        // The manager itself comes back alone.
        runtime.block_on(store.restore(Some(&client.tenant), id_of(&boss))).unwrap();
        let filter = format!("manager.value eq \"{}\"", id_of(&boss));
        assert_eq!(client.search("/Users", json!({ "filter": filter })).1["totalResults"], 0);
    }
}
