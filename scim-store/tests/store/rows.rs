//! Tests of the content of the tables, and of what requests read from them.

use crate::support;
use crate::support::service::{Client, patch, user};
use http::Method;
use scim_core::schema::{Attribute, Mutability, ResourceType, Schema, standard};
use serde_json::{Value, json};

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

/// The databases that another connection can read.
fn databases() -> impl Iterator<Item = support::Database> {
    support::databases().into_iter().filter(|database| !database.url.contains(":memory:"))
}

#[test]
fn documents_contain_no_passwords_and_no_members() {
    let runtime = support::runtime();
    for database in databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let mut body = user("bea");
        body["password"] = json!("correct horse");
        let bea = client.create("/Users", body);
        let members = json!([{ "value": id(&bea) }]);
        let group = json!({ "schemas": [standard::GROUP], "displayName": "All", "members": members });
        client.create("/Groups", group);
        let from = format!("FROM resource WHERE tenant = ':{}' ORDER BY place", client.tenant);
        let rows = support::run_sql(&runtime, &database, &format!("SELECT document, password {from}"));
        let [user, group] = &rows[..] else { panic!("{rows:?}") };
        assert!(user[1].starts_with("$argon2id$"), "{user:?}");
        assert_eq!(group[1], "");
        for row in [user, group] {
            let document: Value = serde_json::from_str(&row[0]).unwrap();
            for name in ["password", "members", "groups", "id", "meta"] {
                assert_eq!(document.get(name), None, "{document}");
            }
        }
        assert!(!format!("{rows:?}").contains("correct horse"));
    }
}

#[test]
fn a_deleted_resource_leaves_only_a_tombstone() {
    let runtime = support::runtime();
    for database in databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let mut body = user("bea");
        body["emails"] = json!([{ "value": "bea@example.com" }]);
        let bea = client.create("/Users", body);
        let members = json!([{ "value": id(&bea) }]);
        let group = json!({ "schemas": [standard::GROUP], "displayName": "All", "members": members });
        let group = client.create("/Groups", group);
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table} WHERE tenant = ':{}'", client.tenant);
            support::run_sql(&runtime, &database, &sql).remove(0).remove(0)
        };
        assert_ne!(count("value"), "0");
        for path in [format!("/Users/{}", id(&bea)), format!("/Groups/{}", id(&group))] {
            assert_eq!(client.send(Method::DELETE, &path, None).0, 204);
        }
        let tables = ["resource", "value", "unique_value", "member", "tombstone"];
        assert_eq!(tables.map(count), ["0", "0", "0", "0", "2"]);
        let sql = format!("SELECT id, kind FROM tombstone WHERE tenant = ':{}'", client.tenant);
        let mut rows = support::run_sql(&runtime, &database, &sql);
        rows.sort_by(|a, b| b[1].cmp(&a[1]));
        assert_eq!(rows, [[id(&bea), "User"], [id(&group), "Group"]]);
    }
}

#[test]
fn members_are_read_only_if_they_are_shown() {
    let runtime = support::runtime();
    for database in databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let users: Vec<Value> = (0..4).map(|n| client.create("/Users", user(&format!("user{n}")))).collect();
        let members: Vec<Value> = users[..3].iter().map(|user| json!({ "value": id(user) })).collect();
        let group = json!({ "schemas": [standard::GROUP], "displayName": "All", "members": members });
        let group = format!("/Groups/{}", id(&client.create("/Groups", group)));
        // Makes every request fail that reads an element.
        let damage = format!("UPDATE member SET element = 'damaged' WHERE tenant = ':{}'", client.tenant);
        support::run_sql(&runtime, &database, &damage);
        assert_eq!(client.send(Method::GET, &group, None).0, 500, "{}", database.url);
        for path in [
            format!("{group}?excludedAttributes=members"),
            format!("{group}?attributes=displayName"),
            "/Groups?excludedAttributes=members".to_owned(),
            "/Groups?attributes=displayName&filter=displayName%20eq%20%22all%22".to_owned(),
            format!("/Users/{}", id(&users[0])),
        ] {
            let (status, body) = client.send(Method::GET, &path, None);
            assert_eq!(status, 200, "{}: {path}: {body}", database.url);
        }
        for operation in [
            json!({ "op": "add", "path": "members", "value": [{ "value": id(&users[3]) }] }),
            json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&users[0])) }),
            json!({ "op": "replace", "path": "displayName", "value": "Some" }),
        ] {
            let (status, body) = client.send(Method::PATCH, &group, patch(operation.clone()));
            assert_eq!(status, 204, "{}: {operation}: {body}", database.url);
        }
        let sql = format!("SELECT count(*) FROM member WHERE tenant = ':{}'", client.tenant);
        assert_eq!(support::run_sql(&runtime, &database, &sql), [["3"]], "one was added and one removed");
    }
}

#[test]
fn the_last_element_of_a_required_list_cannot_be_removed() {
    let value = Attribute::string("value").with_mutability(Mutability::Immutable);
    let crew = Attribute::complex("crew", [value, Attribute::reference("$ref", ["User"])]);
    let uri = "urn:example:params:scim:schemas:core:2.0:Boat";
    let boat = Schema::new(uri, "Boat", [crew.multi_valued().required()]).unwrap();
    let boat = ResourceType::builder("Boat", "/Boats", boat).build().unwrap();
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::with_type(&runtime, &store, boat.clone());
        let [ada, bea] = ["ada", "bea"].map(|name| client.create("/Users", user(name)));
        let crew = json!([{ "value": id(&ada) }, { "value": id(&bea) }]);
        let boat = client.create("/Boats", json!({ "schemas": [uri], "crew": crew }));
        let path = format!("/Boats/{}", id(&boat));
        let remove = |user: &Value| {
            let operation = json!({ "op": "remove", "path": format!("crew[value eq \"{}\"]", id(user)) });
            client.send(Method::PATCH, &path, patch(operation)).0
        };
        assert_eq!([remove(&ada), remove(&bea)], [200, 400], "{}", database.url);
        assert_eq!(client.send(Method::GET, &path, None).1["crew"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn searches_find_what_is_not_in_the_search_index_yet() {
    let runtime = support::runtime();
    for database in databases().filter(support::Database::is_file) {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let found = |text: &str| {
            let (_, page) =
                client.search("/Users", json!({ "filter": format!("userName co \"{text}\""), "count": 0 }));
            page["totalResults"].as_u64().unwrap()
        };
        let count = |table: &str| -> usize {
            let sql = format!("SELECT count(*) FROM {table}");
            support::run_sql(&runtime, &database, &sql)[0][0].parse().unwrap()
        };
        let mut users = Vec::new();
        for number in 0..200_u64 {
            users.push(client.create("/Users", user(&format!("person{number:03}@example.com"))));
            assert_eq!(found("person"), number + 1);
            assert!(count("search_pending") < 64, "{number}");
        }
        assert!(count("search_docsize") >= 150, "the index is never written");
        for (number, user) in users.iter().enumerate() {
            let path = format!("/Users/{}", id(user));
            match number % 2 {
                0 => {
                    let name = format!("renamed{number:03}@example.com");
                    let rename = json!({ "op": "replace", "path": "userName", "value": name });
                    assert_eq!(client.send(Method::PATCH, &path, patch(rename)).0, 200);
                }
                _ => assert_eq!(client.send(Method::DELETE, &path, None).0, 204),
            }
            let rest = 199 - number as u64;
            assert_eq!((found("person"), found("renamed")), (rest, number as u64 / 2 + 1), "{number}");
        }
        assert!(count("search_docsize") < 160, "deleted resources stay in the index");
    }
}
