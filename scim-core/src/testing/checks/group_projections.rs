//! Checks of the members and the versions that responses with projections show of groups.

use serde_json::{Value, json};

use crate::testing::client::{Reply, encode};
use crate::testing::environment::Environment;
use crate::testing::group_scene::{GroupScene, member_elements};
use crate::testing::verdict::{Verdict, ensure};

/// Returns a group with sorted members, so that groups can be compared regardless of the order.
fn sort_members(scene: &GroupScene<'_>, group: &Value) -> Value {
    let mut group = group.clone();
    if let Some(Value::Array(list)) = group.get_mut(scene.list_name()) {
        list.sort_by_key(Value::to_string);
    }
    group
}

/// Fails unless two groups are equal, apart from the order of their members.
fn ensure_same_group(scene: &GroupScene<'_>, sent: &str, actual: &Value, expected: &Value) -> Verdict {
    let (actual, expected) = (sort_members(scene, actual), sort_members(scene, expected));
    ensure(actual == expected, || format!("sent {sent}, expected the group {expected}, got {actual}"))
}

pub(super) async fn repeated(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|number| scene.user(number));
    let group = scene.create_group("Repeated", &[a, b, c]).await?.id();
    let (path, name) = (scene.path(&group), scene.list_name());
    let complete = scene.client.get(&path).await.expect(200, "GET of a group")?;
    let projected = scene.client.get(&format!("{path}?attributes={name}")).await;
    let projected = projected.expect(200, &format!("GET with `attributes={name}`"))?;
    for members in [vec![a], vec![b, c], vec![c, a, b]] {
        let add = json!([{ "op": "add", "path": name, "value": member_elements(&members) }]);
        let sent = format!("PATCH that adds {} members that are already there", members.len());
        let reply = scene.client.patch(&format!("{path}?attributes={name}"), add.clone()).await;
        let reply = reply.expect(200, &sent)?;
        ensure_same_group(
            &scene,
            &format!("{sent}, with `attributes={name}`"),
            &reply.body,
            &projected.body,
        )?;
        ensure(reply.etag == complete.etag, || {
            format!("sent {sent}, expected the old version {:?}, got {:?}", complete.etag, reply.etag)
        })?;
        let reply = scene.client.patch(&path, add).await.expect(200, &sent)?;
        ensure_same_group(&scene, &sent, &reply.body, &complete.body)?;
    }
    ensure_same_group(&scene, "GET after these PATCHes", &scene.client.get(&path).await.body, &complete.body)
}

pub(super) async fn listed(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|number| scene.user(number));
    let mut groups = Vec::new();
    for (name, members) in [("Listed two", vec![a, b]), ("Listed none", vec![]), ("Listed one", vec![c])] {
        groups.push(scene.create_group(name, &members).await?.id());
    }
    let name = scene.list_name();
    let mut queries =
        vec![String::new(), format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    let has_display_name = scene.membership.groups.attribute("displayName").is_some();
    if env.capabilities.filter() && has_display_name {
        queries.push(format!("?filter={}", encode("displayName sw \"Listed\"")));
    }
    for query in queries {
        let path = format!("{}{query}", scene.membership.groups.endpoint());
        let list = scene.client.get(&path).await.expect(200, &format!("GET {path}"))?;
        ensure(list.resources().len() == groups.len(), || {
            format!("sent GET {path}, expected {} groups, got {}", groups.len(), list.resources().len())
        })?;
        for id in &groups {
            // Only a list can have a filter.
            let projection = if query.starts_with("?filter") { "" } else { &query };
            let read = scene.client.get(&format!("{}{projection}", scene.path(id))).await;
            let read = read.expect(200, "GET of a group")?;
            let listed = find_in_list(&list, &path, id)?;
            ensure_same_group(&scene, &format!("GET {path}"), listed, &read.body)?;
            ensure(!query.contains("excluded") || listed.get(name).is_none(), || {
                format!("sent GET {path}, expected no `{name}`, got {listed}")
            })?;
        }
    }
    Ok(())
}

/// Finds a resource in a list.
///
/// # Errors
///
/// A message that names the path of the list if the resource is not in it.
fn find_in_list<'l>(list: &'l Reply, path: &str, id: &str) -> Result<&'l Value, String> {
    let has_id = |resource: &&Value| resource.get("id").and_then(Value::as_str) == Some(id);
    let found = list.resources().iter().find(has_id);
    found.ok_or_else(|| format!("sent GET {path}, expected the group `{id}` in the list, got {}", list.body))
}

pub(super) async fn versions(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let (name, client) = (scene.list_name(), &scene.client);
    let endpoint = scene.membership.groups.endpoint();
    let projections = [format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    for (number, projection) in projections.iter().enumerate() {
        let body = scene.group_body(&format!("Versions {number}"), &[scene.user(0), scene.user(1)]);
        let created =
            client.post(&format!("{endpoint}{projection}"), &body).await.expect(201, "POST of a group")?;
        let path = scene.path(&created.id());
        let complete = client.get(&path).await.expect(200, "GET of a group")?;
        ensure_same_version(&format!("POST with `{projection}`"), &created, &complete)?;
        for projection in &projections {
            let sent = format!("GET with `{projection}`");
            let read = client.get(&format!("{path}{projection}")).await.expect(200, &sent)?;
            ensure_same_version(&sent, &read, &complete)?;
        }
        for query in [&format!("?excludedAttributes={name}"), &format!("?attributes={name},meta")] {
            let list_path = format!("{endpoint}{query}");
            let list = client.get(&list_path).await.expect(200, &format!("GET {list_path}"))?;
            let listed = find_in_list(&list, &list_path, &complete.id())?;
            let version = listed.pointer("/meta/version").and_then(Value::as_str);
            ensure(version == Some(&complete.version()), || {
                format!("sent GET {list_path}, expected the version {}, got {version:?}", complete.version())
            })?;
        }
        let operations = [
            json!([{ "op": "add", "path": name, "value": [{ "value": scene.user(2) }] }]),
            json!([{ "op": "add", "path": name, "value": [{ "value": scene.user(2) }] }]),
            json!([{ "op": "remove", "path": format!("{name}[value eq \"{}\"]", scene.user(0)) }]),
            json!([{ "op": "replace", "path": "externalId", "value": "moved" }]),
        ];
        for operations in operations {
            let sent = format!("PATCH {operations} with `{projection}`");
            let reply = client.patch(&format!("{path}{projection}"), operations).await.expect(200, &sent)?;
            ensure_same_version(&sent, &reply, &client.get(&path).await)?;
        }
    }
    Ok(())
}

/// Fails unless a response with a projection has the version of the complete group.
fn ensure_same_version(sent: &str, projected: &Reply, complete: &Reply) -> Verdict {
    let version = projected.body.pointer("/meta/version").and_then(Value::as_str);
    let is_same =
        projected.etag == complete.etag && version.is_none_or(|version| version == complete.version());
    ensure(is_same && complete.etag.is_some(), || {
        format!(
            "sent {sent}, expected the version {:?} of the complete group, got the ETag {:?} and \
             `meta.version` {version:?}",
            complete.etag, projected.etag
        )
    })
}
