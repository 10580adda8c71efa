//! If all tables have a column for the tenant, every statement says which tenant is meant, for each table that it names.

use http::Method;
use scim_store::Database as _;
use serde_json::json;

use crate::application::{Application, Form};
use crate::client::{Client, group, id, user};
use crate::support;
use crate::support::recording::RecordingDatabase;
use crate::support::tenant_equality::unrestricted_tables;

/// Checks the statements that a store has run on a database.
pub(crate) fn check_statements(application: &Application, recording: &RecordingDatabase) {
    let statements = recording.statements();
    assert!(statements.len() > 50, "only {} statements", statements.len());
    for sql in &statements {
        let unrestricted = unrestricted_tables(sql, recording.dialect(), &|_| Some("tenant"));
        assert!(unrestricted.is_empty(), "{}: {unrestricted:?}\n{sql}", application.database.url);
    }
}

#[test]
fn one_key_in_two_tenants_is_two_resources() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Distributed) {
        let store = application.store(&runtime);
        let client = |tenant| Client::over(&runtime, store.resource_types(), &store, Some(tenant));
        let (one, two) = (client("one"), client("two"));
        let mut bea = user("bea");
        bea["emails"] = json!([{ "value": "bea@one.example.com" }]);
        let (path, _) = one.create("/Users", bea);
        let (team, _) = one.create("/Groups", group("All", &[&path]));
        let (key, team_key) = (id(&path), id(&team));
        for sql in [
            format!("INSERT INTO {{}}people (tenant, id, login) VALUES (':two', '{key}', 'other')"),
            format!(
                "INSERT INTO {{}}addresses (tenant, person_id, address) VALUES ('two', '{key}', 'x@two.example.com')"
            ),
            format!("INSERT INTO {{}}teams (tenant, id, title) VALUES ('two', '{team_key}', 'Two')"),
            format!(
                "INSERT INTO {{}}team_people (tenant, team_id, person_id) VALUES ('two', '{team_key}', '{key}')"
            ),
        ] {
            application.sql(&runtime, &sql.replace(":two", "two"));
        }
        let read = two.get(&path).body;
        assert_eq!(
            (&read["userName"], &read["emails"][0]["value"]),
            (&json!("other"), &json!("x@two.example.com"))
        );
        assert_eq!(read["groups"][0]["display"], "Two");
        assert_eq!(two.count("/Users", "emails.value co \"one\""), 0);
        let put = two.send(Method::PUT, &path, Some(user("renamed")));
        assert_eq!((put.status, put.body.get("emails")), (200, None), "{}", put.body);
        assert_eq!(two.send(Method::DELETE, &path, None).status, 204);
        let kept = one.get(&path).body;
        assert_eq!(
            (&kept["userName"], &kept["emails"][0]["value"]),
            (&json!("bea"), &json!("bea@one.example.com"))
        );
        assert_eq!(one.get(&team).body["members"][0]["value"], key);
        assert_eq!(two.get(&team).body["members"], json!([]));
    }
}
