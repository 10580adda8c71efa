//! Tests that a store goes on after another PostgreSQL server has become the primary.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::postgres_server::PostgresServer;
use crate::support::service::{Client, user};
use http::Method;
use scim_store::Store;
use serde_json::json;

/// The URL of whichever server is the primary.
fn url_of(one: &PostgresServer, other: &PostgresServer) -> String {
    let both = format!("127.0.0.1:{},127.0.0.1:{}", one.port, other.port);
    format!("postgres://scim@{both}/scim?target_session_attrs=read-write")
}

#[test]
fn writes_go_on_after_a_failover_and_none_is_lost() {
    if support::postgres().is_none() {
        return;
    }
    let primary = PostgresServer::start(|_| String::new());
    let replica = PostgresServer::replica_of(&primary);
    let runtime = support::runtime();
    // From now on, a commit is acknowledged when the replica has it.
    let admin = runtime.block_on(support::connect(&primary.url_with("127.0.0.1", "")));
    for sql in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
        runtime.block_on(admin.batch_execute(sql)).unwrap();
    }
    let is_synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while runtime.block_on(admin.query_one(is_synchronous, &[])).unwrap().get::<_, i64>(0) == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url_of(&primary, &replica))).unwrap());

    let (done, created) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let writer = async |writer: usize| {
        for number in 0.. {
            if done.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("user{writer}x{number}");
            let (status, body) = client.call(Method::POST, "/Users", Some(user(&name))).await;
            match status {
                201 => created.lock().unwrap().push((Instant::now(), name)),
                503 => tokio::time::sleep(Duration::from_millis(20)).await,
                _ => panic!("{status}: {body}"),
            }
        }
    };
    let promoted = std::thread::scope(|scope| {
        let failover = scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(1));
            primary.kill();
            replica.promote();
            let promoted = Instant::now();
            let goes_on = || created.lock().unwrap().last().is_some_and(|(time, _)| *time > promoted);
            while !goes_on() && promoted.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(500));
            done.store(true, Ordering::Relaxed);
            promoted
        });
        runtime.block_on(support::join_all((0..8).map(writer)));
        failover.join().unwrap()
    });

    let created = created.into_inner().unwrap();
    let before = created.iter().filter(|(time, _)| *time < promoted).count();
    let first_after = created.iter().map(|(time, _)| *time).filter(|time| *time > promoted).min();
    let first_after = first_after.expect("a user was created after the failover").duration_since(promoted);
    println!(
        "{before} users before the failover, {} after it, the first after {first_after:?}",
        created.len() - before
    );
    assert!(before > 0);
    for (_, name) in &created {
        let (_, page) = client.search("/Users", json!({ "filter": format!("userName eq \"{name}\"") }));
        assert_eq!(page["totalResults"], 1, "{name}");
    }
}

#[test]
fn a_server_that_has_become_read_only_is_left() {
    if support::postgres().is_none() {
        return;
    }
    let primary = PostgresServer::start(|_| String::new());
    let replica = PostgresServer::replica_of(&primary);
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url_of(&primary, &replica))).unwrap());
    client.create("/Users", user("before"));
    replica.promote();
    let admin = runtime.block_on(support::connect(&primary.url_with("127.0.0.1", "")));
    for sql in ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"] {
        runtime.block_on(admin.batch_execute(sql)).unwrap();
    }
    let has_user = |server: &PostgresServer, name: &str| {
        let client = runtime.block_on(support::connect(&server.url_with("127.0.0.1", "")));
        let sql = "SELECT 1 FROM resource WHERE unique_name = $1";
        !runtime.block_on(client.query(sql, &[&name])).unwrap().is_empty()
    };
    // A connection learns of a changed setting a moment after `pg_reload_conf`, so the old server can accept a few users.
    let start = Instant::now();
    let mut names = (0..).map(|number| format!("after{number}"));
    let mut create = || {
        let name = names.next().unwrap();
        (client.send(Method::POST, "/Users", Some(user(&name))).0 == 201).then_some(name)
    };
    while !create().is_some_and(|name| has_user(&replica, &name)) {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    let next = create().unwrap();
    assert_eq!((has_user(&primary, &next), has_user(&replica, &next)), (false, true));
}
