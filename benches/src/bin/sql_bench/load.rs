//! Fills a database, unless it has been filled before.

use std::io::Write;

use http::Method;
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use serde_json::{Value, json};

use crate::timed::Client;

/// The number of concurrent requests.
const CLIENTS: usize = 16;

/// The large group has one member for this many users: 100,000 for a million.
const USERS_PER_MEMBER: usize = 10;

/// Creates the users and the groups. Without durable commits, which would make it slow.
pub(crate) async fn load(url: &str, users: usize) {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = match url.starts_with("sqlite:") {
        true => format!("{url}?synchronous=off"),
        false => format!("{url}{separator}options=-c%20synchronous_commit%3Doff"),
    };
    let client = Client::open(&url).await;
    let (_, existing) =
        client.groups(json!({ "filter": "displayName eq \"Small\"", "attributes": ["id"] })).await;
    if existing["totalResults"] != 0 {
        return;
    }
    let mut members = Vec::new();
    for start in (0..users).step_by(CLIENTS) {
        let calls = (start..users.min(start + CLIENTS)).map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.send(Method::POST, "/Users", Some(user(n))).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let (_, status, created) = call.await.expect("a request");
            assert_eq!(status, 201, "{created}");
            if members.len() < users / USERS_PER_MEMBER {
                members.push(json!({ "value": created["id"] }));
            }
        }
        progress(start + CLIENTS, users);
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

/// Prints a progress bar.
fn progress(done: usize, total: usize) {
    if done % 1_000 < CLIENTS || done >= total {
        eprint!(
            "\r{:<50}| {} of {total}  ",
            "#".repeat(50 * done.min(total) / total.max(1)),
            done.min(total)
        );
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
