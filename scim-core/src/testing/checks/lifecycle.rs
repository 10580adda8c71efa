//! Checks of one resource: creating, reading, changing and deleting it.

use http::Method;
use serde_json::{Value, json};

use crate::testing::client::{Client, Reply, patch_body};
use crate::testing::environment::Environment;
use crate::testing::named_resource::{create_named, free_text_path, parse_resource, path};
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn create(env: &Environment) -> Verdict {
    let client = env.client();
    let mut body = env.tested.minimal_body("Created One");
    for target in &env.tested.attributes {
        if target.attribute().name() == "externalId" {
            target.set(&mut body, json!("ext-1"));
        }
    }
    let created = client.create(&env.tested.resource_type, &Value::Object(body.clone())).await?;
    ensure(!created.id().is_empty(), || format!("expected an `id`, got {}", created.body))?;
    ensure(created.etag.as_deref() == Some(&created.version()), || {
        format!("expected `meta.version` as the ETag, got the ETag {:?}: {}", created.etag, created.body)
    })?;
    let time = |name: &str| created.body.pointer(&format!("/meta/{name}")).cloned().unwrap_or_default();
    ensure(!time("created").is_null() && time("created") == time("lastModified"), || {
        format!("expected equal values of `meta.created` and `meta.lastModified`, got {}", created.body)
    })?;
    let read = client.get(&path(env, &created.id())).await.expect(200, "GET of the new resource")?;
    ensure(read.body == created.body, || {
        format!("sent GET after POST, expected the same resource {}, got {}", created.body, read.body)
    })?;
    let is_stored = body
        .iter()
        .filter(|(name, _)| *name != "schemas")
        .all(|(name, value)| read.body.get(name) == Some(value));
    ensure(is_stored, || format!("sent {}, expected the same values, got {}", Value::Object(body), read.body))
}

pub(super) async fn retrieve(env: &Environment) -> Verdict {
    let (client, ..) = create_named(env, "Retrieved").await?;
    for id in ["0", "no-such-id", "00000000-0000-0000-0000-000000000000", "%00", "%27%20OR%201%3D1--"] {
        client.get(&path(env, id)).await.expect(404, &format!("GET of the unknown id `{id}`"))?;
        let body = patch_body(json!([{ "op": "replace", "value": { "externalId": "x" } }]));
        client
            .send(Method::PATCH, &path(env, id), Some(&body), None)
            .await
            .expect(404, &format!("PATCH of the unknown id `{id}`"))?;
        client.delete(&path(env, id)).await.expect(404, &format!("DELETE of the unknown id `{id}`"))?;
    }
    Ok(())
}

pub(super) async fn replace(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Before").await?;
    let text = free_text_path(env)?;
    client
        .patch(&path, json!([{ "op": "add", "path": text, "value": "to be cleared" }]))
        .await
        .expect(200, &format!("PATCH that adds `{text}`"))?;
    let reply =
        client.put(&path, &Value::Object(env.tested.minimal_body("After"))).await.expect(200, "PUT")?;
    let read = client.get(&path).await.expect(200, "GET after PUT")?;
    ensure(read.body == reply.body, || {
        format!("sent GET after PUT, expected the body of the PUT response {}, got {}", reply.body, read.body)
    })?;
    let (resource, name) = (parse_resource(&read.body)?, env.tested.name.path());
    ensure(resource.text(name.as_str()) == Some("After"), || {
        format!("sent PUT with `{name}` \"After\", expected this name, got {}", read.body)
    })?;
    ensure(resource.get(&text).is_none(), || {
        format!("sent PUT without `{text}`, expected that it is cleared, got {}", read.body)
    })?;
    let is_same = |name: &str| {
        read.body.pointer(&format!("/meta/{name}")) == created.body.pointer(&format!("/meta/{name}"))
    };
    ensure(is_same("created") && read.id() == created.id(), || {
        format!(
            "sent PUT, expected the same `id` and `meta.created` as in {}, got {}",
            created.body, read.body
        )
    })
}

pub(super) async fn patch(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Patched").await?;
    let text = free_text_path(env)?;
    let reply = client
        .patch(&path, json!([{ "op": "add", "path": text, "value": "New" }]))
        .await
        .expect(200, &format!("PATCH that adds `{text}`"))?;
    let read = client.get(&path).await.expect(200, "GET after PATCH")?;
    ensure(read.body == reply.body, || {
        format!(
            "sent GET after PATCH, expected the body of the PATCH response {}, got {}",
            reply.body, read.body
        )
    })?;
    let (resource, name) = (parse_resource(&read.body)?, env.tested.name.path());
    ensure(resource.text(&text) == Some("New"), || {
        format!("sent PATCH with `{text}` \"New\", expected this value, got {}", read.body)
    })?;
    ensure(resource.text(name.as_str()) == Some("Patched"), || {
        format!("sent PATCH of `{text}`, expected that `{name}` stays the same, got {}", read.body)
    })?;
    ensure(read.version() != created.version(), || {
        format!("sent PATCH that changes `{text}`, expected a new version, got {} again", read.version())
    })
}

pub(super) async fn atomic(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Atomic").await?;
    let operations = json!([
        { "op": "add", "path": free_text_path(env)?, "value": "half applied" },
        { "op": "remove", "path": env.tested.name.path().as_str() },
    ]);
    client
        .patch(&path, operations)
        .await
        .expect(400, "PATCH that adds a text and then removes a required attribute")?;
    ensure_unchanged(&client, &path, &created, "PATCH").await
}

/// Fails unless a resource is still what it was before a request that was refused.
async fn ensure_unchanged(client: &Client<'_>, path: &str, before: &Reply, refused: &str) -> Verdict {
    let after = client.get(path).await;
    ensure(after.body == before.body, || {
        format!(
            "sent GET after a {refused} that was refused, expected the unchanged resource {}, got {}",
            before.body, after.body
        )
    })
}

pub(super) async fn no_op(env: &Environment) -> Verdict {
    let (client, _, path) = create_named(env, "No Op").await?;
    let set = json!([{ "op": "replace", "path": free_text_path(env)?, "value": "same" }]);
    let first = client.patch(&path, set.clone()).await.expect(200, "PATCH")?;
    let second = client.patch(&path, set).await.expect(200, "the same PATCH again")?;
    ensure(first.body == second.body, || {
        format!(
            "sent the same PATCH twice, expected the same version and `meta.lastModified` as in {}, got {}",
            first.body, second.body
        )
    })?;
    let third = client.put(&path, &second.body).await.expect(200, "PUT of the resource as it was read")?;
    ensure(third.body == second.body, || {
        format!(
            "sent PUT of the resource as it was read, expected no change {}, got {}",
            second.body, third.body
        )
    })
}

pub(super) async fn precondition(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Precondition").await?;
    let body = patch_body(json!([{ "op": "replace", "path": free_text_path(env)?, "value": "x" }]));
    let patch = |version: &'static str| client.send(Method::PATCH, &path, Some(&body), Some(version));
    patch("W/\"another\"").await.expect(412, "PATCH with another version in If-Match")?;
    client
        .send(Method::DELETE, &path, None, Some("W/\"another\""))
        .await
        .expect(412, "DELETE with another version in If-Match")?;
    ensure_unchanged(&client, &path, &created, "PATCH and a DELETE").await?;
    let version = created.version();
    let reply = client.send(Method::PATCH, &path, Some(&body), Some(&version)).await;
    let reply = reply.expect(200, "PATCH with the current version in If-Match")?;
    client
        .send(Method::DELETE, &path, None, Some(&version))
        .await
        .expect(412, "DELETE with an old version in If-Match")?;
    client
        .send(Method::DELETE, &path, None, Some(&reply.version()))
        .await
        .expect(204, "DELETE with the current version in If-Match")?;
    Ok(())
}

pub(super) async fn uniqueness(env: &Environment) -> Verdict {
    let (name, other_case) = match env.tested.ascii_texts {
        true => ("Unique Emile", "uNIQUE emile"),
        false => ("Unique Émile", "uNIQUE émile"),
    };
    let (client, ..) = create_named(env, name).await?;
    if env.tested.name.attribute().uniqueness() == scim_schema::Uniqueness::None {
        return Ok(());
    }
    let named = |name: &str| Value::Object(env.tested.minimal_body(name));
    let ensure_refused = |reply: Reply, sent: &str| {
        let reply = reply.expect(409, sent)?;
        ensure(reply.body.get("scimType") == Some(&json!("uniqueness")), || {
            format!("sent {sent}, expected the scimType uniqueness, got {}", reply.body)
        })
    };
    let endpoint = env.tested.resource_type.endpoint();
    ensure_refused(client.post(endpoint, &named(name)).await, "POST with the name of another resource")?;
    if !env.tested.name.attribute().is_case_exact() {
        let sent = "POST with the name of another resource in other case";
        ensure_refused(client.post(endpoint, &named(other_case)).await, sent)?;
    }
    let other = client.create(&env.tested.resource_type, &named("Other")).await?;
    let path = path(env, &other.id());
    let rename =
        |name: &str| json!([{ "op": "replace", "path": env.tested.name.path().as_str(), "value": name }]);
    ensure_refused(client.patch(&path, rename(name)).await, "PATCH with the name of another resource")?;
    ensure_refused(client.put(&path, &named(name)).await, "PUT with the name of another resource")?;
    ensure_unchanged(&client, &path, &other, "PATCH and a PUT").await?;
    client
        .patch(&path, rename("OTHER"))
        .await
        .expect(200, "PATCH with the name of the same resource in other case")?;
    Ok(())
}

pub(super) async fn delete(env: &Environment) -> Verdict {
    let (client, created, path) = create_named(env, "Deleted").await?;
    client.delete(&path).await.expect(204, "DELETE")?;
    client.get(&path).await.expect(404, "GET after DELETE")?;
    client.delete(&path).await.expect(404, "DELETE a second time")?;
    let ids = client.query(&env.tested.resource_type, &[]).await.ids();
    ensure(!ids.contains(&created.id()), || {
        format!("sent a query after DELETE, expected that `{}` is not found, got it", created.id())
    })?;
    let second =
        client.create(&env.tested.resource_type, &Value::Object(env.tested.minimal_body("Deleted"))).await?;
    ensure(second.id() != created.id(), || {
        format!("sent POST after DELETE, expected a new id, got `{}` of the deleted resource", second.id())
    })
}

pub(super) async fn projection(env: &Environment) -> Verdict {
    let (client, _, path) = create_named(env, "Projected").await?;
    let text = free_text_path(env)?;
    let complete = client.patch(&path, json!([{ "op": "add", "path": text, "value": "shown" }])).await;
    let complete = complete.expect(200, &format!("PATCH that adds `{text}`"))?;
    let name = env.tested.name.path().as_str();
    let part = client
        .get(&format!("{path}?attributes={name}"))
        .await
        .expect(200, &format!("GET with `attributes={name}`"))?;
    let resource = parse_resource(&part.body)?;
    ensure(part.body.get(name) == complete.body.get(name) && resource.get(&text).is_none(), || {
        format!("sent GET with `attributes={name}`, expected `{name}` and no `{text}`, got {}", part.body)
    })?;
    let rest = client.get(&format!("{path}?excludedAttributes={name}")).await;
    let rest = rest.expect(200, &format!("GET with `excludedAttributes={name}`"))?;
    let resource = parse_resource(&rest.body)?;
    ensure(rest.body.get(name).is_none() && resource.text(&text) == Some("shown"), || {
        format!(
            "sent GET with `excludedAttributes={name}`, expected `{text}` and no `{name}`, got {}",
            rest.body
        )
    })?;
    ensure(
        part.etag == complete.etag && rest.etag == complete.etag && rest.version() == complete.version(),
        || {
            format!(
                "sent GET with projections, expected the version {:?} of the complete resource, got {:?} and {:?}",
                complete.etag, part.etag, rest.etag
            )
        },
    )?;
    let read = client.get(&path).await;
    ensure(read.body == complete.body, || {
        format!("sent GET after GETs with projections, expected {}, got {}", complete.body, read.body)
    })
}
