//! Creating, reading, changing and deleting one resource.

use http::Method;
use serde_json::{Value, json};

use crate::message_uri::SEARCH_REQUEST;
use crate::testing::client::{Client, Reply, patch_body};
use crate::testing::environment::Environment;
use crate::testing::tested_type::put;
use crate::testing::verdict::{Verdict, ensure};

fn path(env: &Environment, id: &str) -> String {
    format!("{}/{id}", env.tested.resource_type.endpoint())
}

/// Creates a resource with a name: the client that made it, its reply and the path of the resource.
async fn create_named<'a>(env: &'a Environment, name: &str) -> Result<(Client<'a>, Reply, String), String> {
    let client = env.client();
    let reply =
        client.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body(name))).await?;
    let path = path(env, &reply.id());
    Ok((client, reply, path))
}

/// The path of a text attribute that can be changed at will.
fn free_text_path(env: &Environment) -> Result<String, String> {
    let texts = env.tested.free_texts();
    texts.first().map(|t| t.path().to_string()).ok_or_else(|| "there is no text attribute".to_owned())
}

pub(super) async fn create(env: &Environment) -> Verdict {
    let client = env.client();
    let mut body = env.tested.minimal_body("Created One");
    for target in &env.tested.attributes {
        if target.attribute().name() == "externalId" {
            put(&mut body, target, json!("ext-1"));
        }
    }
    let created = client.create(&env.tested.resource_type, &Value::Object(body.clone())).await?;
    ensure(!created.id().is_empty(), || "the id is empty".to_owned())?;
    ensure(created.etag.as_deref() == Some(&created.version()), || {
        "the ETag is not meta.version".to_owned()
    })?;
    let time = |name: &str| created.body.pointer(&format!("/meta/{name}")).cloned().unwrap_or_default();
    ensure(!time("created").is_null() && time("created") == time("lastModified"), || {
        "meta.created and meta.lastModified must be there and equal".to_owned()
    })?;
    let read = client.get(&path(env, &created.id())).await.expect(200, "reading what was created")?;
    ensure(read.body == created.body, || {
        format!("it reads back as {} instead of {}", read.body, created.body)
    })?;
    let kept = body
        .iter()
        .filter(|(name, _)| *name != "schemas")
        .all(|(name, value)| read.body.get(name) == Some(value));
    ensure(kept, || format!("values were changed: {} was sent, {} is stored", Value::Object(body), read.body))
}

pub(super) async fn retrieve(env: &Environment) -> Verdict {
    let (client, ..) = create_named(env, "Retrieved").await?;
    for id in ["0", "no-such-id", "00000000-0000-0000-0000-000000000000", "%00", "%27%20OR%201%3D1--"] {
        client.get(&path(env, id)).await.expect(404, "reading an unknown id")?;
        let body = patch_body(json!([{ "op": "replace", "value": { "externalId": "x" } }]));
        client
            .send(Method::PATCH, &path(env, id), Some(&body), None)
            .await
            .expect(404, "changing an unknown id")?;
        client.delete(&path(env, id)).await.expect(404, "deleting an unknown id")?;
    }
    Ok(())
}

pub(super) async fn replace(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Before").await?;
    let text = free_text_path(env)?;
    client
        .patch(&path, json!([{ "op": "add", "path": text, "value": "to go" }]))
        .await
        .expect(200, "a PATCH")?;
    let reply =
        client.put(&path, &Value::Object(env.tested.minimal_body("After"))).await.expect(200, "a PUT")?;
    let read = client.get(&path).await.expect(200, "reading it")?;
    ensure(read.body == reply.body, || "what PUT answers is not what is stored".to_owned())?;
    let resource = crate::Resource::try_from(read.body.clone()).map_err(|error| error.to_string())?;
    ensure(resource.text(env.tested.name.path().as_str()) == Some("After"), || {
        "the name was not replaced".to_owned()
    })?;
    ensure(resource.get(&text).is_none(), || format!("`{text}` was left out but is still there"))?;
    let kept = |name: &str| {
        read.body.pointer(&format!("/meta/{name}")) == created.body.pointer(&format!("/meta/{name}"))
    };
    ensure(kept("created") && read.id() == created.id(), || "the id or meta.created has changed".to_owned())
}

pub(super) async fn patch(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Patched").await?;
    let text = free_text_path(env)?;
    let reply = client
        .patch(&path, json!([{ "op": "add", "path": text, "value": "New" }]))
        .await
        .expect(200, "a PATCH")?;
    let read = client.get(&path).await.expect(200, "reading it")?;
    ensure(read.body == reply.body, || "what PATCH answers is not what is stored".to_owned())?;
    let resource = crate::Resource::try_from(read.body.clone()).map_err(|error| error.to_string())?;
    ensure(resource.text(&text) == Some("New"), || format!("`{text}` was not set"))?;
    ensure(resource.text(env.tested.name.path().as_str()) == Some("Patched"), || {
        "the name is gone".to_owned()
    })?;
    ensure(read.version() != created.version(), || "the version did not change".to_owned())
}

pub(super) async fn atomic(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Atomic").await?;
    let operations = json!([
        { "op": "add", "path": free_text_path(env)?, "value": "half" },
        { "op": "remove", "path": env.tested.name.path().as_str() },
    ]);
    let reply = client.patch(&path, operations).await;
    ensure(reply.status == 400, || {
        format!("removing a required attribute is answered with {}", reply.status)
    })?;
    let read = client.get(&path).await;
    ensure(read.body == created.body, || "an update that failed was applied in part".to_owned())
}

pub(super) async fn no_op(env: &Environment) -> Verdict {
    let (client, _, path) = create_named(env, "No Op").await?;
    let set = json!([{ "op": "replace", "path": free_text_path(env)?, "value": "same" }]);
    let first = client.patch(&path, set.clone()).await.expect(200, "a PATCH")?;
    let second = client.patch(&path, set).await.expect(200, "the same PATCH again")?;
    ensure(first.body == second.body, || {
        "a PATCH that changed nothing moved the version or lastModified".to_owned()
    })?;
    let third = client.put(&path, &second.body).await.expect(200, "a PUT of what was read")?;
    ensure(third.body == second.body, || {
        format!("a PUT of what was read changed it: {} became {}", second.body, third.body)
    })
}

pub(super) async fn precondition(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Precondition").await?;
    let body = patch_body(json!([{ "op": "replace", "path": free_text_path(env)?, "value": "x" }]));
    let patch = |version: &'static str| client.send(Method::PATCH, &path, Some(&body), Some(version));
    patch("W/\"another\"").await.expect(412, "a PATCH that expects another version")?;
    client
        .send(Method::DELETE, &path, None, Some("W/\"another\""))
        .await
        .expect(412, "a DELETE of another version")?;
    ensure(client.get(&path).await.body == created.body, || "what was refused was done".to_owned())?;
    let version = created.version();
    let reply = client.send(Method::PATCH, &path, Some(&body), Some(&version)).await;
    let reply = reply.expect(200, "a PATCH of the right version")?;
    client
        .send(Method::DELETE, &path, None, Some(&version))
        .await
        .expect(412, "a DELETE of the old version")?;
    client
        .send(Method::DELETE, &path, None, Some(&reply.version()))
        .await
        .expect(204, "a DELETE of the right version")?;
    Ok(())
}

pub(super) async fn uniqueness(env: &Environment) -> Verdict {
    let (client, ..) = create_named(env, "Unique Émile").await?;
    if env.tested.name.attribute().uniqueness() == scim_schema::Uniqueness::None {
        return Ok(());
    }
    let named = |name: &str| Value::Object(env.tested.minimal_body(name));
    let taken = |reply: Reply, what: &str| {
        let reply = reply.expect(409, what)?;
        ensure(reply.body.get("scimType") == Some(&json!("uniqueness")), || {
            "scimType must be uniqueness".to_owned()
        })
    };
    let endpoint = env.tested.resource_type.endpoint();
    taken(client.post(endpoint, &named("Unique Émile")).await, "a name that is taken")?;
    if !env.tested.name.attribute().is_case_exact() {
        taken(client.post(endpoint, &named("uNIQUE émile")).await, "a name that is taken but for case")?;
    }
    let other = client.create(&env.tested.resource_type, &named("Other")).await?;
    let path = path(env, &other.id());
    let rename =
        |name: &str| json!([{ "op": "replace", "path": env.tested.name.path().as_str(), "value": name }]);
    taken(client.patch(&path, rename("Unique Émile")).await, "taking a name by PATCH")?;
    taken(client.put(&path, &named("Unique Émile")).await, "taking a name by PUT")?;
    ensure(client.get(&path).await.body == other.body, || "what was refused was done".to_owned())?;
    client.patch(&path, rename("OTHER")).await.expect(200, "changing the case of one's own name")?;
    Ok(())
}

pub(super) async fn delete(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Deleted").await?;
    client.delete(&path).await.expect(204, "a DELETE")?;
    client.get(&path).await.expect(404, "reading what was deleted")?;
    client.delete(&path).await.expect(404, "deleting it again")?;
    let ids = client.query(&env.tested.resource_type, &[]).await.ids();
    ensure(!ids.contains(&created.id()), || "what was deleted is still found".to_owned())?;
    let again =
        client.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body("Deleted"))).await?;
    ensure(again.id() != created.id(), || "the id was used again".to_owned())
}

pub(super) async fn projection(env: &Environment) -> Verdict {
    let (client, _, path) = create_named(env, "Projected").await?;
    let text = free_text_path(env)?;
    let whole = client.patch(&path, json!([{ "op": "add", "path": text, "value": "shown" }])).await;
    let name = env.tested.name.path().as_str();
    let part = client.get(&format!("{path}?attributes={name}")).await.expect(200, "a projection")?;
    let resource = crate::Resource::try_from(part.body.clone()).map_err(|error| error.to_string())?;
    ensure(part.body.get(name) == whole.body.get(name) && resource.get(&text).is_none(), || {
        format!("only `{name}` was asked for: {}", part.body)
    })?;
    let rest = client.get(&format!("{path}?excludedAttributes={name}")).await.expect(200, "an exclusion")?;
    let resource = crate::Resource::try_from(rest.body.clone()).map_err(|error| error.to_string())?;
    ensure(rest.body.get(name).is_none() && resource.text(&text) == Some("shown"), || {
        format!("all but `{name}` was asked for: {}", rest.body)
    })?;
    ensure(part.etag == whole.etag && rest.etag == whole.etag && rest.version() == whole.version(), || {
        "the version is another if only a part is shown".to_owned()
    })?;
    // A projection is for one response: the next one is whole again.
    ensure(client.get(&path).await.body == whole.body, || "a projection changed what is stored".to_owned())
}

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
            format!("the {secret} was returned: {text}")
        })?;
    }
    let changed = client.get(&path).await;
    ensure(changed.version() != created.version(), || {
        format!("writing the {secret} did not change the version")
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
                let resource = crate::Resource::try_from(read.body).map_err(|error| error.to_string())?;
                ensure(resource.text(&text) == Some(value), || {
                    format!("{} is not stored as it was sent", excerpt(value))
                })?;
            }
            400 => {}
            status => return Err(format!("{} is answered with {status}", excerpt(value))),
        }
        if env.capabilities.filter() {
            let filter = format!("{text} eq {}", Value::from(value));
            let search = json!({ "schemas": [SEARCH_REQUEST], "filter": filter });
            let status = client
                .post(&format!("{}/.search", env.tested.resource_type.endpoint()), &search)
                .await
                .status;
            ensure(matches!(status, 200 | 400), || {
                format!("a filter for {} is answered with {status}", excerpt(value))
            })?;
        }
    }
    Ok(())
}

/// The beginning of a value, for messages.
fn excerpt(value: &str) -> String {
    format!("{:?}", value.chars().take(40).collect::<String>())
}

pub(super) async fn tenants(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Tenant").await?;
    let other = env.client();
    other.get(&path).await.expect(404, "reading another tenant's resource")?;
    let body = json!([{ "op": "replace", "path": free_text_path(env)?, "value": "stolen" }]);
    other.patch(&path, body).await.expect(404, "changing another tenant's resource")?;
    other
        .put(&path, &Value::Object(env.tested.minimal_body("Stolen")))
        .await
        .expect(404, "replacing another tenant's")?;
    other.delete(&path).await.expect(404, "deleting another tenant's resource")?;
    ensure(other.query(&env.tested.resource_type, &[]).await.total() == Some(0), || {
        "another tenant's is found".to_owned()
    })?;
    other.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body("Tenant"))).await?;
    ensure(client.get(&path).await.body == created.body, || "another tenant changed it".to_owned())
}
