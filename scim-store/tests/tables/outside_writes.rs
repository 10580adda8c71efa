//! The application writes to its tables with SQL between the requests: SCIM shows every change at once, and changes
//! nothing else.

use http::Method;
use scim_core::schema::standard::ENTERPRISE_USER;
use serde_json::{Value, json};

use crate::application::{Application, Form};
use crate::client::{Client, TENANT, group, id, patch, user};
use crate::support;

const OTHER_TENANT: &str = "11111111-2222-4333-8444-555555555555";

/// The key of a row, in the id of its resource.
fn key(path: &str) -> &str {
    id(path).trim_start_matches(|c: char| !c.is_ascii_digit())
}

#[test]
fn updates_are_seen_and_kept() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let mut body = user("bea");
        body["emails"] = json!([{ "type": "work", "value": "bea@example.com" }]);
        let (bea, created) = client.create("/Users", body);
        application.sql(
            &runtime,
            &format!(
                "UPDATE {{}}people SET mail = 'b@example.org', last = 'Ray' WHERE person_id = {}",
                key(&bea)
            ),
        );
        let read = client.get(&bea);
        assert_ne!(read.version, created.version);
        assert_eq!(read.body["emails"][0]["value"], "b@example.org");
        assert_eq!(client.count("/Users", "emails.value eq \"B@example.org\""), 1);
        assert_eq!(
            client.count("/Users", "emails.value eq \"bea@example.com\" or not (name.familyName pr)"),
            0
        );

        // A client that has not seen the change cannot overwrite it.
        let department = patch([json!({ "op": "add", "path": "department", "value": "Sales" })]);
        for (method, body) in
            [(Method::PATCH, Some(&department)), (Method::PUT, Some(&user("bea"))), (Method::DELETE, None)]
        {
            let refused = runtime.block_on(client.call(&method, &bea, body, created.version.as_deref()));
            assert_eq!(refused.status, 412, "{method}");
        }
        let patched =
            runtime.block_on(client.call(&Method::PATCH, &bea, Some(&department), read.version.as_deref()));
        assert_eq!(patched.status, 200, "{}", patched.body);
        assert_eq!(patched.body["name"]["familyName"], "Ray");
        assert_eq!(patched.body["emails"][0]["value"], "b@example.org");
        assert_eq!(patched.body[ENTERPRISE_USER]["department"], "Sales");
    }
}

#[test]
fn rows_are_inserted_and_deleted() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let (bea, _) = client.create("/Users", user("bea"));
        let (team, created) = client.create("/Groups", group("All", &[&bea]));
        let inserted = application.sql(
            &runtime,
            &format!("INSERT INTO {{}}people (org_id, login, full_name) VALUES ('{TENANT}', 'Cy', 'Cy Roe') RETURNING person_id"),
        );
        let cy = format!("/Users/p{}", inserted[0][0]);
        assert_eq!(client.get(&cy).body["displayName"], "Cy Roe");
        assert_eq!(client.count("/Users", "userName eq \"CY\""), 1);
        assert_eq!(client.send(Method::POST, "/Users", Some(user("cy"))).status, 409);

        // The members that SCIM and the application add are both there.
        let add = |path: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id(path) }] });
        application
            .sql(&runtime, &format!("INSERT INTO {{}}team_people VALUES ({}, {})", key(&team), key(&cy)));
        let with_cy = client.get(&team);
        assert_ne!(with_cy.version, created.version);
        assert_eq!(with_cy.body["members"].as_array().unwrap().len(), 2);
        assert_eq!(client.get(&cy).body["groups"][0]["display"], "All");
        let (dan, _) = client.create("/Users", user("dan"));
        let stale = runtime.block_on(client.call(
            &Method::PATCH,
            &team,
            Some(&patch([add(&dan)])),
            created.version.as_deref(),
        ));
        assert_eq!(stale.status, 412);
        assert_eq!(client.patch(&team, add(&dan)).status, 204);
        assert_eq!(client.get(&team).body["members"].as_array().unwrap().len(), 3);
        assert_eq!(client.patch(&team, add(&cy)).status, 204, "a member that the application has added");

        let before = client.get(&team);
        application.sql(&runtime, &format!("DELETE FROM {{}}team_people WHERE person_id = {}", key(&cy)));
        let after = client.get(&team);
        assert_ne!(after.version, before.version);
        assert_eq!(after.body["members"].as_array().unwrap().len(), 2);
        assert_eq!(client.count("/Groups", &format!("members.value eq \"{}\"", id(&cy))), 0);
        assert_eq!(client.get(&cy).body.get("groups"), None);

        application.sql(&runtime, &format!("DELETE FROM {{}}people WHERE person_id = {}", key(&cy)));
        assert_eq!(client.get(&cy).status, 404);
        assert_eq!(client.patch(&cy, json!({ "op": "remove", "path": "displayName" })).status, 404);
        assert_eq!(client.send(Method::DELETE, &cy, None).status, 404);
        assert_eq!(client.patch(&team, add(&cy)).status, 400);
        assert_eq!(client.send(Method::GET, "/Users", None).body["totalResults"], 2);
    }
}

#[test]
fn a_row_without_a_user_name_does_not_exist() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Folded) {
        let store = application.store(&runtime);
        let client = Client::new(&runtime, &application, &store);
        let (team, _) = client.create("/Groups", group("All", &[]));
        for login in ["NULL", "''"] {
            let insert =
                format!("INSERT INTO {{}}people (tenant, login) VALUES ('{TENANT}', {login}) RETURNING id");
            let key = application.sql(&runtime, &insert)[0][0].clone();
            let path = format!("/Users/u-{key}");
            assert_eq!(client.get(&path).status, 404);
            assert_eq!(client.send(Method::GET, "/Users", None).body["totalResults"], 0);
            let title = json!({ "op": "add", "path": "title", "value": "Dr" });
            assert_eq!(client.patch(&path, title).status, 404);
            assert_eq!(client.send(Method::DELETE, &path, None).status, 404);
            let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(&path) }] });
            assert_eq!(client.patch(&team, add).status, 400);
            let team_key = id(&team).trim_start_matches("g-");
            let link = format!("INSERT INTO {{}}team_people (team_id, person_id) VALUES ({team_key}, {key})");
            application.sql(&runtime, &link);
            assert_eq!(client.get(&team).body["members"], json!([]));
            assert_eq!(client.count("/Groups", "members pr"), 0);
            let warnings = application.store(&runtime).warnings().join("\n");
            assert!(warnings.contains("1 rows of"), "{warnings}");

            // It exists as soon as it has a name.
            let name = format!("UPDATE {{}}people SET login = 'Éva', login_folded = 'éva' WHERE id = {key}");
            application.sql(&runtime, &name);
            assert_eq!(client.get(&path).body["userName"], "Éva");
            assert_eq!(client.count("/Users", "userName eq \"ÉVA\""), 1);
            assert_eq!(client.get(&team).body["members"][0]["display"], "Éva");
            assert_eq!(client.send(Method::DELETE, &path, None).status, 204);
        }
    }
}

#[test]
fn rows_of_another_tenant_do_not_exist() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let (bea, _) = client.create("/Users", user("bea"));
        let (team, created) = client.create("/Groups", group("All", &[&bea]));
        let insert = format!(
            "INSERT INTO {{}}people (org_id, login) VALUES ('{OTHER_TENANT}', 'bea') RETURNING person_id"
        );
        let other = format!("/Users/p{}", application.sql(&runtime, &insert)[0][0]);
        let rows = || application.sql(&runtime, "SELECT * FROM {}people ORDER BY person_id");
        let before = rows();
        let department = json!({ "op": "add", "path": "department", "value": "Sales" });
        let manager = json!({ "op": "add", "path": "manager", "value": { "value": id(&other) } });
        let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(&other) }] });
        let statuses = [
            client.get(&other).status,
            client.patch(&other, department).status,
            client.send(Method::PUT, &other, Some(user("bea"))).status,
            client.send(Method::DELETE, &other, None).status,
            client.patch(&bea, manager).status,
            client.patch(&team, add).status,
            client.send(Method::POST, "/Groups", Some(group("Some", &[&other]))).status,
        ];
        assert_eq!(statuses, [404, 404, 404, 404, 400, 400, 400]);
        assert_eq!(rows(), before);
        assert_eq!(client.send(Method::GET, "/Users", None).body["totalResults"], 1);

        // The tables of the application may link rows of two tenants, which SCIM does not show.
        application
            .sql(&runtime, &format!("INSERT INTO {{}}team_people VALUES ({}, {})", key(&team), key(&other)));
        let read = client.get(&team);
        assert_eq!((read.version, read.body), (created.version, created.body));
        assert_eq!(client.count("/Groups", &format!("members.value eq \"{}\"", id(&other))), 0);
        let refer =
            format!("UPDATE {{}}people SET manager_id = {} WHERE person_id = {}", key(&other), key(&bea));
        application.sql(&runtime, &refer);
        let read = client.get(&bea);
        assert_eq!((read.status, read.body.get(ENTERPRISE_USER)), (200, None), "{}", read.body);
        assert_eq!(client.count("/Users", "manager pr"), 0);
        assert_eq!(client.send(Method::PUT, &bea, Some(user("bea"))).status, 200);
        let kept = format!("SELECT manager_id FROM {{}}people WHERE person_id = {}", key(&bea));
        assert_eq!(
            application.sql(&runtime, &kept)[0][0],
            key(&other),
            "a request cannot change what it cannot see"
        );
    }
}

#[test]
fn equal_rows_of_a_list_are_kept() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Folded) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let mut body = user("bea");
        body["emails"] = json!([{ "type": "home", "value": "b@example.org" }]);
        let (bea, created) = client.create("/Users", body);
        let person = id(&bea).trim_start_matches("u-");
        for _ in 0..2 {
            application.sql(
                &runtime,
                &format!("INSERT INTO {{}}addresses (person_id, address, kind) VALUES ({person}, 'b@example.com', 'work')"),
            );
        }
        assert_ne!(client.get(&bea).version, created.version);
        let addresses = || -> Vec<String> {
            let rows = application.sql(&runtime, "SELECT address FROM {}addresses ORDER BY id");
            rows.into_iter().flatten().collect()
        };
        let title = json!({ "op": "add", "path": "title", "value": "Dr" });
        assert_eq!(client.patch(&bea, title).status, 200);
        assert_eq!(addresses(), ["b@example.org", "b@example.com", "b@example.com"]);
        let remove = json!({ "op": "remove", "path": "emails[type eq \"home\"]" });
        assert_eq!(client.patch(&bea, remove).status, 200);
        assert_eq!(addresses()[0], "b@example.com");
        assert_eq!(client.get(&bea).body["emails"][0]["value"], "b@example.com");
        // A client that names the address once keeps it.
        let mut body = user("bea");
        body["emails"] = json!([{ "type": "work", "value": "b@example.com" }]);
        let put = client.send(Method::PUT, &bea, Some(body));
        assert_eq!(put.body["emails"][0]["value"], "b@example.com", "{}", put.body);
        let remove = json!({ "op": "remove", "path": "emails[type eq \"work\"]" });
        let removed = client.patch(&bea, remove);
        assert_eq!(removed.body.get("emails"), None, "{}", removed.body);
        assert_eq!(addresses().len(), 0);
    }
}

/// 16 tasks add members by SCIM while 16 threads add members by SQL.
fn add_members_from_both_sides(form: Form) {
    const EACH: usize = 16;
    let runtime = support::runtime();
    for application in Application::all(&runtime, form) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let users: Vec<String> =
            (0..2 * EACH).map(|n| client.create("/Users", user(&format!("user{n}"))).0).collect();
        let (team, created) = client.create("/Groups", group("All", &[]));
        let (by_scim, by_sql) = users.split_at(EACH);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            for path in by_sql {
                let (application, runtime, team) = (&application, &runtime, &team);
                scope.spawn(move || match form {
                    Form::Soft => {
                        let (role, account) = (id(team), id(path));
                        let insert = format!(
                            "INSERT INTO {{}}role_accounts (role_id, account_id) VALUES ('{role}', '{account}')"
                        );
                        application.sql(runtime, &insert);
                        let count = format!("UPDATE {{}}roles SET changes = changes + 1 WHERE id = '{role}'");
                        application.sql(runtime, &count);
                    }
                    _ => {
                        let insert =
                            format!("INSERT INTO {{}}team_people VALUES ({}, {})", key(team), key(path));
                        application.sql(runtime, &insert);
                    }
                });
            }
            let adding = by_scim.iter().map(|path| {
                let (client, team) = (&client, &team);
                scope.spawn(move || {
                    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id(path) }] });
                    client.patch(team, add).status
                })
            });
            let adding: Vec<_> = adding.collect();
            adding.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses, [204; EACH], "{}", application.database.url);
        let read = client.get(&team);
        let members = read.body["members"].as_array().unwrap();
        let mut found: Vec<&Value> = members.iter().map(|member| &member["value"]).collect();
        found.sort_by_key(|value| value.to_string());
        let mut expected: Vec<Value> = users.iter().map(|path| json!(id(path))).collect();
        expected.sort_by_key(Value::to_string);
        assert!(found.into_iter().eq(&expected), "{}: {}", application.database.url, read.body);
        assert_ne!(read.version, created.version);
        if form == Form::Soft {
            assert_eq!(read.version.as_deref(), Some("W/\"33\""), "a new group has version 1");
        }
    }
}

#[test]
fn both_sides_add_members_with_versions_that_are_hashes() {
    add_members_from_both_sides(Form::Organization);
}

#[test]
fn both_sides_add_members_with_a_version_column() {
    add_members_from_both_sides(Form::Soft);
}

#[test]
fn a_version_column_shows_what_the_application_counts() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Soft) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let (bea, _) = client.create("/Users", user("bea"));
        let (role, created) = client.create("/Groups", group("All", &[&bea]));
        application.sql(
            &runtime,
            &format!("UPDATE {{}}roles SET name = 'Staff', changes = changes + 1 WHERE id = '{}'", id(&role)),
        );
        let read = client.get(&role);
        assert_ne!(read.version, created.version);
        assert_eq!(read.body["displayName"], "Staff");
        let remove = patch([json!({ "op": "remove", "path": "members" })]);
        let stale =
            runtime.block_on(client.call(&Method::PATCH, &role, Some(&remove), created.version.as_deref()));
        assert_eq!(stale.status, 412);
        let current =
            runtime.block_on(client.call(&Method::PATCH, &role, Some(&remove), read.version.as_deref()));
        assert_eq!(current.status, 204);

        // The application marks a row as deleted: the user is gone, and the name is free.
        client.patch(&role, json!({ "op": "add", "path": "members", "value": [{ "value": id(&bea) }] }));
        application.sql(&runtime, &format!("UPDATE {{}}accounts SET deleted = 1 WHERE id = '{}'", id(&bea)));
        assert_eq!(client.get(&bea).status, 404);
        assert_eq!(client.get(&role).body["members"], json!([]));
        assert_eq!(client.count("/Groups", &format!("members.value eq \"{}\"", id(&bea))), 0);
        client.create("/Users", user("BEA"));
    }
}

#[test]
fn links_to_users_that_do_not_exist_are_kept() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Soft) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let [(bea, _), (cy, _)] = ["bea", "cy"].map(|name| client.create("/Users", user(name)));
        let (role, _) = client.create("/Groups", group("All", &[&bea, &cy]));
        let mark = |value: &str| {
            let sql = format!("UPDATE {{}}accounts SET deleted = {value} WHERE id = '{}'", id(&bea));
            application.sql(&runtime, &sql);
        };
        mark("1");
        let put = client.send(Method::PUT, &role, Some(group("All", &[&cy])));
        assert_eq!((put.status, put.body["members"].as_array().unwrap().len()), (200, 1));
        let members = json!([{ "value": id(&cy) }]);
        client.patch(&role, json!({ "op": "replace", "path": "members", "value": members }));
        client.patch(&role, json!({ "op": "remove", "path": "members" }));
        assert_eq!(client.get(&role).body["members"], json!([]));
        // The application brings the user back, who is a member as before.
        mark("NULL");
        assert_eq!(client.get(&role).body["members"][0]["value"], id(&bea));
        client.patch(&role, json!({ "op": "remove", "path": "members" }));
        assert_eq!(client.get(&role).body["members"], json!([]));
    }
}

#[test]
fn recommended_triggers_count_for_the_application() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Soft) {
        let store = application.store(&runtime);
        let warning = store.warnings().iter().find(|warning| warning.contains("TRIGGER")).unwrap();
        let triggers = warning.split_once("this does: ").unwrap().1;
        match application.database.is_file() {
            true => {
                for trigger in triggers.split("CREATE ").filter(|trigger| !trigger.is_empty()) {
                    support::run_sql(&runtime, &application.database, &format!("CREATE {trigger}"));
                }
            }
            false => drop(support::run_sql(&runtime, &application.database, triggers)),
        }
        let store = application.store(&runtime);
        assert!(
            !store.warnings().iter().any(|warning| warning.contains("TRIGGER")),
            "{:?}",
            store.warnings()
        );
        let client = Client::new(&runtime, &application, &store);
        let (bea, _) = client.create("/Users", user("bea"));
        let (role, created) = client.create("/Groups", group("All", &[]));
        let (role_id, bea_id) = (id(&role), id(&bea));
        let mut versions = vec![created.version];
        for sql in [
            format!("INSERT INTO {{}}role_accounts (role_id, account_id) VALUES ('{role_id}', '{bea_id}')"),
            format!("DELETE FROM {{}}role_accounts WHERE role_id = '{role_id}'"),
        ] {
            application.sql(&runtime, &sql);
            let version = client.get(&role).version;
            assert!(!versions.contains(&version), "{sql}");
            versions.push(version);
        }
    }
}
