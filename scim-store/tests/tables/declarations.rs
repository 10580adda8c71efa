//! Declarations of unusual tables: what is served is kept, and a request that is refused changes nothing.

use http::Method;
use scim_core::schema::standard::ENTERPRISE_USER;
use scim_core::schema::{Attribute, Schema};
use scim_store::{ChildTable, Expression, Table, TableStore};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, BADGE, Form};
use crate::client::{Client, group, id, user};
use crate::support;

/// A store on the table `people` of an application.
fn store(runtime: &Runtime, application: &Application, change: impl FnOnce(Table) -> Table) -> TableStore {
    let database = runtime.block_on(scim_store::open(&application.database.url)).unwrap();
    let builder = TableStore::builder(database).users(change(application.people()));
    runtime.block_on(builder.build()).unwrap()
}

#[test]
fn a_value_that_does_not_fit_changes_nothing_else_of_the_request() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, floor integer);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (id <SERIAL>, person_id integer NOT NULL, address text);
        CREATE INDEX addresses_person ON {}addresses (person_id)";
    for application in Application::with_tables(&runtime, ddl) {
        let badge = Schema::new(BADGE, "Badge", [Attribute::integer("floor")]).unwrap();
        let addresses = format!("{}addresses", application.schema);
        let store = store(&runtime, &application, |people| {
            let emails = ChildTable::new(addresses, "person_id").text("value", "address");
            people.extension(badge).integer(&format!("{BADGE}:floor"), "floor").many("emails", emails)
        });
        let client = Client::new(&runtime, &application, &store);
        let mut bea = user("bea");
        bea["emails"] = json!([{ "value": "old@example.com" }]);
        let (path, _) = client.create("/Users", bea);
        let too_large = if application.database.is_file() { 1 } else { 3_000_000_000_i64 };
        let patch = json!({ "schemas": [scim_core::patch::PATCH_OP], "Operations": [
            { "op": "replace", "path": "emails", "value": [{ "value": "new@example.com" }] },
            { "op": "replace", "path": format!("{BADGE}:floor"), "value": too_large },
        ] });
        let patched = client.send(Method::PATCH, &path, Some(patch));
        let address = application.sql(&runtime, "SELECT address FROM {}addresses");
        match application.database.is_file() {
            // An integer of SQLite has 64 bits, so the request succeeds.
            true => assert_eq!((patched.status, address[0][0].as_str()), (200, "new@example.com")),
            false => assert_eq!((patched.status, address[0][0].as_str()), (400, "old@example.com")),
        }
        if !application.database.is_file() {
            // No row of a 32-bit key has this id.
            assert_eq!(client.send(Method::GET, "/Users/p9999999999", None).status, 404);
            let page = client.search("/Users", json!({ "filter": "id eq \"p9999999999\"" }));
            assert_eq!((page.status, &page.body["totalResults"]), (200, &json!(0)));
        }
    }
}

#[test]
fn the_rest_keeps_whole_attributes_only() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, first text, mail text, rest <JSON>);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let store = store(&runtime, &application, |people| {
            people.text("name.givenName", "first").one("emails", "mail", "work").rest("rest")
        });
        let types = store.resource_types();
        let name = types[0].attribute("name").unwrap();
        assert!(name.sub_attribute("givenName").is_some() && name.sub_attribute("familyName").is_none());
        assert!(types[0].attribute("emails").unwrap().sub_attribute("display").is_none());
        assert!(types[0].attribute("password").is_none() && types[0].attribute("groups").is_none());
        let client = Client::new(&runtime, &application, &store);
        let mut bea = user("bea");
        bea["nickName"] = json!("b");
        bea["addresses"] = json!([{ "locality": "Kiel", "type": "work" }]);
        let (path, _) = client.create("/Users", bea.clone());
        let read = client.send(Method::GET, &path, None).body;
        assert_eq!((&read["nickName"], &read["addresses"]), (&bea["nickName"], &bea["addresses"]));
        let page = client.search("/Users", json!({ "filter": "addresses.locality eq \"KIEL\"" }));
        assert_eq!(page.body["totalResults"], json!(1), "{}", page.body);
    }
}

#[test]
fn one_column_can_have_two_attributes() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let store = store(&runtime, &application, |people| people.one("emails", "login", "work"));
        let client = Client::new(&runtime, &application, &store);
        let (path, created) = client.create("/Users", user("bea@example.com"));
        assert_eq!(created.body["emails"][0]["value"], json!("bea@example.com"));
        // The e-mail is the login, so leaving it out does not clear it.
        let put = client.send(Method::PUT, &path, Some(user("bea@example.com")));
        assert_eq!((put.status, &put.body["userName"]), (200, &json!("bea@example.com")));
        let renamed =
            client.patch(&path, json!({ "op": "replace", "path": "userName", "value": "bee@example.com" }));
        assert_eq!(renamed.body["emails"][0]["value"], json!("bee@example.com"));
        let mut other = user("x@example.com");
        other["emails"] = json!([{ "type": "work", "value": "y@example.com" }]);
        assert_eq!(client.send(Method::POST, "/Users", Some(other)).status, 400);
    }
}

#[test]
fn rows_with_empty_texts_and_orphans_do_not_hide_others() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, title text NOT NULL, status text);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (id <SERIAL>, person_id integer, address text);
        CREATE INDEX addresses_person ON {}addresses (person_id);
        INSERT INTO {}people (login, title, status) VALUES ('bea', '', 'on');
        INSERT INTO {}addresses (person_id, address) VALUES (NULL, 'nobody@example.com')";
    for application in Application::with_tables(&runtime, ddl) {
        let addresses = format!("{}addresses", application.schema);
        let store = store(&runtime, &application, |people| {
            let emails = ChildTable::new(addresses, "person_id").text("value", "address");
            let active = Expression::boolean("t.status = 'on'")
                .writes("status", "CASE WHEN {} THEN 'on' ELSE 'off' END");
            people.text("title", "title").many("emails", emails).expression("active", active)
        });
        let client = Client::new(&runtime, &application, &store);
        for filter in
            ["not (emails pr)", "emails.value ne \"x\"", "active eq true", "title eq \"\"", "userName pr"]
        {
            let page = client.search("/Users", json!({ "filter": filter }));
            assert_eq!(
                (page.status, &page.body["totalResults"]),
                (200, &json!(1)),
                "{filter}: {}",
                page.body
            );
        }
        assert_eq!(client.send(Method::GET, "/Users/p1", None).status, 200);
        let off = client.patch("/Users/p1", json!({ "op": "replace", "path": "active", "value": false }));
        assert_eq!((off.status, &off.body["active"]), (200, &Value::Bool(false)));
    }
}

#[test]
fn rows_with_one_position_are_in_the_order_of_their_values() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (person_id integer NOT NULL, address text, kind text, position integer);
        CREATE INDEX addresses_person ON {}addresses (person_id);
        INSERT INTO {}people (login) VALUES ('bea');
        INSERT INTO {}addresses VALUES (1, 'c', 'other', 1);
        INSERT INTO {}addresses VALUES (1, 'b', 'work', 2);
        INSERT INTO {}addresses VALUES (1, 'b', 'home', 2);
        INSERT INTO {}addresses VALUES (1, 'a', 'work', 2)";
    for application in Application::with_tables(&runtime, ddl) {
        let addresses = format!("{}addresses", application.schema);
        let store = store(&runtime, &application, |people| {
            let emails =
                ChildTable::new(addresses, "person_id").text("value", "address").text("type", "kind");
            people.many("emails", emails.order("position"))
        });
        let client = Client::new(&runtime, &application, &store);
        let read = client.get("/Users/p1").body;
        let emails = read["emails"].as_array().unwrap().iter();
        let found: Vec<String> = emails.map(|e| format!("{} {}", e["value"], e["type"])).collect();
        let expected = [("c", "other"), ("a", "work"), ("b", "home"), ("b", "work")];
        assert_eq!(found, expected.map(|(value, kind)| format!("{:?} {:?}", value, kind)));
    }
}

#[test]
fn leaving_out_an_attribute_with_its_default_changes_nothing() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL, title text NOT NULL DEFAULT '',
            nick text NOT NULL DEFAULT 'Nobody', nick_folded text NOT NULL DEFAULT 'nobody',
            is_active <BOOL> NOT NULL DEFAULT TRUE, updated_at <TIME>);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE INDEX people_nick ON {}people (nick_folded)";
    for application in Application::with_tables(&runtime, ddl) {
        let store = store(&runtime, &application, |people| {
            let people =
                people.text("title", "title").text("nickName", "nick").folded("nickName", "nick_folded");
            people.boolean("active", "is_active").timestamps("updated_at", "updated_at")
        });
        let client = Client::new(&runtime, &application, &store);
        let (path, created) = client.create("/Users", user("bea"));
        assert_eq!((&created.body["nickName"], &created.body["active"]), (&json!("Nobody"), &json!(true)));
        let put = client.send(Method::PUT, &path, Some(user("bea")));
        assert_eq!((put.status, put.version), (200, created.version), "{}", put.body);

        let changed = client.patch(&path, json!({ "op": "replace", "path": "nickName", "value": "B" }));
        assert_eq!((&changed.body["nickName"], &changed.body["title"]), (&json!("B"), &json!("")));
        let put = client.send(Method::PUT, &path, Some(user("bea")));
        assert_eq!((&put.body["nickName"], &put.body["title"]), (&json!("Nobody"), &json!("")));
        assert_ne!(put.version, changed.version);
        assert_eq!(client.count("/Users", "nickName eq \"NOBODY\""), 1);
    }
}

#[test]
fn ids_are_compared_exactly_wherever_they_are() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let store = application.store(&runtime);
        for (resource_type, path) in [(0, "manager"), (0, "groups"), (1, "members")] {
            let resource_type = &store.resource_types()[resource_type];
            let target = resource_type.all_attributes().find(|a| a.attribute().name() == path).unwrap();
            assert!(target.sub_attribute("value").unwrap().definition().is_case_exact(), "{path}");
        }
        let client = Client::new(&runtime, &application, &store);
        let (bea, _) = client.create("/Users", user("bea"));
        client.create("/Groups", group("All", &[&bea]));
        let mut cy = user("cy");
        cy[ENTERPRISE_USER] = json!({ "manager": { "value": id(&bea) } });
        client.create("/Users", cy);
        for (value, found) in [(id(&bea).to_owned(), 1), (id(&bea).to_uppercase(), 0)] {
            assert_eq!(client.count("/Groups", &format!("members.value eq \"{value}\"")), found);
            assert_eq!(client.count("/Users", &format!("manager.value eq \"{value}\"")), found);
            assert_eq!(client.count("/Users", &format!("manager.value sw \"{value}\"")), found);
            assert_eq!(client.get(&format!("/Users/{value}")).status == 200, found == 1);
        }
    }
}

#[test]
fn members_show_a_display_name_in_the_rest() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Folded) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let mut bea = user("bea");
        bea["displayName"] = json!("Bea Roe");
        let (bea, _) = client.create("/Users", bea);
        let (cy, _) = client.create("/Users", user("cy"));
        let (team, _) = client.create("/Groups", group("All", &[&bea, &cy]));
        let read = client.get(&team).body;
        let members = read["members"].as_array().unwrap().iter();
        let names: Vec<&Value> = members.map(|member| &member["display"]).collect();
        assert_eq!(names, [&json!("Bea Roe"), &json!("cy")]);
        for (name, found) in [("bea roe", 1), ("CY", 1), ("bea", 0)] {
            assert_eq!(client.count("/Groups", &format!("members.display eq \"{name}\"")), found, "{name}");
        }
    }
}

#[test]
fn a_required_column_of_a_child_table_is_a_required_sub_attribute() {
    let runtime = support::runtime();
    let ddl = "
        CREATE TABLE {}people (id <SERIAL>, login text NOT NULL);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login));
        CREATE TABLE {}addresses (person_id integer NOT NULL, address text NOT NULL, kind text);
        CREATE INDEX addresses_person ON {}addresses (person_id);
        CREATE INDEX addresses_address ON {}addresses (lower(address))";
    for application in Application::with_tables(&runtime, ddl) {
        let addresses = format!("{}addresses", application.schema);
        let store = store(&runtime, &application, |people| {
            let emails = ChildTable::new(addresses, "person_id").text("value", "address");
            people.many("emails", emails.text("type", "kind"))
        });
        let client = Client::new(&runtime, &application, &store);
        let mut bea = user("bea");
        bea["emails"] = json!([{ "type": "work" }]);
        let refused = client.send(Method::POST, "/Users", Some(bea.clone()));
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert_eq!((refused.status, detail.contains("emails.value")), (400, true), "{}", refused.body);
        bea["emails"] = json!([{ "value": "Bea@example.com" }]);
        client.create("/Users", bea);
        for filter in
            ["emails.value eq \"BEA@example.com\"", "emails[value sw \"bea@\"]", "emails co \"A@EX\""]
        {
            assert_eq!(client.count("/Users", filter), 1, "{filter}");
        }
    }
}

#[test]
fn a_group_is_told_apart_from_an_unknown_member() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let store = application.store(&runtime);
        let groups = &store.resource_types()[1];
        assert_eq!(groups.description(), "Group of users");
        let member_type = groups.attribute("members").unwrap().sub_attribute("type").unwrap();
        assert_eq!(member_type.definition().canonical_values(), ["User"]);
        let client = Client::new(&runtime, &application, &store);
        let (all, _) = client.create("/Groups", group("All", &[]));
        let (some, _) = client.create("/Groups", group("Some", &[]));
        for (id, reason) in [(id(&some), "users only"), ("p999", "there is no resource `p999`")] {
            let add = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
            let refused = client.patch(&all, add);
            let detail = refused.body["detail"].as_str().unwrap_or_default();
            assert_eq!((refused.status, detail.contains(reason)), (400, true), "{}", refused.body);
        }
    }
}
