//! Checks of what must not leak or break: secrets, hostile values and the resources of other tenants.

use serde_json::{Value, json};

use crate::message_uri::SEARCH_REQUEST;
use crate::testing::environment::Environment;
use crate::testing::named_resource::{create_named, free_text_path, parse_resource, path};
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn secrets(env: &Environment) -> Verdict {
    let Some(secret) = env.tested.secret.as_ref().map(|target| target.attribute().name()) else {
        return Ok(());
    };
    let client = env.client();
    let mut body = env.tested.minimal_body("Secret");
    body.insert(secret.to_owned(), json!("correct horse 7 staple"));
    let created = client.create(&env.tested.resource_type, &Value::Object(body)).await?;
    let path = path(env, &created.id());
    let replies = [
        client.get(&path).await,
        client.get(&format!("{path}?attributes={secret}")).await,
        client.query(&env.tested.resource_type, &[]).await,
        client.patch(&path, json!([{ "op": "replace", "path": secret, "value": "another horse 8" }])).await,
    ];
    for reply in replies.iter().chain([&created]) {
        let text = reply.body.to_string();
        ensure(!text.contains("horse") && !text.contains(&format!("\"{secret}\"")), || {
            format!(
                "wrote `{secret}` and sent other requests, expected that no response contains it, got {text}"
            )
        })?;
    }
    let changed = client.get(&path).await;
    ensure(changed.version() != created.version(), || {
        format!("sent PATCH of `{secret}`, expected a new version, got {} again", created.version())
    })
}

pub(super) async fn hostile(env: &Environment) -> Verdict {
    let (client, _, path) = create_named(env, "Hostile").await?;
    let text = free_text_path(env)?;
    let long = "x".repeat(300_000);
    for value in
        ["'; DROP TABLE users; --", "\u{0}", "%_\\", "\"", "\u{10ffff}\u{202e}", "{\"$ne\": 1}", "", &long]
    {
        let reply = client.patch(&path, json!([{ "op": "replace", "path": text, "value": value }])).await;
        match reply.status {
            200 => {
                let read = client.get(&path).await;
                let stored = parse_resource(&read.body)?;
                ensure(stored.text(&text) == Some(value), || {
                    let (sent, stored) = (excerpt(value), excerpt(stored.text(&text).unwrap_or_default()));
                    format!(
                        "sent PATCH with `{text}` {sent}, expected the same value or status 400, got {stored}"
                    )
                })?;
            }
            400 => {}
            status => {
                let sent = excerpt(value);
                return Err(format!(
                    "sent PATCH with `{text}` {sent}, expected status 200 or 400, got {status}"
                ));
            }
        }
        if env.capabilities.filter() {
            let filter = format!("{text} eq {}", Value::from(value));
            let search = json!({ "schemas": [SEARCH_REQUEST], "filter": filter });
            let status = client
                .post(&format!("{}/.search", env.tested.resource_type.endpoint()), &search)
                .await
                .status;
            ensure(matches!(status, 200 | 400), || {
                let sent = excerpt(value);
                format!("sent the filter `{text} eq {sent}`, expected status 200 or 400, got {status}")
            })?;
        }
    }
    Ok(())
}

/// The first characters of a value, for messages.
fn excerpt(value: &str) -> String {
    format!("{:?}", value.chars().take(40).collect::<String>())
}

pub(super) async fn tenants(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Tenant").await?;
    let other = env.client();
    other.get(&path).await.expect(404, "GET of a resource of another tenant")?;
    let body = json!([{ "op": "replace", "path": free_text_path(env)?, "value": "stolen" }]);
    other.patch(&path, body).await.expect(404, "PATCH of a resource of another tenant")?;
    other
        .put(&path, &Value::Object(env.tested.minimal_body("Stolen")))
        .await
        .expect(404, "PUT of a resource of another tenant")?;
    other.delete(&path).await.expect(404, "DELETE of a resource of another tenant")?;
    let found = other.query(&env.tested.resource_type, &[]).await;
    ensure(found.total() == Some(0), || {
        format!("sent a query in an empty tenant, expected no resources, got {}", found.body)
    })?;
    other.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body("Tenant"))).await?;
    let read = client.get(&path).await;
    ensure(read.body == created.body, || {
        format!(
            "wrote in another tenant, expected that the resource is still {}, got {}",
            created.body, read.body
        )
    })
}
