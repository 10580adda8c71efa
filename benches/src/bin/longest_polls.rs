//! Measures how long a service with the memory provider keeps a thread without yielding: the times of the longest polls of
//! expensive requests.

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
    for chunk in emails.chunks(ELEMENTS / 4) {
        let description = format!("a PATCH that adds {} elements", chunk.len());
        report(&service, &description, "PATCH", &path, &patch("add", "emails", chunk.into()))?;
    }

    let remove = json!({ "op": "remove", "path": "emails[value co \"z\"]" });
    let search = json!({ "schemas": [PATCH_OP], "Operations": vec![remove; 61] });
    report(&service, "a PATCH that searches all elements 61 times", "PATCH", &path, &search)?;
    let operation = json!({ "method": "PATCH", "path": path, "data": search });
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": vec![operation; 20],
    });
    report(&service, "a bulk request of 20 such operations", "POST", "/Bulk", &bulk)?;
    report(&service, "a PATCH of another attribute", "PATCH", &path, &patch("replace", "title", json!("x")))?;
    let replace = patch("replace", "emails[value eq \"7@a.b\"].display", json!("seven"));
    report(&service, "a PATCH of one element", "PATCH", &path, &replace)?;

    for n in 0..USERS {
        send(
            &service,
            "POST",
            "/Users",
            &json!({ "userName": format!("u{n}@example.com"), "title": "diver" }),
        )?;
    }
    for (description, query) in [
        ("a filter that finds no user", "/Users?filter=title%20co%20%22z%22"),
        ("a filter that finds every user", "/Users?filter=title%20co%20%22ive%22"),
        ("a sorted page", "/Users?sortBy=userName&sortOrder=descending"),
    ] {
        report(&service, &format!("{description} of {USERS} users"), "GET", query, &Value::Null)?;
    }
    Ok(())
}

fn patch(op: &str, path: &str, value: Value) -> Value {
    let operation = json!({ "op": op, "path": path, "value": value });
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

/// Sends a request, and prints its time, the number of polls and the times of the longest polls.
fn report(service: &ScimService, description: &str, method: &str, path: &str, body: &Value) -> Result<()> {
    let path = if method == "PATCH" { format!("{path}?attributes=id") } else { path.to_owned() };
    let (response, mut polls) = send(service, method, &path, body)?;
    let (total, count) = (polls.iter().sum::<Duration>(), polls.len());
    polls.sort_unstable();
    let longest: Vec<String> =
        polls.iter().rev().take(4).map(|poll| format!("{:.1}", poll.as_secs_f64() * 1e3)).collect();
    println!(
        "{description}: {}, {:.1} ms in {count} polls, the longest {} ms",
        response.status(),
        total.as_secs_f64() * 1e3,
        longest.join(", ")
    );
    Ok(())
}

/// Sends a request. Returns the response and the time of each poll.
fn send(
    service: &ScimService,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<(Response<Vec<u8>>, Vec<Duration>)> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).extension(Identity::new("bench")).body(body)?;
    let mut work = pin!(service.handle(request));
    let mut polls = Vec::new();
    loop {
        let start = Instant::now();
        let poll = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polls.push(start.elapsed());
        if let Poll::Ready(response) = poll {
            return Ok((response, polls));
        }
    }
}
