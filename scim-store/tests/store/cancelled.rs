//! Tests of cancelled requests: later requests find no incomplete write and no busy connection.

use std::time::{Duration, Instant};

use crate::support;
use crate::support::postgres_server::PostgresServer;
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
fn a_cancelled_creation_is_complete_or_absent() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // With one blocking thread, statements wait for their thread, so that requests are cancelled meanwhile.
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    for database in support::databases() {
        let client = Client::new(&runtime, &support::open(&runtime, &database));
        for round in 0..60_u64 {
            let cancelled = format!("cancelled{round}");
            runtime.block_on(async {
                let call = client.call(Method::POST, "/Users", Some(with_addresses(&cancelled)));
                tokio::task::spawn_blocking(move || {
                    std::thread::sleep(Duration::from_micros(200 * (round % 5)))
                });
                let _ = tokio::time::timeout(Duration::from_micros(50 * round), call).await;
            });
            let (status, body) =
                client.send(Method::POST, "/Users", Some(with_addresses(&format!("stays{round}"))));
            assert_eq!(status, 201, "{}, round {round}: {body}", database.url);
            // One search, since PostgreSQL may still be committing the cancelled request.
            let (named, addressed) = (
                format!("userName eq \"{cancelled}\""),
                format!("emails.value eq \"{cancelled}@example.com\""),
            );
            let half = format!("({named} and not ({addressed})) or ({addressed} and not ({named}))");
            let (status, page) = client.search("/Users", json!({ "filter": half }));
            assert_eq!(status, 200, "{page}");
            assert_eq!(page["totalResults"], 0, "{}, round {round}: {page}", database.url);
        }
    }
}

#[test]
fn a_cancelled_read_returns_its_connection() {
    if support::postgres().is_none() {
        return;
    }
    // A server of its own, since the lock would block all other tests, and their statements would be counted.
    let server = PostgresServer::start(|_| String::new());
    let url = server.url_with("127.0.0.1", "");
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(scim_store::Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let path = format!("/Users/{}", bea["id"].as_str().unwrap());
    // The lock blocks all readers.
    let locking = runtime.block_on(support::connect(&url));
    let lock = "BEGIN; LOCK TABLE resource IN ACCESS EXCLUSIVE MODE";
    runtime.block_on(locking.batch_execute(lock)).unwrap();
    let calls = (0..16).map(|_| {
        let call = client.call(Method::GET, &path, None);
        tokio::time::timeout(Duration::from_millis(300), call)
    });
    runtime.block_on(async { assert!(support::join_all(calls).await.iter().all(Result::is_err)) });
    runtime.block_on(async {
        // It takes a moment to cancel a statement.
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM resource r%'";
        let begun = Instant::now();
        while locking.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the statements of cancelled requests are cancelled"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        locking.batch_execute("ROLLBACK").await.unwrap();
    });
    assert_eq!(client.send(Method::GET, &path, None).0, 200);
}
