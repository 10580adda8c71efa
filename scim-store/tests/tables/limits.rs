//! Values at the limits of what columns hold: they come back as they were sent, or are refused with 400.

use http::Method;
use scim_core::schema::{Attribute, Schema};
use scim_store::{Table, TableStore, TimeUnit};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::application::{Application, BADGE, Form};
use crate::client::{Client, user};
use crate::support;

fn store(runtime: &Runtime, application: &Application, users: Table) -> TableStore {
    let database = runtime.block_on(scim_store::open(&application.database.url)).unwrap();
    runtime.block_on(TableStore::builder(database).users(users).build()).unwrap()
}

#[test]
fn integers_beyond_the_column_are_refused() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Soft) {
        let client = Client::new(&runtime, &application, &application.store(&runtime));
        let with_floor = |name: &str, floor: i64| {
            let mut body = user(name);
            body[BADGE] = json!({ "floor": floor });
            client.send(Method::POST, "/Users", Some(body))
        };
        for (number, floor) in [i64::from(i32::MAX), i64::from(i32::MIN), 0].into_iter().enumerate() {
            let created = with_floor(&format!("user{number}"), floor);
            assert_eq!((created.status, &created.body[BADGE]["floor"]), (201, &json!(floor)));
        }
        for floor in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN] {
            let created = with_floor("large", floor);
            match application.database.is_file() {
                // An integer of SQLite has 64 bits.
                true => {
                    assert_eq!((created.status, &created.body[BADGE]["floor"]), (201, &json!(floor)));
                    let path = format!("/Users/{}", created.body["id"].as_str().unwrap());
                    assert_eq!(client.send(Method::DELETE, &path, None).status, 204);
                }
                false => {
                    assert_eq!((created.status, &created.body["scimType"]), (400, &json!("invalidValue")))
                }
            }
            for op in ["eq", "lt", "ge"] {
                let page =
                    client.search("/Users", json!({ "filter": format!("{BADGE}:floor {op} {floor}") }));
                assert_eq!(page.status, 200, "{op} {floor}: {}", page.body);
            }
        }
    }
}

#[test]
fn a_text_with_a_length_is_refused_beyond_it() {
    let runtime = support::runtime();
    let ddl = "CREATE TABLE {}people (id <SERIAL>, login varchar(5) NOT NULL, nick varchar(3) CHECK (nick <> 'no'), level smallint);
        CREATE UNIQUE INDEX people_login ON {}people (lower(login))";
    for application in Application::with_tables(&runtime, ddl) {
        let people = application.people().text("nickName", "nick");
        let store = store(&runtime, &application, people);
        let client = Client::over(&runtime, store.resource_types(), &store, None);
        let (bea, _) = client.create("/Users", user("béä日本"));
        let nick = |text: &str| client.patch(&bea, json!({ "op": "add", "path": "nickName", "value": text }));
        assert_eq!(nick("日本é").body["nickName"], "日本é");
        let refused = nick("no");
        assert_eq!(
            (refused.status, &refused.body["scimType"]),
            (400, &json!("invalidValue")),
            "{}",
            refused.body
        );
        // SQLite ignores the length.
        if !application.database.is_file() {
            assert_eq!(nick("four").status, 400);
            assert_eq!(client.send(Method::POST, "/Users", Some(user("sixsix"))).status, 400);
        }
    }
}

#[test]
fn texts_in_json_of_every_type_can_be_searched() {
    let runtime = support::runtime();
    for json_type in ["<JSON>", "text", "json"] {
        let ddl = format!(
            "CREATE TABLE {{}}people (id <SERIAL>, login text NOT NULL, rest {json_type});
            CREATE UNIQUE INDEX people_login ON {{}}people (lower(login))"
        );
        for application in Application::with_tables(&runtime, &ddl) {
            let people = application.people().rest("rest");
            let store = store(&runtime, &application, people);
            let client = Client::over(&runtime, store.resource_types(), &store, None);
            let texts =
                ["a\0b", "\\u0000", "\u{10ffff}", "\"", "\\", "{\"a\": 1}", "\u{1}", "\\\\u0000", "\0"];
            let mut stored = 0;
            for (number, text) in texts.into_iter().enumerate() {
                let mut body = user(&format!("user{number}"));
                body["title"] = json!(text);
                body["roles"] = json!([{ "value": text }]);
                let created = client.send(Method::POST, "/Users", Some(body));
                let is_refused = text.contains('\0');
                let expected = if is_refused { (400, Value::Null) } else { (201, json!(text)) };
                assert_eq!(
                    (created.status, created.body["title"].clone()),
                    expected,
                    "{text:?}: {}",
                    created.body
                );
                stored += usize::from(!is_refused);
            }
            // A text that was stored must not make other searches fail.
            assert_eq!(client.count("/Users", "title pr and roles pr"), stored, "{json_type}");
            assert_eq!(client.count("/Users", "roles.value eq \"\\\\u0000\""), 1, "{json_type}");
        }
    }
}

#[test]
fn times_come_back() {
    let runtime = support::runtime();
    for (column, unit) in [
        ("<TIME>", None),
        ("timestamp", None),
        ("bigint", Some(TimeUnit::Milliseconds)),
        ("bigint", Some(TimeUnit::Seconds)),
        ("integer", Some(TimeUnit::Seconds)),
    ] {
        let ddl = format!(
            "CREATE TABLE {{}}people (id <SERIAL>, login text NOT NULL, hired {column});
            CREATE UNIQUE INDEX people_login ON {{}}people (lower(login))"
        );
        for application in Application::with_tables(&runtime, &ddl) {
            let hired = format!("{BADGE}:hired");
            let mut people = application
                .people()
                .extension(Schema::new(BADGE, "Badge", [Attribute::date_time("hired")]).unwrap())
                .time(&hired, "hired");
            if let Some(unit) = unit {
                people = people.time_unit(unit);
            }
            let store = store(&runtime, &application, people);
            let client = Client::over(&runtime, store.resource_types(), &store, None);
            let (bea, _) = client.create("/Users", user("bea"));
            for (time, expected) in [
                ("2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"),
                ("2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.000Z"),
                ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
                ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08.000Z"),
                ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
                ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ] {
                let set = client.patch(&bea, json!({ "op": "add", "path": hired, "value": time }));
                let about = format!("{} {column} {time}: {}", application.database.url, set.body);
                if set.status == 400 && column == "integer" {
                    continue;
                }
                assert_eq!(set.status, 200, "{about}");
                assert_eq!(set.body[BADGE]["hired"], expected, "{about}");
                assert_eq!(client.count("/Users", &format!("{hired} eq \"{expected}\"")), 1, "{about}");
                // A time that is the same is not written.
                let same = client.patch(&bea, json!({ "op": "replace", "path": hired, "value": time }));
                assert_eq!((same.status, same.version), (200, set.version), "{about}");
            }
        }
    }
}
