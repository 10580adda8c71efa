//! What is shown of a group's members, and of its version, when not all of it is asked for.

use serde_json::{Value, json};

use super::client::{Reply, encode};
use super::lifecycle::ensure;
use super::relations::{Scene, scene};
use super::{Bench, Verdict};

impl Scene<'_> {
    /// A resource with its members in order, so that it can be compared with another.
    fn ordered(&self, resource: &Value) -> Value {
        let mut resource = resource.clone();
        if let Some(Value::Array(list)) = resource.get_mut(self.name()) {
            list.sort_by_key(Value::to_string);
        }
        resource
    }

    /// The same reply, or what is different about it.
    fn same(&self, what: &str, is: &Value, should: &Value) -> Verdict {
        let (is, should) = (self.ordered(is), self.ordered(should));
        ensure(is == should, || format!("{what} is {is} instead of {should}"))
    }
}

pub(super) async fn repeated(bench: &Bench) -> Verdict {
    let scene = scene(bench, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|place| scene.user(place));
    let group = scene.group("Repeated", &[a, b, c]).await?.id();
    let (path, name) = (scene.path(&group), scene.name());
    let whole = scene.client.get(&path).await.expect(200, "reading a group")?;
    let part = scene.client.get(&format!("{path}?attributes={name}")).await.expect(200, "its members")?;
    for members in [vec![a], vec![b, c], vec![c, a, b]] {
        let elements: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let add = json!([{ "op": "add", "path": name, "value": elements }]);
        let what = format!("adding {} members that are there", members.len());
        let reply = scene.client.patch(&format!("{path}?attributes={name}"), add.clone()).await;
        let reply = reply.expect(200, &what)?;
        scene.same(&format!("what {what} answers"), &reply.body, &part.body)?;
        ensure(reply.etag == whole.etag, || format!("{what} moved the version"))?;
        let reply = scene.client.patch(&path, add).await.expect(200, &what)?;
        scene.same(&format!("what {what} answers"), &reply.body, &whole.body)?;
    }
    scene.same("the group afterwards", &scene.client.get(&path).await.body, &whole.body)
}

pub(super) async fn listed(bench: &Bench) -> Verdict {
    let scene = scene(bench, 3).await?;
    let [a, b, c] = [0, 1, 2].map(|place| scene.user(place));
    let mut groups = Vec::new();
    for (name, members) in [("Listed two", vec![a, b]), ("Listed none", vec![]), ("Listed one", vec![c])] {
        groups.push(scene.group(name, &members).await?.id());
    }
    let name = scene.name();
    let mut forms = vec![String::new(), format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    let titled = scene.relation.groups.attribute("displayName").is_some();
    if bench.capabilities.filter() && titled {
        forms.push(format!("?filter={}", encode("displayName sw \"Listed\"")));
    }
    for form in forms {
        let list = scene.client.get(&format!("{}{form}", scene.relation.groups.endpoint())).await;
        let list = list.expect(200, "a list of groups")?;
        ensure(list.resources().len() == groups.len(), || {
            format!("of {} groups {} are listed with `{form}`", groups.len(), list.resources().len())
        })?;
        for id in &groups {
            // One alone cannot be filtered.
            let single = if form.starts_with("?filter") { "" } else { &form };
            let read = scene.client.get(&format!("{}{single}", scene.path(id))).await;
            let read = read.expect(200, "reading a group")?;
            let is = |resource: &&Value| resource.get("id") == read.body.get("id");
            let listed = list.resources().iter().find(is).ok_or("a group is not listed")?;
            scene.same(&format!("a group in a list with `{form}`"), listed, &read.body)?;
            ensure(!form.contains("excluded") || listed.get(name).is_none(), || {
                format!("`{name}` is shown although it is excluded")
            })?;
        }
    }
    Ok(())
}

pub(super) async fn versions(bench: &Bench) -> Verdict {
    let scene = scene(bench, 3).await?;
    let (name, client) = (scene.name(), &scene.client);
    let endpoint = scene.relation.groups.endpoint();
    let forms = [format!("?attributes={name}"), format!("?excludedAttributes={name}")];
    for (number, form) in forms.iter().enumerate() {
        let body = scene.group_body(&format!("Versions {number}"), &[scene.user(0), scene.user(1)]);
        let created =
            client.post(&format!("{endpoint}{form}"), &body).await.expect(201, "creating a group")?;
        let path = scene.path(&created.id());
        let whole = client.get(&path).await.expect(200, "reading a group")?;
        agree(&format!("POST with `{form}`"), &created, &whole)?;
        for form in &forms {
            let read = client.get(&format!("{path}{form}")).await.expect(200, "a projection")?;
            agree(&format!("GET with `{form}`"), &read, &whole)?;
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
            agree(&what, &reply, &client.get(&path).await)?;
        }
    }
    Ok(())
}

/// That an answer that shows a part tells the version of the whole.
fn agree(what: &str, part: &Reply, whole: &Reply) -> Verdict {
    let version = part.body.pointer("/meta/version").and_then(Value::as_str);
    let same = part.etag == whole.etag && version.is_none_or(|version| version == whole.version());
    ensure(same && whole.etag.is_some(), || {
        format!("{what} tells the version {:?}, the resource has {:?}", part.etag, whole.etag)
    })
}
