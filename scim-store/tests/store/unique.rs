//! Tests of unique attributes.

use crate::support;
use crate::support::service::{Client, patch, user};
use http::Method;
use scim_core::schema::standard;
use serde_json::{Value, json};

fn employee(name: &str, number: &str) -> Value {
    let mut body = user(name);
    body["externalId"] = json!(number);
    body["emails"] = json!([{ "value": format!("{name}@example.com") }]);
    body
}

#[test]
fn several_attributes_of_a_type_can_be_unique() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store =
            support::open(&runtime, &database).unique("User", "externalId").unique("User", "emails.value");
        let client = Client::new(&runtime, &store);
        let refused = |(status, body): (u16, Value), attribute: &str| {
            assert_eq!((status, body["scimType"].as_str()), (409, Some("uniqueness")), "{body}");
            assert!(body["detail"].as_str().unwrap().contains(attribute), "{attribute}: {body}");
        };
        let create = |body: Value| client.send(Method::POST, "/Users", Some(body));

        let ada = client.create("/Users", employee("ada", "1"));
        let ada = format!("/Users/{}", ada["id"].as_str().unwrap());
        let bea = client.create("/Users", employee("bea", "2"));
        let bea = format!("/Users/{}", bea["id"].as_str().unwrap());
        refused(create(employee("ADA", "3")), "userName");
        refused(create(employee("eve", "1")), "externalId");
        let mut body = employee("eve", "3");
        body["emails"] = json!([{ "value": "eve@example.com" }, { "value": "ADA@example.com" }]);
        refused(create(body), "emails.value");
        let change = |path: &str, number: &str| {
            let operation = json!({ "op": "replace", "path": "externalId", "value": number });
            client.send(Method::PATCH, path, patch(operation))
        };
        refused(change(&bea, "1"), "externalId");

        // A value is free again when its resource has another value, or is deleted.
        assert_eq!(change(&ada, "4").0, 200);
        assert_eq!(change(&bea, "1").0, 200);
        assert_eq!(client.send(Method::DELETE, &bea, None).0, 204);
        client.create("/Users", employee("bea", "1"));
        // Other tenants can have the same values.
        Client::new(&runtime, &store).create("/Users", employee("ada", "4"));

        // Of several concurrent requests one succeeds.
        let calls =
            (0..16).map(|n| client.call(Method::POST, "/Users", Some(employee(&format!("u{n}"), "9"))));
        let mut answers: Vec<u16> =
            runtime.block_on(support::join_all(calls)).iter().map(|(status, _)| *status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [[201].as_slice(), &[409; 15]].concat(), "{}", database.url);
    }
}

#[test]
fn a_rule_can_be_added_to_stored_resources() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let before = Client::new(&runtime, &store);
        let create = |client: &Client<'_>, name: &str, number: &str| {
            let created = client.create("/Users", employee(name, number));
            format!("/Users/{}", created["id"].as_str().unwrap())
        };
        let ada = create(&before, "ada", "1");
        let group = json!({ "schemas": [standard::GROUP], "displayName": "Sales", "externalId": "s" });
        before.create("/Groups", group);
        let store = store.unique("User", "externalId").unique("Group", "externalId");
        let client = Client::in_tenant(&runtime, store, &before.tenant);
        // A stored value has no row in `unique_value`, so another resource can have it, and keep it.
        let bea = create(&client, "bea", "1");
        let change = |path: &str, number: &str| {
            let operation = json!({ "op": "replace", "path": "externalId", "value": number });
            client.send(Method::PATCH, path, patch(operation)).0
        };
        assert_eq!(change(&ada, "2"), 200, "{}", database.url);
        let eve = client.send(Method::POST, "/Users", Some(employee("eve", "1")));
        assert_eq!(eve.0, 409, "{}: {}", database.url, eve.1);
        assert_eq!([change(&bea, "2"), change(&bea, "3"), change(&ada, "1")], [409, 200, 200]);
        // The filter must find a value that was stored before the rule.
        let (_, page) = client.search("/Groups", json!({ "filter": "externalId eq \"s\"" }));
        assert_eq!(page["totalResults"], 1, "{}", database.url);
    }
}
