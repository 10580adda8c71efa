//! Tests of clients that adopt existing rows of the application.

use http::Method;
use scim_core::Identity;
use scim_core::schema::standard;
use scim_store::{Adoption, ChangeKind, TableStoreBuilder, WriteAction};
use serde_json::json;

use crate::application::{Application, Form};
use crate::client::{Client, TENANT, id, user};
use crate::events::{create_events_tables, events_table};
use crate::mistakes::plain;
use crate::support;

/// Declares the tables with a column for the mark, and a rule that adopts people with a verified login.
fn declare(runtime: &tokio::runtime::Runtime, application: &Application) -> TableStoreBuilder {
    let people = format!("{}people", application.schema);
    let parameter = |application: &Application| if application.schema.is_empty() { "?1" } else { "$1" };
    let sql = format!("SELECT 1 FROM {people} WHERE person_id = {} AND verified = 1", parameter(application));
    application.declare(runtime).users(application.users().adopted_by("scim_client")).adopt(
        move |candidate| {
            let sql = sql.clone();
            Box::pin(async move {
                let key = candidate.key().clone();
                let is_verified = !candidate.query(&sql, [key]).await?.is_empty();
                let is_same = candidate.matches("externalId")
                    || is_verified && (candidate.matches("userName") || candidate.matches("emails.value"));
                Ok(if is_same { Adoption::Adopt } else { Adoption::Refuse })
            })
        },
    )
}

#[test]
fn people_of_the_application_are_adopted() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN scim_client text");
        application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN verified integer");
        create_events_tables(&runtime, &application);
        let insert = |login: &str, mail: &str, verified: i32| {
            let sql = format!(
                "INSERT INTO {{}}people (org_id, login, mail, first, verified) \
                 VALUES ('{TENANT}', '{login}', '{mail}', 'Beatrix', {verified})"
            );
            application.sql(&runtime, &sql);
        };
        let actions = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = actions.clone();
        let declared = declare(&runtime, &application).events_table(events_table(&application));
        let declared = declared.on_write(move |write| {
            seen.lock().unwrap().push((write.action(), write.before().is_some()));
            Box::pin(async { Ok(()) })
        });
        let store = runtime.block_on(declared.build()).unwrap();
        let client = Client::new(&runtime, &application, &store);
        insert("Bea", "bea@example.com", 1);
        insert("cy", "cy@example.com", 0);
        let existing = client.search("/Users", json!({ "filter": "userName eq \"bea\"" }));
        let existing = &existing.body["Resources"][0];

        let mut post = user("bea");
        post["externalId"] = json!("42");
        post["emails"] = json!([{ "type": "work", "value": "bea@new.example.com" }]);
        let (path, adopted) = client.create("/Users", post.clone());
        assert_eq!(id(&path), existing["id"].as_str().unwrap());
        assert_eq!(adopted.body["name"]["givenName"], "Beatrix", "it stays");
        assert_eq!(adopted.body["emails"][0]["value"], "bea@new.example.com");
        assert_eq!(client.get(&path).body, adopted.body);
        let marks = application.sql(&runtime, "SELECT login, scim_client FROM {}people ORDER BY person_id");
        assert_eq!(marks, [["bea", "tests"], ["cy", ""]], "{}", application.database.url);
        assert_eq!(*actions.lock().unwrap(), [(WriteAction::Adopt, true)]);
        let outbox = store.outbox().unwrap();
        let [event] = runtime.block_on(outbox.events(Some(TENANT), 0, 9)).unwrap().events.try_into().unwrap();
        assert_eq!((event.kind, event.id.as_str()), (ChangeKind::Adopted, id(&path)));
        assert_eq!(event.version_after.unwrap().to_string(), adopted.body["meta"]["version"]);

        // It cannot be adopted again, and one that is not verified cannot be adopted.
        for name in ["bea", "cy"] {
            assert_eq!(client.send(Method::POST, "/Users", Some(user(name))).status, 409, "{name}");
        }
        // Several candidates.
        insert("dan", "dan@example.com", 1);
        insert("dana", "dana@example.com", 1);
        let mut post = user("dan");
        post["emails"] = json!([{ "type": "work", "value": "DANA@example.com" }]);
        let answer = client.send(Method::POST, "/Users", Some(post));
        assert_eq!((answer.status, &answer.body["scimType"]), (409, &json!("uniqueness")), "{}", answer.body);
        // Another tenant.
        let other = Client::over(&runtime, store.resource_types(), &store, Some(&support::tenant()));
        let (path, _) = other.create("/Users", user("dan"));
        assert_eq!(application.sql(&runtime, "SELECT count(*) FROM {}people WHERE login = 'dan'"), [["2"]]);
        assert_eq!(client.get(&path).status, 404);
    }
}

#[test]
fn a_failed_bulk_request_deletes_no_adopted_row() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN scim_client text");
        application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN verified integer");
        let sql = format!(
            "INSERT INTO {{}}people (org_id, login, verified) VALUES ('{TENANT}', 'bea', 0), ('{TENANT}', 'cy', 1)"
        );
        application.sql(&runtime, &sql);
        let store = runtime.block_on(declare(&runtime, &application).build()).unwrap();
        let service = store.service().base_url("https://scim.example.com").build().unwrap();
        let manager = |bulk_id: &str| json!({ "value": format!("bulkId:{bulk_id}") });
        let enterprise = standard::ENTERPRISE_USER;
        // Of two managers of each other, the later one is created first. Then the other cannot be created.
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [
                { "method": "POST", "path": "/Users", "bulkId": "a", "data": {
                    "schemas": [standard::USER, enterprise], "userName": "bea", enterprise: { "manager": manager("b") } } },
                { "method": "POST", "path": "/Users", "bulkId": "b", "data": {
                    "schemas": [standard::USER, enterprise], "userName": "cy",
                    enterprise: { "manager": manager("a") } } },
            ],
        });
        let request = http::Request::post("/Bulk")
            .header("content-type", "application/scim+json")
            .extension(Identity::new("tests").in_tenant(TENANT))
            .body(body.to_string());
        let response = runtime.block_on(service.handle(request.unwrap()));
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert_eq!(response.status(), 200, "{text}");
        assert_eq!(text.matches("\"409\"").count(), 4, "the status of each, and of its error: {text}");
        let logins = application.sql(&runtime, "SELECT login, scim_client FROM {}people ORDER BY person_id");
        assert_eq!(logins, [["bea", ""], ["cy", "tests"]], "{text}");
    }
}

#[test]
fn a_rule_needs_a_column_for_the_mark() {
    let runtime = support::runtime();
    for application in Application::all(&runtime, Form::Organization) {
        let refuse = |declared: TableStoreBuilder| {
            let declared = declared.adopt(|_| Box::pin(async { Ok(Adoption::Refuse) }));
            let error = runtime.block_on(declared.build()).unwrap_err();
            plain(&application, error.mistakes())
        };
        let [mistake] = refuse(application.declare(&runtime)).try_into().unwrap();
        assert!(mistake.starts_with("adopt needs a column that marks the adopted rows"), "{mistake}");
        let users = application.users().adopted_by("scim_client");
        let [mistake] = refuse(application.declare(&runtime).users(users)).try_into().unwrap();
        let expected =
            "people has no column scim_client for the client that adopts a row; add it with: ALTER TABLE ";
        assert!(mistake.starts_with(expected), "{mistake}");
        assert!(mistake.ends_with("people ADD COLUMN scim_client text"), "{mistake}");
        application.sql(&runtime, "ALTER TABLE {}people ADD COLUMN scim_client text NOT NULL DEFAULT ''");
        let users = application.users().adopted_by("scim_client");
        let [mistake] = refuse(application.declare(&runtime).users(users)).try_into().unwrap();
        assert!(mistake.contains("is NOT NULL"), "{mistake}");
    }
}
