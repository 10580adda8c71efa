//! Calls that are given up: whoever comes next finds neither a half of them nor their connection busy.

use std::time::Duration;

use crate::support;
use crate::support::service::{Client, user};
use http::Method;
use serde_json::{Value, json};

fn with_addresses(name: &str) -> Value {
    let mut body = user(name);
    body["emails"] =
        json!([{ "value": format!("{name}@example.com"), "type": "work" }, { "value": "b@b.example" }]);
    body
}

#[test]
fn a_creation_that_is_given_up_leaves_all_or_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // What is to run there waits, so that calls are given up meanwhile.
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    for database in support::databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        for round in 0..60_u64 {
            let given_up = format!("gone{round}");
            runtime.block_on(async {
                let call = client.call(Method::POST, "/Users", Some(with_addresses(&given_up)));
                tokio::task::spawn_blocking(move || {
                    std::thread::sleep(Duration::from_micros(200 * (round % 5)))
                });
                let _ = tokio::time::timeout(Duration::from_micros(50 * round), call).await;
            });
            let (status, body) =
                client.send(Method::POST, "/Users", Some(with_addresses(&format!("stays{round}"))));
            assert_eq!(status, 201, "{}, round {round}: {body}", database.url);
            // In one search, since PostgreSQL may be at the commit still.
            let (named, addressed) = (
                format!("userName eq \"{given_up}\""),
                format!("emails.value eq \"{given_up}@example.com\""),
            );
            let half = format!("({named} and not ({addressed})) or ({addressed} and not ({named}))");
            let (status, page) = client.search("/Users", json!({ "filter": half }));
            assert_eq!(status, 200, "{page}");
            assert_eq!(page["totalResults"], 0, "{}, round {round}: {page}", database.url);
        }
    }
}

#[test]
fn a_search_that_is_given_up_does_not_keep_its_connection() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(scim_store::Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let path = format!("/Users/{}", bea["id"].as_str().unwrap());
    // Whoever reads waits as long as another has the table to itself.
    let held = runtime.block_on(support::connect(&url));
    let lock = "BEGIN; LOCK TABLE resource IN ACCESS EXCLUSIVE MODE";
    runtime.block_on(held.batch_execute(lock)).unwrap();
    let calls = (0..16).map(|_| {
        let call = client.call(Method::GET, &path, None);
        tokio::time::timeout(Duration::from_millis(300), call)
    });
    runtime.block_on(async { assert!(support::all(calls).await.iter().all(Result::is_err)) });
    runtime.block_on(async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM resource r%'";
        let waiting: i64 = held.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(waiting, 0, "those that nobody waits for are cancelled");
        held.batch_execute("ROLLBACK").await.unwrap();
    });
    assert_eq!(client.send(Method::GET, &path, None).0, 200);
}
