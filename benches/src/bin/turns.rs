//! How long a service with the memory provider keeps a thread without letting others have their turn: the
//! longest times between two turns of some requests that ask for much.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::{Request, Response};
use scim_core::patch::PATCH_OP;
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};

const ELEMENTS: usize = 160_000;
const USERS: usize = 100_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let store = MemoryProvider::new();
    let service = ScimService::builder()
        .base_url("https://example.com/scim/v2")
        .max_payload(16 << 20)
        .users(store.clone())
        .groups(store)
        .build()?;
    let user = json!({ "userName": "many@example.com" });
    let (created, _) = send(&service, "POST", "/Users", &user)?;
    let created: Value = serde_json::from_slice(created.body())?;
    let path = format!("/Users/{}", created.get("id").and_then(Value::as_str).unwrap_or_default());
    let emails: Vec<Value> = (0..ELEMENTS).map(|n| json!({ "value": format!("{n}@a.b") })).collect();
    for some in emails.chunks(ELEMENTS / 4) {
        let what = format!("a PATCH that adds {} elements", some.len());
        report(&service, &what, "PATCH", &path, &patch("add", "emails", some.into()))?;
    }

    let remove = json!({ "op": "remove", "path": "emails[value co \"z\"]" });
    let search = json!({ "schemas": [PATCH_OP], "Operations": vec![remove; 61] });
    report(&service, "a PATCH that looks at each of them 61 times", "PATCH", &path, &search)?;
    let operation = json!({ "method": "PATCH", "path": path, "data": search });
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": vec![operation; 20],
    });
    report(&service, "a bulk request of 20 of these", "POST", "/Bulk", &bulk)?;
    report(&service, "a PATCH of another attribute", "PATCH", &path, &patch("replace", "title", json!("x")))?;
    let one = patch("replace", "emails[value eq \"7@a.b\"].display", json!("seven"));
    report(&service, "a PATCH of one element", "PATCH", &path, &one)?;

    for n in 0..USERS {
        send(
            &service,
            "POST",
            "/Users",
            &json!({ "userName": format!("u{n}@example.com"), "title": "diver" }),
        )?;
    }
    for (what, query) in [
        ("a filter that finds nobody", "/Users?filter=title%20co%20%22z%22"),
        ("a filter that finds all", "/Users?filter=title%20co%20%22ive%22"),
        ("a sorted page", "/Users?sortBy=userName&sortOrder=descending"),
    ] {
        report(&service, &format!("{what} of {USERS} users"), "GET", query, &Value::Null)?;
    }
    Ok(())
}

fn patch(op: &str, path: &str, value: Value) -> Value {
    let operation = json!({ "op": op, "path": path, "value": value });
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

fn report(service: &ScimService, what: &str, method: &str, path: &str, body: &Value) -> Result<()> {
    let path = if method == "PATCH" { format!("{path}?attributes=id") } else { path.to_owned() };
    let (response, mut turns) = send(service, method, &path, body)?;
    let (whole, count) = (turns.iter().sum::<Duration>(), turns.len());
    turns.sort_unstable();
    let longest: Vec<String> =
        turns.iter().rev().take(4).map(|turn| format!("{:.1}", turn.as_secs_f64() * 1e3)).collect();
    println!(
        "{what}: {}, {:.1} ms in {count} turns, the longest {} ms",
        response.status(),
        whole.as_secs_f64() * 1e3,
        longest.join(", ")
    );
    Ok(())
}

/// The answer, and how long each turn took.
fn send(
    service: &ScimService,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<(Response<Vec<u8>>, Vec<Duration>)> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).extension(Identity::new("bench")).body(body)?;
    let mut work = pin!(service.handle(request));
    let mut turns = Vec::new();
    loop {
        let begin = Instant::now();
        let poll = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        turns.push(begin.elapsed());
        if let Poll::Ready(response) = poll {
            return Ok((response, turns));
        }
    }
}
