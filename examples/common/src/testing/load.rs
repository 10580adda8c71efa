//! Checks that expensive requests of one client do not block other clients.
//!
//! With `SCIM_SOAK=1` the checks send as much as an attacker would, and print how long other requests take. The times
//! are meaningful in a release build only:
//! `SCIM_SOAK=1 cargo test --release -p axum-host --test host -- limited --nocapture`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use serde_json::{Value, json};

use super::{HostProgram, Protocol, RunningHost};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The size of the checks: small, or with `SCIM_SOAK=1` that of an attack.
struct Scale {
    /// The number of e-mail addresses of the user.
    elements: usize,
    /// The number of requests that are timed.
    rounds: usize,
}

fn scale() -> Scale {
    match std::env::var_os("SCIM_SOAK") {
        Some(_) => Scale { elements: 160_000, rounds: 200 },
        None => Scale { elements: 500, rounds: 3 },
    }
}

fn send(host: &RunningHost, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", host.base))
        .header("content-type", "application/scim+json")
        .body(body.to_string().into_bytes())
        .unwrap();
    let response = host.send(request);
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// Creates a user with this many e-mail addresses, none of which contains a `z`, and returns its path.
fn user_with(host: &RunningHost, elements: usize) -> String {
    let user = json!({ "schemas": [USER], "userName": "many@work.example.com" });
    let (status, user) = send(host, Method::POST, "/Users", &user);
    assert_eq!(status, 201, "{user}");
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let all: Vec<Value> = (0..elements).map(|n| json!({ "value": format!("{n}@a.b") })).collect();
    for chunk in all.chunks(20_000) {
        let add = json!({ "op": "add", "path": "emails", "value": chunk });
        let patch = json!({ "schemas": [PATCH_OP], "Operations": [add] });
        let (status, answer) = send(host, Method::PATCH, &format!("{path}?attributes=id"), &patch);
        assert_eq!(status, 200, "{answer}");
    }
    path
}

/// A bulk request with twenty changes of a user, each of which searches all e-mail addresses 61 times.
fn bulk(path: &str) -> Value {
    let remove = json!({ "op": "remove", "path": "emails[value co \"z\"]" });
    let patch = json!({ "schemas": [PATCH_OP], "Operations": vec![remove; 61] });
    let operation = json!({ "method": "PATCH", "path": path, "data": patch });
    json!({ "schemas": [BULK], "Operations": vec![operation; 20] })
}

/// Checks that a bulk request is refused from the operation on that exceeds the limit of compared values, and that other
/// requests are answered meanwhile.
///
/// # Panics
///
/// If the check fails.
pub fn expensive_patches_are_limited(program: &HostProgram) {
    let Scale { elements, rounds } = scale();
    let host = RunningHost::start(program, &[]);
    let path = user_with(&host, elements);
    let (status, answer) = send(&host, Method::POST, "/Bulk", &bulk(&path));
    assert_eq!(status, 200, "{answer}");
    let statuses: Vec<&str> = answer["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| operation["status"].as_str().unwrap())
        .collect();
    let refused = statuses.iter().position(|status| *status == "413").unwrap_or(statuses.len());
    assert!(statuses[..refused].iter().all(|status| matches!(*status, "200" | "204")), "{statuses:?}");
    assert!(statuses[refused..].iter().all(|status| *status == "413"), "{statuses:?}");
    // A request may compare ten million values.
    let compared_values = 20 * 61 * elements;
    assert_eq!(refused < statuses.len(), compared_values > 10_000_000, "{statuses:?}");

    let done = AtomicBool::new(false);
    let attack = bulk(&path);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(send(&host, Method::POST, "/Bulk", &attack).0, 200);
                }
            });
        }
        let times = time_requests(&host, rounds);
        done.store(true, Ordering::Relaxed);
        report("while four clients send expensive changes", &times);
    });
    let recovery = disconnect_attackers(&host, &attack);
    report("after the clients have disconnected", &time_requests(&host, rounds));
    println!("the host recovers {recovery:?} after the clients have disconnected");
}

/// Sends expensive requests and closes the connections before the response. Returns how long the host needs until it
/// has answered three more requests.
fn disconnect_attackers(host: &RunningHost, attack: &Value) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..4 {
            let request = Request::post(format!("{}/Bulk", host.base))
                .header("content-type", "application/scim+json")
                .header("authorization", format!("Bearer {}", super::TOKEN))
                .body(attack.to_string().into_bytes())
                .unwrap();
            let exchange = super::exchange(Protocol::Http1, request);
            drop(tokio::time::timeout(Duration::from_millis(20), exchange).await);
        }
    });
    let disconnected = Instant::now();
    time_requests(host, 3);
    disconnected.elapsed()
}

/// Sends requests for `/ServiceProviderConfig`, and returns their times in ascending order.
fn time_requests(host: &RunningHost, rounds: usize) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begin = Instant::now();
            assert_eq!(send(host, Method::GET, "/ServiceProviderConfig", &Value::Null).0, 200);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

/// Prints the median, the 99th percentile and the maximum of times in ascending order.
fn report(situation: &str, times: &[Duration]) {
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "{situation}, discovery takes {:?} (median), {:?} (99 %), {:?} at most",
        percentile(50),
        percentile(99),
        percentile(100)
    );
}

/// Checks that texts that are too long to store are refused, and so are long operands of filters; and that searching
/// long texts stays within the limits of a request.
///
/// # Panics
///
/// If the check fails.
pub fn expensive_searches_are_limited(program: &HostProgram) {
    let host = RunningHost::start(program, &[]);
    let user = |n: usize, length: usize| json!({ "schemas": [USER], "userName": format!("long{n}@work.example.com"), "title": "ab".repeat(length / 2) });
    let (status, answer) = send(&host, Method::POST, "/Users", &user(0, 900_000));
    assert_eq!((status, answer["scimType"].as_str()), (400, Some("invalidValue")), "{answer}");
    for n in 0..30 {
        assert_eq!(send(&host, Method::POST, "/Users", &user(n, 60_000)).0, 201);
    }
    let search = |filter: String| {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
        let begin = Instant::now();
        let (status, answer) = send(&host, Method::POST, "/Users/.search", &body);
        (status, answer["scimType"].clone(), begin.elapsed())
    };
    let (status, scim_type, _) = search(format!("title co \"{}\"", "x".repeat(15_000)));
    assert_eq!((status, scim_type), (400, json!("invalidFilter")));
    let term = format!("title co \"{}c\"", "ab".repeat(500));
    let (status, scim_type, took) = search(vec![term; 7].join(" or "));
    println!("a search for 7 long operands in 30 long texts takes {took:?}: {status} {scim_type}");
    assert!(matches!(status, 200 | 400), "{status}");
    assert_eq!(send(&host, Method::GET, "/Users?filter=userName%20pr&count=1", &Value::Null).0, 200);
}
