//! Tests of durability, passwords, and the responses for values and databases that do not work.

use crate::support;
use crate::support::service::{Client, patch, user};
use http::Method;
use serde_json::json;

#[test]
fn stores_are_durable_by_default() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let settings = runtime.block_on(store.durability()).unwrap();
        let expected: &[(&str, &str)] = match database.url.split(':').next() {
            // A database in memory is not durable.
            Some("sqlite") if !database.is_file() => continue,
            // 2 means FULL.
            Some("sqlite") => &[("journal_mode", "wal"), ("synchronous", "2")],
            _ => &[("synchronous_commit", "on"), ("fsync", "on"), ("full_page_writes", "on")],
        };
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(settings, expected, "{}", database.url);
    }
}

#[test]
fn passwords_are_stored_as_hashes() {
    let runtime = support::runtime();
    for database in support::databases() {
        let store = support::open(&runtime, &database);
        let client = Client::new(&runtime, &store);
        let mut body = user("bea");
        body["password"] = json!("correct horse");
        let created = client.create("/Users", body);
        assert_eq!(created.get("password"), None);
        let id = created["id"].as_str().unwrap();
        let verify = |password: &str| {
            runtime.block_on(store.verify_password(Some(&client.tenant), id, password)).unwrap()
        };
        assert!(verify("correct horse") && !verify("correct Horse") && !verify(""), "{}", database.url);
        let body = patch(json!({ "op": "replace", "path": "password", "value": "battery staple" }));
        let (status, _) = client.send(Method::PATCH, &format!("/Users/{id}"), body);
        assert!(matches!(status, 200 | 204));
        assert!(verify("battery staple") && !verify("correct horse"), "{}", database.url);
    }
}

#[test]
fn values_that_cannot_be_stored_are_refused() {
    let runtime = support::runtime();
    for database in support::databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        let long = "x".repeat(65_536);
        for body in [
            user(&long),
            user("a\0b"),
            json!({ "schemas": [scim_core::schema::standard::USER], "userName": "a", "title": "a\0b" }),
            json!({ "schemas": [scim_core::schema::standard::USER], "userName": "a", "emails": [{ "value": long }] }),
        ] {
            let (status, error) = client.send(Method::POST, "/Users", Some(body));
            let scim_type = error["scimType"].as_str();
            assert!(status == 400 && matches!(scim_type, Some("invalidValue" | "invalidSyntax")), "{error}");
        }
        // Values that are not in an index may be long.
        let mut body = user("b");
        body["title"] = json!(long);
        body["x509Certificates"] = json!([{ "value": "QUJD".repeat(10_000) }]);
        client.create("/Users", body);
    }
}

#[cfg(feature = "rusqlite-0_37")]
#[test]
fn a_busy_database_is_answered_with_503() {
    let runtime = support::runtime();
    let database = support::file();
    let client = Client::new(&runtime, &support::open(&runtime, &database));
    let locking = rusqlite::Connection::open(database.url.trim_start_matches("sqlite:")).unwrap();
    locking.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, _) = client.send(Method::POST, "/Users", Some(user("bea")));
    assert_eq!(status, 503);
    locking.execute_batch("ROLLBACK").unwrap();
    client.create("/Users", user("bea"));
    locking.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

#[test]
fn a_closed_connection_is_replaced() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let name = support::tenant();
    // The name identifies the connections of this store.
    let named_url = format!("{url}?application_name={name}");
    let store = runtime.block_on(scim_store::Store::open(&named_url)).unwrap();
    let client = Client::new(&runtime, &store);
    client.create("/Users", user("bea"));
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'");
    support::run_sql(&runtime, &support::database_at(&url), &end);
    let answers: Vec<u16> = (0..5).map(|_| client.send(Method::GET, "/Users", None).0).collect();
    assert!(answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
    assert_eq!(answers.last(), Some(&200));
}
