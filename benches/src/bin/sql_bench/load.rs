//! Filling a database, unless it is filled already.

use std::io::Write;

use http::Method;
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};

use crate::timed::Client;

/// How many requests are under way at a time.
const CLIENTS: usize = 16;

/// Of so many users one is in the large group: 100,000 of a million.
const MEMBERS: usize = 10;

/// Loads the users and the groups. What is written meanwhile is not made durable one by one.
pub(crate) async fn load(url: &str, users: usize) {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = match url.starts_with("sqlite:") {
        true => format!("{url}?synchronous=off"),
        false => format!("{url}{separator}options=-c%20synchronous_commit%3Doff"),
    };
    let client = Client::open(&url).await;
    let (_, large) =
        client.groups(json!({ "filter": "displayName eq \"Small\"", "attributes": ["id"] })).await;
    if large["totalResults"] != 0 {
        return;
    }
    let mut members = Vec::new();
    for begin in (0..users).step_by(CLIENTS) {
        let calls = (begin..users.min(begin + CLIENTS)).map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.send(Method::POST, "/Users", Some(user(n))).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let (_, status, created) = call.await.expect("a request");
            assert_eq!(status, 201, "{created}");
            if members.len() < users / MEMBERS {
                members.push(json!({ "value": created["id"] }));
            }
        }
        progress(begin + CLIENTS, users);
    }
    for (name, members) in [("Large", members.as_slice()), ("Small", members.get(..10).unwrap_or_default())] {
        let group = json!({ "schemas": [standard::GROUP], "displayName": name });
        let (_, status, group) = client.send(Method::POST, "/Groups", Some(group)).await;
        assert_eq!(status, 201, "{group}");
        let path = format!("/Groups/{}", group["id"].as_str().unwrap_or_default());
        for (n, chunk) in members.chunks(1_000).enumerate() {
            let operation = json!({ "op": "add", "path": "members", "value": chunk });
            let patch = json!({
                "schemas": [PATCH_OP], "Operations": [operation],
            });
            let (_, status, body) = client.send(Method::PATCH, &path, Some(patch)).await;
            assert_eq!(status, 204, "{body}");
            progress((n + 1) * 1_000, members.len());
        }
    }
    eprintln!();
}

fn progress(done: usize, of: usize) {
    if done % 1_000 < CLIENTS || done >= of {
        eprint!("\r{:<50}| {} of {of}  ", "#".repeat(50 * done.min(of) / of.max(1)), done.min(of));
        let _ = std::io::stderr().flush();
    }
}

fn user(n: usize) -> Value {
    json!({
        "schemas": [standard::USER, standard::ENTERPRISE_USER],
        "userName": format!("user{n}@example.com"),
        "externalId": format!("ext-{n}"),
        "displayName": format!("Person {n}"),
        "name": { "givenName": "Ilse", "familyName": format!("Brandstetter {n}") },
        "active": true,
        "emails": [
            { "value": format!("work{n}@example.com"), "type": "work", "primary": true },
            { "value": format!("home{n}@example.org"), "type": "home" },
        ],
        standard::ENTERPRISE_USER: { "employeeNumber": n.to_string() },
    })
}
