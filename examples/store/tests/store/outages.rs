//! What clients are told when PostgreSQL is not there, or goes just when it is asked to commit.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support;
use crate::support::service::{Client, patch, user};
use http::Method;
use scim_core::schema::standard;
use scim_store::Store;
use serde_json::{Value, json};

/// When a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// The database never gets the COMMIT.
    BeforeCommit,
    /// It commits, but its answer is lost.
    AfterCommit,
}

/// Stands between the store and the database, and breaks one connection when it is told to.
struct Proxy {
    address: SocketAddr,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    fn start(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(Mutex::new(None));
        let next = cut.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&database).unwrap();
                let (answers, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let mute = Arc::new(AtomicBool::new(false));
                let (is_mute, next) = (mute.clone(), next.clone());
                std::thread::spawn(move || {
                    copy(
                        answers,
                        to,
                        |_| if is_mute.load(Ordering::SeqCst) { Fate::Lost } else { Fate::Sent },
                    );
                });
                std::thread::spawn(move || {
                    let database = server.try_clone().unwrap();
                    copy(client, server, |sent| {
                        let commits = sent.windows(7).any(|bytes| bytes == b"COMMIT\0");
                        let cut = next.lock().unwrap().take_if(|_| commits);
                        if cut == Some(Cut::AfterCommit) {
                            mute.store(true, Ordering::SeqCst);
                            (&database).write_all(sent).unwrap();
                            // The store must not look before it has happened.
                            std::thread::sleep(Duration::from_millis(200));
                        }
                        if cut.is_none() { Fate::Sent } else { Fate::Cut }
                    });
                });
            }
        });
        Self { address, cut }
    }

    fn cut(&self, condition: Cut) {
        *self.cut.lock().unwrap() = Some(condition);
    }

    /// Whether the connection is broken that was to be.
    fn has_cut(&self) -> bool {
        self.cut.lock().unwrap().is_none()
    }
}

/// What becomes of bytes on their way.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Sent,
    /// They never arrive, and nobody knows yet.
    Lost,
    /// The connection breaks before them.
    Cut,
}

fn copy(mut from: TcpStream, mut to: TcpStream, fate: impl Fn(&[u8]) -> Fate) {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let sent = &buffer[..length];
        let fate = if length == 0 { Fate::Cut } else { fate(sent) };
        if fate == Fate::Cut || fate == Fate::Sent && to.write_all(sent).is_err() {
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return;
        }
    }
}

/// The URL with another address.
fn through(url: &str, address: SocketAddr) -> (String, String) {
    let (before, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    (host.to_owned(), format!("{before}@{address}/{database}"))
}

fn title(title: &str) -> Option<Value> {
    patch(json!({ "op": "replace", "path": "title", "value": title }))
}

#[test]
fn a_commit_that_is_lost_is_looked_for_and_not_repeated() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let nowhere: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let proxy = Proxy::start(through(&url, nowhere).0);
    let store = runtime.block_on(Store::open(&through(&url, proxy.address).1)).unwrap();
    let client = Client::new(&runtime, &store);
    let count = |name: &str| {
        let (_, page) = client.search("/Users", json!({ "filter": format!("userName eq \"{name}\"") }));
        page["totalResults"].clone()
    };
    let call = |cut: Cut, method: Method, path: &str, body: Option<Value>| {
        proxy.cut(cut);
        let (status, body) = client.send(method, path, body);
        assert!(proxy.has_cut());
        (status, body)
    };

    let (status, _) = call(Cut::BeforeCommit, Method::POST, "/Users", Some(user("ada")));
    assert_eq!((status, count("ada")), (503, json!(0)));
    let (status, bea) = call(Cut::AfterCommit, Method::POST, "/Users", Some(user("bea")));
    assert_eq!((status, count("bea")), (201, json!(1)));
    let bea = format!("/Users/{}", bea["id"].as_str().unwrap());
    for (cut, expected, left) in [(Cut::BeforeCommit, 503, Value::Null), (Cut::AfterCommit, 200, json!("Dr"))]
    {
        assert_eq!(call(cut, Method::PATCH, &bea, title("Dr")).0, expected);
        assert_eq!(client.send(Method::GET, &bea, None).1["title"], left);
    }
    for (cut, expected, left) in [(Cut::BeforeCommit, 503, 200), (Cut::AfterCommit, 204, 404)] {
        assert_eq!(call(cut, Method::DELETE, &bea, None).0, expected);
        assert_eq!(client.send(Method::GET, &bea, None).0, left);
    }
}

#[test]
fn no_connection_is_waited_for_longer_than_a_client_waits() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let id = bea["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    // Whoever changes the user waits, each with a connection; and there are 16 of them.
    let lock = format!("BEGIN; SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    let held = runtime.block_on(support::connect(&url));
    runtime.block_on(held.batch_execute(&lock)).unwrap();
    runtime.spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        held.batch_execute("ROLLBACK").await.unwrap();
    });
    let calls = (0..20).map(|n| client.call(Method::PATCH, &path, title(&n.to_string())));
    let mut answers: Vec<u16> =
        runtime.block_on(support::all(calls)).iter().map(|(status, _)| *status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [[200; 16].as_slice(), &[503; 4]].concat());
}

#[test]
fn a_deadlock_is_tried_again() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let group = json!({ "schemas": [standard::GROUP], "displayName": "All" });
    let group = client.create("/Groups", group);
    let [bea, group] = [&bea, &group].map(|resource| resource["id"].as_str().unwrap().to_owned());
    // Another holds the user and then wants the group, just as who joins wants the user and holds the
    // group. Whoever waited first, a second, is made to give way.
    let other = runtime.block_on(support::connect(&url));
    let lock = |id: &str| format!("SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    runtime.block_on(other.batch_execute(&format!("BEGIN; {}", lock(&bea)))).unwrap();
    let wants = format!("{}; COMMIT", lock(&group));
    let other = runtime.spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.batch_execute(&wants).await
    });
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": bea }] });
    let (status, body) = client.send(Method::PATCH, &format!("/Groups/{group}"), patch(operation));
    assert_eq!(status, 204, "{body}");
    runtime.block_on(other).unwrap().unwrap();
    let (_, group) = client.send(Method::GET, &format!("/Groups/{group}"), None);
    assert_eq!(group["members"][0]["value"], bea);
}

#[test]
fn what_takes_too_long_or_may_not_be_written_is_unavailable() {
    let Some(url) = support::postgres() else { return };
    let runtime = support::runtime();
    let client = Client::new(&runtime, &runtime.block_on(Store::open(&url)).unwrap());
    let bea = client.create("/Users", user("bea"));
    let id = bea["id"].as_str().unwrap();
    let with = |options: &str| {
        let url = format!("{url}?options=-c%20{}", options.replace('=', "%3D"));
        let store = runtime.block_on(Store::open(&url)).unwrap();
        Client::of(&runtime, store, &client.tenant)
    };

    // A replica, as far as writing is concerned.
    let replica = with("default_transaction_read_only=on");
    assert_eq!(replica.send(Method::POST, "/Users", Some(user("ada"))).0, 503);
    assert_eq!(replica.send(Method::GET, "/Users", None).1["totalResults"], 1);

    let held = runtime.block_on(support::connect(&url));
    let lock = format!("BEGIN; SELECT 1 FROM resource WHERE id = '{id}' FOR UPDATE");
    runtime.block_on(held.batch_execute(&lock)).unwrap();
    for options in ["lock_timeout=100ms", "statement_timeout=100ms"] {
        let hasty = with(options);
        assert_eq!(hasty.send(Method::PATCH, &format!("/Users/{id}"), title("Dr")).0, 503, "{options}");
        assert_eq!(hasty.send(Method::GET, &format!("/Users/{id}"), None).0, 200);
    }
}
