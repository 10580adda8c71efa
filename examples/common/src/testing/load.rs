//! What one client asks for does not keep others waiting.
//!
//! With `SCIM_SOAK=1` the checks send what an attacker would, and print how long others waited; it counts in
//! a release build: `SCIM_SOAK=1 cargo test --release -p axum-host --test host -- limited --nocapture`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use serde_json::{Value, json};

use super::{Program, Protocol, Running};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// How much is asked for: little, or with `SCIM_SOAK=1` what an attacker would.
struct Scale {
    elements: usize,
    rounds: usize,
}

fn scale() -> Scale {
    match std::env::var_os("SCIM_SOAK") {
        Some(_) => Scale { elements: 160_000, rounds: 200 },
        None => Scale { elements: 500, rounds: 3 },
    }
}

fn send(host: &Running, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", host.base))
        .header("content-type", "application/scim+json")
        .body(body.to_string().into_bytes())
        .unwrap();
    let response = host.send(request);
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// A user with so many e-mail addresses, none of which has a `z`.
fn user_with(host: &Running, elements: usize) -> String {
    let user = json!({ "schemas": [USER], "userName": "many@work.example.com" });
    let (status, user) = send(host, Method::POST, "/Users", &user);
    assert_eq!(status, 201, "{user}");
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let all: Vec<Value> = (0..elements).map(|n| json!({ "value": format!("{n}@a.b") })).collect();
    for some in all.chunks(20_000) {
        let add = json!({ "op": "add", "path": "emails", "value": some });
        let patch = json!({ "schemas": [PATCH_OP], "Operations": [add] });
        let (status, answer) = send(host, Method::PATCH, &format!("{path}?attributes=id"), &patch);
        assert_eq!(status, 200, "{answer}");
    }
    path
}

/// Twenty changes of a user, each of which looks 61 times through all of its e-mail addresses.
fn bulk(path: &str) -> Value {
    let remove = json!({ "op": "remove", "path": "emails[value co \"z\"]" });
    let patch = json!({ "schemas": [PATCH_OP], "Operations": vec![remove; 61] });
    let operation = json!({ "method": "PATCH", "path": path, "data": patch });
    json!({ "schemas": [BULK], "Operations": vec![operation; 20] })
}

/// Changes that look through much are refused when the request has had its share, those after it too; and
/// whoever asks for something else is answered meanwhile.
pub fn changes_that_look_through_much_are_limited(program: &Program) {
    let Scale { elements, rounds } = scale();
    let host = Running::start(program, &[]);
    let path = user_with(&host, elements);
    let (status, answer) = send(&host, Method::POST, "/Bulk", &bulk(&path));
    assert_eq!(status, 200, "{answer}");
    let statuses: Vec<&str> =
        answer["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    let refused = statuses.iter().position(|status| *status == "413").unwrap_or(statuses.len());
    assert!(statuses[..refused].iter().all(|status| matches!(*status, "200" | "204")), "{statuses:?}");
    assert!(statuses[refused..].iter().all(|status| *status == "413"), "{statuses:?}");
    // The whole request may look at ten million values.
    let looked = 20 * 61 * elements;
    assert_eq!(refused < statuses.len(), looked > 10_000_000, "{statuses:?}");

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
        let waited = waiting(&host, rounds);
        done.store(true, Ordering::Relaxed);
        report("four clients change much", &waited);
    });
    let gone = attackers_leave(&host, &attack);
    report("the clients have left", &waiting(&host, rounds));
    println!("the host answers as before {gone:?} after the clients have left");
}

/// Sends what takes long, and closes the connections before there is an answer; how long the host still works.
fn attackers_leave(host: &Running, attack: &Value) -> Duration {
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
    let left = Instant::now();
    waiting(host, 3);
    left.elapsed()
}

/// How long each of some requests for what is announced takes, in order.
fn waiting(host: &Running, rounds: usize) -> Vec<Duration> {
    let mut waited: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begin = Instant::now();
            assert_eq!(send(host, Method::GET, "/ServiceProviderConfig", &Value::Null).0, 200);
            begin.elapsed()
        })
        .collect();
    waited.sort_unstable();
    waited
}

fn report(while_what: &str, waited: &[Duration]) {
    let at = |percent: usize| waited[(waited.len() - 1) * percent / 100];
    println!(
        "while {while_what}, discovery takes {:?} (median), {:?} (99 %), {:?} at most",
        at(50),
        at(99),
        at(100)
    );
}

/// Text that is too long to be stored is refused, and so are long operands; what can be stored is searched
/// within the share of a request.
pub fn searches_through_long_texts_are_limited(program: &Program) {
    let host = Running::start(program, &[]);
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
    println!("a search for 7 long operands in 30 long texts: {status} {scim_type} after {took:?}");
    assert!(matches!(status, 200 | 400), "{status}");
    assert_eq!(send(&host, Method::GET, "/Users?filter=userName%20pr&count=1", &Value::Null).0, 200);
}
