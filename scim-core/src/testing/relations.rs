//! Memberships: what relates the resource types of a store.

use http::Method;
use scim_schema::{Mutability, ResourceType, Target};
use serde_json::{Value, json};

use super::client::{Client, Reply, patch_body};
use super::lifecycle::ensure;
use super::shape::{least, put};
use super::{Bench, Verdict};

/// A type with a list of members, and the first type as a member of it.
pub(super) struct Relation<'a> {
    pub(super) groups: &'a ResourceType,
    list: &'a Target,
}

impl Bench {
    pub(super) fn relation(&self) -> Option<Relation<'_>> {
        self.types.iter().find_map(|groups| {
            let list = groups.attributes().find(|target| target.holds_members())?;
            Some(Relation { groups, list })
        })
    }
}

/// A tenant with some users, whose ids come with it.
pub(super) struct Scene<'a> {
    pub(super) client: Client<'a>,
    pub(super) relation: Relation<'a>,
    users: Vec<String>,
}

pub(super) async fn scene(bench: &Bench, users: usize) -> Result<Scene<'_>, String> {
    let relation = bench.relation().ok_or("no resource type has members")?;
    let client = bench.client();
    let mut ids = Vec::new();
    for number in 0..users {
        let body = Value::Object(bench.shape.named(&format!("member {number}")));
        ids.push(client.create(&bench.shape.on, &body).await?.id());
    }
    Ok(Scene { client, relation, users: ids })
}

impl Scene<'_> {
    pub(super) fn name(&self) -> &str {
        self.relation.list.attribute().name()
    }

    pub(super) async fn group(&self, name: &str, members: &[&str]) -> Result<Reply, String> {
        self.client.create(self.relation.groups, &self.group_body(name, members)).await
    }

    /// A group with these members, as it is sent.
    pub(super) fn group_body(&self, name: &str, members: &[&str]) -> Value {
        let elements: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let mut body = least(self.relation.groups, name);
        put(&mut body, self.relation.list, Value::Array(elements));
        Value::Object(body)
    }

    pub(super) fn path(&self, id: &str) -> String {
        format!("{}/{id}", self.relation.groups.endpoint())
    }

    /// The members that a group has, in order of their ids.
    pub(super) async fn members(&self, id: &str) -> Vec<String> {
        let group = self.client.get(&self.path(id)).await;
        let list = group.body.get(self.name()).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut ids: Vec<String> =
            list.iter().filter_map(|e| e.get("value").and_then(Value::as_str)).map(str::to_owned).collect();
        ids.sort();
        ids
    }

    pub(super) fn sorted(&self, places: &[usize]) -> Vec<String> {
        let mut ids: Vec<String> =
            places.iter().filter_map(|place| self.users.get(*place)).cloned().collect();
        ids.sort();
        ids
    }

    pub(super) fn user(&self, place: usize) -> &str {
        self.users.get(place).map(String::as_str).unwrap_or_default()
    }
}

pub(super) async fn members(bench: &Bench) -> Verdict {
    let scene = scene(bench, 5).await?;
    let [a, b, c, d] = [0, 1, 2, 3].map(|place| scene.user(place));
    let group = scene.group("Members", &[a, b, a]).await?.id();
    let name = scene.name();
    let path = scene.path(&group);
    let steps: [(Value, &[usize]); 8] = [
        (json!([{ "op": "add", "path": name, "value": [{ "value": c }] }]), &[0, 1, 2]),
        (json!([{ "op": "add", "path": name, "value": [{ "value": c }, { "value": a }] }]), &[0, 1, 2]),
        (json!([{ "op": "remove", "path": format!("{name}[value eq \"{b}\"]") }]), &[0, 2]),
        (json!([{ "op": "remove", "path": name, "value": [{ "value": a }] }]), &[2]),
        (
            json!([
                { "op": "add", "path": name, "value": [{ "value": d }] },
                { "op": "remove", "path": format!("{name}[value eq \"{d}\"]") },
                { "op": "remove", "path": format!("{name}[value eq \"{c}\"]") },
                { "op": "add", "path": name, "value": [{ "value": c }] },
            ]),
            &[2],
        ),
        (json!([{ "op": "replace", "path": name, "value": [{ "value": a }, { "value": b }] }]), &[0, 1]),
        (json!([{ "op": "remove", "path": format!("{name}[value ne \"{b}\"]") }]), &[1]),
        (json!([{ "op": "remove", "path": name }]), &[]),
    ];
    for (operations, expected) in steps {
        let before = scene.client.get(&path).await;
        let same = scene.members(&group).await == scene.sorted(expected);
        scene.client.patch(&path, operations.clone()).await.expect(200, "a PATCH of the members")?;
        let found = scene.members(&group).await;
        ensure(found == scene.sorted(expected), || format!("after {operations} the members are {found:?}"))?;
        let after = scene.client.get(&path).await;
        ensure((before.version() == after.version()) == same, || {
            format!("{operations}: the version must change exactly when the members do")
        })?;
    }
    let hidden = scene.client.get(&format!("{path}?excludedAttributes={name}")).await;
    ensure(hidden.body.get(name).is_none(), || format!("`{name}` is shown although it is excluded"))
}

/// The attribute of the first type that says which groups a resource is in.
fn groups_attribute(bench: &Bench) -> Option<&str> {
    let references =
        |t: &&Target| t.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
    let read_only =
        |t: &&Target| t.attribute().mutability() == Mutability::ReadOnly && t.attribute().is_multi_valued();
    bench.shape.on.attributes().filter(read_only).find(references).map(|t| t.attribute().name())
}

pub(super) async fn groups(bench: &Bench) -> Verdict {
    let Some(attribute) = groups_attribute(bench) else { return Ok(()) };
    let scene = scene(bench, 1).await?;
    let inner = scene.group("Inner", &[scene.user(0)]).await?.id();
    let outer = if bench.flat_groups { None } else { Some(scene.group("Outer", &[&inner]).await?.id()) };
    let user = format!("{}/{}", bench.shape.on.endpoint(), scene.user(0));
    let before = scene.client.get(&user).await;
    let kind = |group: &str| {
        let list = before.body.get(attribute).and_then(Value::as_array);
        let found =
            list.into_iter().flatten().find(|g| g.get("value").and_then(Value::as_str) == Some(group));
        found.and_then(|g| g.get("type").and_then(Value::as_str)).map(str::to_owned)
    };
    ensure(kind(&inner).as_deref() == Some("direct"), || {
        format!("`{attribute}` lacks a direct group: {}", before.body)
    })?;
    if let Some(outer) = outer {
        ensure(kind(&outer).as_deref() == Some("indirect"), || {
            format!("`{attribute}` lacks an indirect group: {}", before.body)
        })?;
    }
    let path = scene.path(&inner);
    scene
        .client
        .patch(&path, json!([{ "op": "remove", "path": scene.name() }]))
        .await
        .expect(200, "a PATCH")?;
    let after = scene.client.get(&user).await;
    ensure(after.body.get(attribute).is_none(), || format!("`{attribute}` is not emptied: {}", after.body))?;
    ensure(after.version() == before.version(), || {
        "memberships must not change the member's version".to_owned()
    })
}

pub(super) async fn cascade(bench: &Bench) -> Verdict {
    let scene = scene(bench, 2).await?;
    let group = scene.group("Cascade", &[scene.user(0), scene.user(1)]).await?;
    let gone = format!("{}/{}", bench.shape.on.endpoint(), scene.user(0));
    scene.client.delete(&gone).await.expect(204, "deleting a member")?;
    let members = scene.members(&group.id()).await;
    ensure(members == scene.sorted(&[1]), || format!("the members are {members:?} after one was deleted"))?;
    let after = scene.client.get(&scene.path(&group.id())).await;
    ensure(after.version() != group.version(), || "the group's version did not change".to_owned())?;
    scene.client.delete(&scene.path(&group.id())).await.expect(204, "deleting the group")?;
    let user = scene.client.get(&format!("{}/{}", bench.shape.on.endpoint(), scene.user(1))).await;
    match groups_attribute(bench) {
        Some(attribute) => {
            ensure(user.body.get(attribute).is_none(), || "a deleted group is still shown".to_owned())
        }
        None => Ok(()),
    }
}

pub(super) async fn circles(bench: &Bench) -> Verdict {
    let scene = scene(bench, 0).await?;
    let a = scene.group("A", &[]).await?.id();
    if bench.flat_groups {
        return flat(&scene, &a).await;
    }
    let b = scene.group("B", &[&a]).await?.id();
    let c = scene.group("C", &[&b]).await?.id();
    for (group, member) in [(&a, &a), (&a, &b), (&a, &c)] {
        let operations = json!([{ "op": "add", "path": scene.name(), "value": [{ "value": member }] }]);
        let reply =
            scene.client.send(Method::PATCH, &scene.path(group), Some(&patch_body(operations)), None).await;
        reply.expect(400, "making a group a member of itself")?;
    }
    Ok(())
}

/// That no group is a member of any, where groups hold none.
async fn flat(scene: &Scene<'_>, group: &str) -> Verdict {
    let other = scene.group("B", &[]).await?;
    let body = scene.group_body("C", &[group]);
    scene.client.post(scene.relation.groups.endpoint(), &body).await.expect(400, "a group with a group")?;
    let path = scene.path(&other.id());
    for member in [group, &other.id()] {
        for op in ["add", "replace"] {
            let change = json!([{ "op": op, "path": scene.name(), "value": [{ "value": member }] }]);
            scene.client.patch(&path, change).await.expect(400, "making a group a member of a group")?;
        }
    }
    ensure(scene.client.get(&path).await.body == other.body, || "what was refused was done".to_owned())
}
