//! Groups of which not everything is asked for: the members and the version that responses show.

use serde_json::{Value, json};

use crate::testing::client::{Reply, encode};
use crate::testing::environment::Environment;
use crate::testing::group_scene::{GroupScene, member_elements};
use crate::testing::verdict::{Verdict, ensure};

/// A group with its members in order, so that it can be compared with another.
fn sort_members(scene: &GroupScene<'_>, group: &Value) -> Value {
    let mut group = group.clone();
    if let Some(Value::Array(list)) = group.get_mut(scene.list_name()) {
        list.sort_by_key(Value::to_string);
    }
    group
}

/// Fails unless two groups are equal but for the order of their members.
fn ensure_same_group(scene: &GroupScene<'_>, what: &str, actual: &Value, expected: &Value) -> Verdict {
    let (actual, expected) = (sort_members(scene, actual), sort_members(scene, expected));
    ensure(actual == expected, || format!("{what} is {actual} instead of {expected}"))
}

pub(super) async fn repeated(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|place| scene.user(place));
    let group = scene.create_group("Repeated", &[a, b, c]).await?.id();
    let (path, name) = (scene.path(&group), scene.list_name());
    let whole = scene.client.get(&path).await.expect(200, "reading a group")?;
    let part = scene.client.get(&format!("{path}?attributes={name}")).await.expect(200, "its members")?;
    for members in [vec![a], vec![b, c], vec![c, a, b]] {
        let add = json!([{ "op": "add", "path": name, "value": member_elements(&members) }]);
        let what = format!("adding {} members that are there", members.len());
        let reply = scene.client.patch(&format!("{path}?attributes={name}"), add.clone()).await;
        let reply = reply.expect(200, &what)?;
        ensure_same_group(&scene, &format!("what {what} answers"), &reply.body, &part.body)?;
        ensure(reply.etag == whole.etag, || format!("{what} moved the version"))?;
        let reply = scene.client.patch(&path, add).await.expect(200, &what)?;
        ensure_same_group(&scene, &format!("what {what} answers"), &reply.body, &whole.body)?;
    }
    ensure_same_group(&scene, "the group afterwards", &scene.client.get(&path).await.body, &whole.body)
}

pub(super) async fn listed(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|place| scene.user(place));
    let mut groups = Vec::new();
    for (name, members) in [("Listed two", vec![a, b]), ("Listed none", vec![]), ("Listed one", vec![c])] {
        groups.push(scene.create_group(name, &members).await?.id());
    }
    let name = scene.list_name();
    let mut forms = vec![String::new(), format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    let titled = scene.membership.groups.attribute("displayName").is_some();
    if env.capabilities.filter() && titled {
        forms.push(format!("?filter={}", encode("displayName sw \"Listed\"")));
    }
    for form in forms {
        let list = scene.client.get(&format!("{}{form}", scene.membership.groups.endpoint())).await;
        let list = list.expect(200, "a list of groups")?;
        ensure(list.resources().len() == groups.len(), || {
            format!("of {} groups {} are listed with `{form}`", groups.len(), list.resources().len())
        })?;
        for id in &groups {
            // A filter is for lists only.
            let single = if form.starts_with("?filter") { "" } else { &form };
            let read = scene.client.get(&format!("{}{single}", scene.path(id))).await;
            let read = read.expect(200, "reading a group")?;
            let is = |resource: &&Value| resource.get("id") == read.body.get("id");
            let listed = list.resources().iter().find(is).ok_or("a group is not listed")?;
            ensure_same_group(&scene, &format!("a group in a list with `{form}`"), listed, &read.body)?;
            ensure(!form.contains("excluded") || listed.get(name).is_none(), || {
                format!("`{name}` is shown although it is excluded")
            })?;
        }
    }
    Ok(())
}

pub(super) async fn versions(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let (name, client) = (scene.list_name(), &scene.client);
    let endpoint = scene.membership.groups.endpoint();
    let forms = [format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    for (number, form) in forms.iter().enumerate() {
        let body = scene.group_body(&format!("Versions {number}"), &[scene.user(0), scene.user(1)]);
        let created =
            client.post(&format!("{endpoint}{form}"), &body).await.expect(201, "creating a group")?;
        let path = scene.path(&created.id());
        let whole = client.get(&path).await.expect(200, "reading a group")?;
        ensure_same_version(&format!("POST with `{form}`"), &created, &whole)?;
        for form in &forms {
            let read = client.get(&format!("{path}{form}")).await.expect(200, "a projection")?;
            ensure_same_version(&format!("GET with `{form}`"), &read, &whole)?;
        }
        for form in [&format!("?excludedAttributes={name}"), &format!("?attributes={name},meta")] {
            let list = client.get(&format!("{endpoint}{form}")).await.expect(200, "a list of groups")?;
            let is = |resource: &&Value| resource.get("id") == whole.body.get("id");
            let listed = list.resources().iter().find(is).ok_or("a group is not listed")?;
            let version = listed.pointer("/meta/version").and_then(Value::as_str);
            ensure(version == Some(&whole.version()), || {
                format!("a list with `{form}` shows the version {version:?} instead of {}", whole.version())
            })?;
        }
        let operations = [
            json!([{ "op": "add", "path": name, "value": [{ "value": scene.user(2) }] }]),
            json!([{ "op": "add", "path": name, "value": [{ "value": scene.user(2) }] }]),
            json!([{ "op": "remove", "path": format!("{name}[value eq \"{}\"]", scene.user(0)) }]),
            json!([{ "op": "replace", "path": "externalId", "value": "moved" }]),
        ];
        for operations in operations {
            let what = format!("PATCH {operations} with `{form}`");
            let reply = client.patch(&format!("{path}{form}"), operations).await.expect(200, &what)?;
            ensure_same_version(&what, &reply, &client.get(&path).await)?;
        }
    }
    Ok(())
}

/// Fails unless a response that shows a part of a group has the version of the complete group.
fn ensure_same_version(what: &str, part: &Reply, whole: &Reply) -> Verdict {
    let version = part.body.pointer("/meta/version").and_then(Value::as_str);
    let same = part.etag == whole.etag && version.is_none_or(|version| version == whole.version());
    ensure(same && whole.etag.is_some(), || {
        format!("{what} tells the version {:?}, the resource has {:?}", part.etag, whole.etag)
    })
}
