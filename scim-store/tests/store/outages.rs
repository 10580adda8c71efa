//! Tests of PostgreSQL servers that do not answer, or whose transactions break.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support;
use crate::support::proxy::{Fault, Proxy, replace_address};
use crate::support::service::{Client, patch, user};
use http::Method;
use scim_core::schema::standard;
use scim_store::Store;
use serde_json::{Value, json};

/// A PATCH that replaces the title.
fn title(title: &str) -> Option<Value> {
    patch(json!({ "op": "replace", "path": "title", "value": title }))
}

#[test]
fn transactions_that_break_are_checked_and_not_repeated() {
    let Some(url) = support::postgres() else { return };
    // Without names of statements and with timeouts in each transaction, too.
    for parameters in ["", "?pgbouncer=true"] {
        check_broken_transactions(&url, parameters);
    }
}

fn check_broken_transactions(url: &str, parameters: &str) {
    let runtime = support::runtime();
    let unused: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let proxy = Proxy::start(replace_address(url, unused).0);
    let url = format!("{}{parameters}", replace_address(url, proxy.address).1);
    let store = runtime.block_on(Store::open(&url)).unwrap();
    let client = Client::new(&runtime, &store);
    let count = |name: &str| {
        let (_, page) = client.search("/Users", json!({ "filter": format!("userName eq \"{name}\"") }));
        page["totalResults"].clone()
    };
    let call = |fault: Fault, method: Method, path: &str, body: Option<Value>| {
        proxy.break_next(fault);
        let (status, body) = client.send(method, path, body);
        assert!(proxy.has_broken());
        (status, body)
    };

    let (status, _) = call(Fault::Begin, Method::POST, "/Users", Some(user("ada")));
    assert_eq!((status, count("ada")), (500, json!(0)));
    let (status, _) = call(Fault::BeforeCommit, Method::POST, "/Users", Some(user("ada")));
    assert_eq!((status, count("ada")), (503, json!(0)));
    let (status, bea) = call(Fault::AfterCommit, Method::POST, "/Users", Some(user("bea")));
    assert_eq!((status, count("bea")), (201, json!(1)));
    let bea = format!("/Users/{}", bea["id"].as_str().unwrap());
    for (fault, expected, stored) in
        [(Fault::BeforeCommit, 503, Value::Null), (Fault::AfterCommit, 200, json!("Dr"))]
    {
        assert_eq!(call(fault, Method::PATCH, &bea, title("Dr")).0, expected);
        assert_eq!(client.send(Method::GET, &bea, None).1["title"], stored);
    }
    for (fault, expected, stored) in [(Fault::BeforeCommit, 503, 200), (Fault::AfterCommit, 204, 404)] {
        assert_eq!(call(fault, Method::DELETE, &bea, None).0, expected);
        assert_eq!(client.send(Method::GET, &bea, None).0, stored);
    }
}

#[test]
fn waiting_for_a_connection_has_a_timeout() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let id = bea["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    // While the row is locked, each request waits and keeps one of the 16 connections.
    let lock = format!("BEGIN; SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    let locking = runtime.block_on(support::connect(&url));
    runtime.block_on(locking.batch_execute(&lock)).unwrap();
    runtime.spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        locking.batch_execute("ROLLBACK").await.unwrap();
    });
    let calls = (0..20).map(|n| client.call(Method::PATCH, &path, title(&n.to_string())));
    let mut answers: Vec<u16> =
        runtime.block_on(support::join_all(calls)).iter().map(|(status, _)| *status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [[200; 16].as_slice(), &[503; 4]].concat());
}

#[test]
fn a_write_is_run_again_after_a_deadlock() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let group = json!({ "schemas": [standard::GROUP], "displayName": "All" });
    let group = client.create("/Groups", group);
    let [bea, group] = [&bea, &group].map(|resource| resource["id"].as_str().unwrap().to_owned());
    // The other transaction locks the user and then the group. The request locks the group and then the user. After one
    // second the database detects the deadlock and aborts the transaction that began to wait first: the request.
    let other = runtime.block_on(support::connect(&url));
    let lock = |id: &str| format!("SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    runtime.block_on(other.batch_execute(&format!("BEGIN; {}", lock(&bea)))).unwrap();
    let lock_group = format!("{}; COMMIT", lock(&group));
    let other = runtime.spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.batch_execute(&lock_group).await
    });
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": bea }] });
    let (status, body) = client.send(Method::PATCH, &format!("/Groups/{group}"), patch(operation));
    assert_eq!(status, 204, "{body}");
    runtime.block_on(other).unwrap().unwrap();
    let (_, group) = client.send(Method::GET, &format!("/Groups/{group}"), None);
    assert_eq!(group["members"][0]["value"], bea);
}

#[test]
fn timeouts_and_read_only_databases_are_answered_with_503() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let id = bea["id"].as_str().unwrap();
    let client_with = |options: &str| {
        let url = format!("{url}?options=-c%20{}", options.replace('=', "%3D"));
        let store = runtime.block_on(Store::open(&url)).unwrap();
        Client::in_tenant(&runtime, store, &client.tenant)
    };

    // Refuses writes, like a replica.
    let replica = client_with("default_transaction_read_only=on");
    assert_eq!(replica.send(Method::POST, "/Users", Some(user("ada"))).0, 503);
    assert_eq!(replica.send(Method::GET, "/Users", None).1["totalResults"], 1);

    let locking = runtime.block_on(support::connect(&url));
    let lock = format!("BEGIN; SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    runtime.block_on(locking.batch_execute(&lock)).unwrap();
    for options in ["lock_timeout=100ms", "statement_timeout=100ms"] {
        let impatient = client_with(options);
        assert_eq!(impatient.send(Method::PATCH, &format!("/Users/{id}"), title("Dr")).0, 503, "{options}");
        assert_eq!(impatient.send(Method::GET, &format!("/Users/{id}"), None).0, 200);
    }
}
