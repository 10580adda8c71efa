//! Checks the page of the application, its audit table, and the rows that it shares with the service.

use host_common::testing::RunningHost;
use http::Method;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use serde_json::{Value, json};

use crate::client::{create_user, page, patch, request, send, user};
use crate::support::TestDatabase;

on_each_database! {
    the_page_shows_active_people
    a_refused_write_leaves_no_trace
    a_write_without_its_audit_row_is_not_kept
    the_host_starts_again_on_the_same_database
    scim_sees_what_the_application_writes
    two_hosts_serve_the_same_people
}

fn the_page_shows_active_people(database: &TestDatabase) {
    let host = RunningHost::start(&database.host(), &[]);
    let empty = page(&host, "/people");
    assert_eq!(empty.status(), 200);
    assert!(!String::from_utf8_lossy(empty.body()).contains("<td>"));

    let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let name = json!({ "givenName": "<b>Zoë</b>", "familyName": "O\"Neil & Sons" });
    create_user(&host, "zoe@example.com", json!({ "name": name, department: { "department": "R&D" } }));
    create_user(&host, "bob@example.com", json!({}));
    let eve = create_user(&host, "eve@example.com", json!({}));
    create_user(&host, "old@example.com", json!({ "active": false }));
    let (status, _) =
        send(&host, Method::PATCH, &format!("/Users/{eve}"), &patch("Replace", "active", "False".into()));
    assert_eq!(status, 200);

    let answer = page(&host, "/people");
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let html = String::from_utf8(answer.into_body()).unwrap();
    let rows: Vec<&str> = html.lines().filter(|line| line.starts_with("<tr>")).collect();
    let expected = [
        "<tr><td>bob@example.com</td><td></td><td></td><td></td></tr>",
        "<tr><td>zoe@example.com</td><td>&lt;b&gt;Zoë&lt;/b&gt;</td><td>O&quot;Neil &amp; Sons</td><td>R&amp;D</td></tr>",
    ];
    assert_eq!(rows, expected);
    assert_eq!(page(&host, "/scim/v2/Users").status(), 401, "the page does not open the service");
}

fn a_refused_write_leaves_no_trace(database: &TestDatabase) {
    let host = RunningHost::start(&database.host(), &[("SCIM_PROFILE", "strict")]);
    let ida = create_user(&host, "ida@example.com", json!({ "name": { "givenName": "Ida" } }));
    create_user(&host, "jon@example.com", json!({}));
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Crew",
        "members": [{ "value": ida }],
    });
    let (status, created) = send(&host, Method::POST, "/Groups", &group);
    assert_eq!(status, 201, "{created}");
    let crew = created["id"].as_str().unwrap();
    let before = ["people", "teams", "team_people", "audit"].map(|table| database.rows(table));
    assert_eq!(before[3].as_array().unwrap().len(), 3);

    let (ida, crew) = (format!("/Users/{ida}"), format!("/Groups/{crew}"));
    let unknown = json!([{ "value": "p987654" }]);
    let name_and_manager = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "replace", "path": "name.givenName", "value": "Lost" },
            { "op": "replace", "path": "manager", "value": { "value": "p987654" } },
        ],
    });
    for (status, method, path, body) in [
        (409, Method::POST, "/Users", user("IDA@example.com", json!({}))),
        (400, Method::POST, "/Users", user("kay@example.com", json!({ "active": "perhaps" }))),
        (409, Method::PUT, &ida, user("jon@example.com", json!({}))),
        (400, Method::PATCH, &ida, name_and_manager),
        (409, Method::PATCH, &ida, patch("replace", "userName", "jon@example.com".into())),
        (409, Method::POST, "/Groups", group.clone()),
        (400, Method::PATCH, &crew, patch("add", "members", unknown.clone())),
        (404, Method::PATCH, "/Groups/t987654", patch("replace", "displayName", "Lost".into())),
        (404, Method::PUT, "/Users/p987654", user("kay@example.com", json!({}))),
        (404, Method::DELETE, "/Users/p987654", Value::Null),
        (404, Method::DELETE, "/Users/t1", Value::Null),
    ] {
        let (answered, answer) = send(&host, method.clone(), path, &body);
        assert_eq!(answered, status, "{method} {path} {body}: {answer}");
    }
    let mut outdated = request(&host, Method::DELETE, &ida, &Value::Null);
    outdated.headers_mut().insert(IF_MATCH, "W/\"outdated\"".parse().unwrap());
    assert_eq!(host.send(outdated).status(), 412);
    let mut stranger = request(&host, Method::DELETE, &ida, &Value::Null);
    stranger.headers_mut().insert("authorization", "Bearer wrong".parse().unwrap());
    assert_eq!(host.send(stranger).status(), 401);

    let after = ["people", "teams", "team_people", "audit"].map(|table| database.rows(table));
    assert_eq!(after, before);
}

fn a_write_without_its_audit_row_is_not_kept(database: &TestDatabase) {
    let host = RunningHost::start(&database.host(), &[]);
    let lou = create_user(&host, "lou@example.com", json!({}));
    let before = database.rows("people");
    database.run("ALTER TABLE audit RENAME TO old_audit");
    let path = format!("/Users/{lou}");
    for (method, path, body) in [
        (Method::POST, "/Users", user("max@example.com", json!({}))),
        (Method::PATCH, &path, patch("replace", "active", false.into())),
        (Method::DELETE, &path, Value::Null),
    ] {
        let (status, answer) = send(&host, method.clone(), path, &body);
        assert_eq!(status, 500, "{method} {path}: {answer}");
        assert!(!answer.to_string().contains("audit"), "{answer}");
    }
    assert_eq!(database.rows("people"), before);
    database.run("ALTER TABLE old_audit RENAME TO audit");
    assert_eq!(send(&host, Method::DELETE, &path, &Value::Null).0, 204);
}

fn the_host_starts_again_on_the_same_database(database: &TestDatabase) {
    let host = RunningHost::start(&database.host(), &[]);
    let ann = create_user(&host, "ann@example.com", json!({ "name": { "givenName": "Ann" } }));
    let ben = create_user(&host, "ben@example.com", json!({}));
    assert_eq!(send(&host, Method::DELETE, &format!("/Users/{ben}"), &Value::Null).0, 204);
    let (_, read) = send(&host, Method::GET, &format!("/Users/{ann}"), &Value::Null);
    assert_eq!(host.stop("TERM").code(), Some(0));

    let host = RunningHost::start(&database.host(), &[]);
    let (status, again) = send(&host, Method::GET, &format!("/Users/{ann}"), &Value::Null);
    assert_eq!(status, 200);
    for member in ["id", "userName", "name", "active"] {
        assert_eq!(again[member], read[member]);
    }
    assert_eq!(again["meta"]["version"], read["meta"]["version"]);
    assert_eq!(again["meta"]["created"], read["meta"]["created"]);
    let new = create_user(&host, "ben@example.com", json!({}));
    assert_ne!(new, ben, "the id of a deleted user is not given to another one");
}

fn scim_sees_what_the_application_writes(database: &TestDatabase) {
    let host = RunningHost::start(&database.host(), &[]);
    database.run("INSERT INTO people (login, first, mail) VALUES ('cy@example.com', 'Cy', 'Cy@Example.com')");
    let filter = "/Users?filter=emails.value%20eq%20%22cy@example.com%22";
    let (status, found) = send(&host, Method::GET, filter, &Value::Null);
    assert_eq!((status, &found["totalResults"]), (200, &json!(1)), "{found}");
    let cy = found["Resources"][0].clone();
    assert_eq!(cy["name"], json!({ "givenName": "Cy" }));
    assert_eq!(cy["active"], true);
    assert_eq!(cy["meta"]["created"], cy["meta"]["lastModified"]);

    let path = format!("/Users/{}", cy["id"].as_str().unwrap());
    database.run("UPDATE people SET first = 'Cyril' WHERE login = 'cy@example.com'");
    let mut outdated = request(&host, Method::PATCH, &path, &patch("replace", "name.givenName", "C".into()));
    outdated.headers_mut().insert(IF_MATCH, cy["meta"]["version"].as_str().unwrap().parse().unwrap());
    assert_eq!(host.send(outdated).status(), 412, "the version follows the changes of the application");

    let read = host.send(request(&host, Method::GET, &path, &Value::Null));
    let mut current =
        request(&host, Method::PATCH, &path, &patch("replace", "name.familyName", "Day".into()));
    current.headers_mut().insert(IF_MATCH, read.headers()[ETAG].clone());
    assert_eq!(host.send(current).status(), 200);
    let rows = database.rows("people");
    assert_eq!((&rows[0]["first"], &rows[0]["last"]), (&json!("Cyril"), &json!("Day")));

    database.run("DELETE FROM people WHERE login = 'cy@example.com'");
    assert_eq!(send(&host, Method::GET, &path, &Value::Null).0, 404);
}

fn two_hosts_serve_the_same_people(database: &TestDatabase) {
    let first = RunningHost::start(&database.host(), &[]);
    let second = RunningHost::start(&database.host(), &[]);
    let dee = create_user(&first, "dee@example.com", json!({}));
    let (status, _) = send(&second, Method::POST, "/Users", &user("Dee@example.com", json!({})));
    assert_eq!(status, 409);
    let path = format!("/Users/{dee}");
    assert_eq!(send(&second, Method::PATCH, &path, &patch("replace", "active", false.into())).0, 200);
    let (_, read) = send(&first, Method::GET, &path, &Value::Null);
    assert_eq!(read["active"], false);
}
