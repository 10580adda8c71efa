//! A process that writes, and reads the outbox, is killed again and again. No event is lost, and those of a resource are
//! delivered in their order.
//!
//! The test starts this program again as the process to kill. It runs [`writer_and_reader`] alone, which does nothing unless
//! an environment variable says where to work.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::Method;
use scim_core::ETag;
use scim_store::{ChangeEvent, Outbox, Store};
use serde_json::json;

use crate::support;
use crate::support::service::{Client, patch, user};

const WRITERS: usize = 8;
const RESOURCES: usize = 5;

/// The URL of the database, the tenant, and the directory of the logs, separated by spaces.
const VARIABLE: &str = "SCIM_TEST_OUTBOX";

/// Appends a line, in one write.
fn append(file: &mut File, line: &str) {
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn open_log(directory: &Path, name: &str) -> File {
    OpenOptions::new().append(true).create(true).open(directory.join(name)).unwrap()
}

/// The process that is killed.
#[test]
fn writer_and_reader() {
    let Ok(arguments) = std::env::var(VARIABLE) else { return };
    let [url, tenant, directory] = arguments.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let (directory, started) = (PathBuf::from(directory), Instant::now());
    let runtime = support::runtime();
    let store = runtime.block_on(Store::open(url)).unwrap().record_events();
    let client = Client::in_tenant(&runtime, store.clone(), tenant);
    let paths: Vec<String> =
        read_to_string(directory.join("paths")).unwrap().lines().map(String::from).collect();
    let acknowledged = Mutex::new(open_log(&directory, "acknowledged"));
    let writers = (0..WRITERS).map(|writer| {
        let (client, paths, acknowledged) = (&client, &paths, &acknowledged);
        async move {
            // It ends by itself if the test could not kill it.
            for n in (0..).take_while(|_| started.elapsed() < Duration::from_secs(60)) {
                let path = &paths[(writer + n) % paths.len()];
                let change = json!({ "op": "replace", "path": "title", "value": scim_core::new_id() });
                let (status, body) = client.call(Method::PATCH, path, patch(change)).await;
                if status == 200 {
                    let version = body["meta"]["version"].as_str().unwrap();
                    append(&mut acknowledged.lock().unwrap(), version);
                }
            }
        }
    });
    let mut outbox = store.outbox();
    let mut delivered = open_log(&directory, "delivered");
    let read = async {
        while started.elapsed() < Duration::from_secs(60) {
            deliver(&outbox, tenant, &mut delivered).await;
            outbox.wait(Duration::from_millis(50)).await;
        }
    };
    runtime.block_on(async { tokio::join!(support::join_all(writers), read) });
}

/// Delivers the events that are not acknowledged.
async fn deliver(outbox: &Outbox, tenant: &str, delivered: &mut File) {
    let tenant = Some(tenant);
    let Ok(mut position) = outbox.acknowledged(tenant, "reader").await else { return };
    while let Ok(batch) = outbox.events(tenant, position, 10).await {
        assert!(!batch.missed);
        if batch.position == position {
            return;
        }
        for ChangeEvent { position, id, version_before, version_after, .. } in &batch.events {
            let version = |version: &Option<ETag>| version.as_ref().map(ETag::to_string).unwrap_or_default();
            let (before, after) = (version(version_before), version(version_after));
            append(delivered, &format!("{position} {id} {before} {after}"));
        }
        position = batch.position;
        if outbox.acknowledge(tenant, "reader", position).await.is_err() {
            return;
        }
    }
}

fn kill_and_check(database: &support::Database, kills: u64) {
    let runtime = support::runtime();
    let store = support::open(&runtime, database).record_events();
    let client = Client::new(&runtime, &store);
    let directory = std::env::temp_dir().join(format!("scim-outbox-{}", client.tenant));
    std::fs::create_dir(&directory).unwrap();
    let paths: Vec<String> = (0..RESOURCES)
        .map(|n| {
            let user = client.create("/Users", user(&format!("user{n}")));
            format!("/Users/{}", user["id"].as_str().unwrap())
        })
        .collect();
    std::fs::write(directory.join("paths"), paths.join("\n")).unwrap();

    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "event_kills::writer_and_reader"])
            .env(VARIABLE, format!("{} {} {}", database.url, client.tenant, directory.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(400 + kill * 37 % 300));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // PostgreSQL may still be executing a transaction of the killed process; reading the events waits for it.
    runtime.block_on(deliver(&store.outbox(), &client.tenant, &mut open_log(&directory, "delivered")));

    let delivered = read_to_string(directory.join("delivered")).unwrap();
    let mut chains: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut last = 0;
    for line in delivered.lines() {
        let [position, id, before, after] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let position: i64 = position.parse().unwrap();
        // What was delivered and not acknowledged is delivered again after a kill.
        if position <= last {
            assert!(chains[id].contains(&after), "{line}: skipped before");
            continue;
        }
        last = position;
        let chain = chains.entry(id).or_default();
        assert_eq!(chain.last().copied().unwrap_or_default(), before, "{line}");
        chain.push(after);
    }
    for path in &paths {
        let (_, now) = client.send(Method::GET, path, None);
        let chain = &chains[path.trim_start_matches("/Users/")];
        assert_eq!(now["meta"]["version"], *chain.last().unwrap(), "{path}");
    }
    let acknowledged = read_to_string(directory.join("acknowledged")).unwrap();
    assert!(acknowledged.lines().count() > 10, "too few writes");
    for version in acknowledged.lines() {
        assert!(chains.values().any(|chain| chain.contains(&version)), "no event has the version {version}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn kills_between_commit_and_delivery_lose_no_event() {
    let kills = if std::env::var_os("SCIM_SOAK").is_some() { 20 } else { 3 };
    for database in support::databases().into_iter().filter(|database| database.url != "sqlite::memory:") {
        kill_and_check(&database, kills);
    }
}
