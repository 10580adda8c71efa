//! Memberships: groups and their members, and what a member says of its groups.

use http::Method;
use scim_schema::{AttributeRef, Mutability};
use serde_json::{Value, json};

use crate::testing::client::patch_body;
use crate::testing::environment::Environment;
use crate::testing::group_scene::GroupScene;
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn members(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 5).await?;
    let [a, b, c, d] = [0, 1, 2, 3].map(|place| scene.user(place));
    let group = scene.create_group("Members", &[a, b, a]).await?.id();
    let name = scene.list_name();
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
        let same = scene.members(&group).await == scene.sorted_users(expected);
        scene.client.patch(&path, operations.clone()).await.expect(200, "a PATCH of the members")?;
        let found = scene.members(&group).await;
        ensure(found == scene.sorted_users(expected), || {
            format!("after {operations} the members are {found:?}")
        })?;
        let after = scene.client.get(&path).await;
        ensure((before.version() == after.version()) == same, || {
            format!("{operations}: the version must change exactly when the members do")
        })?;
    }
    let hidden = scene.client.get(&format!("{path}?excludedAttributes={name}")).await;
    ensure(hidden.body.get(name).is_none(), || format!("`{name}` is shown although it is excluded"))
}

/// The attribute of the first type that says which groups a resource is in.
fn groups_attribute(env: &Environment) -> Option<&str> {
    let references =
        |t: &&AttributeRef| t.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
    let read_only = |t: &&AttributeRef| {
        t.attribute().mutability() == Mutability::ReadOnly && t.attribute().is_multi_valued()
    };
    env.tested.resource_type.attributes().filter(read_only).find(references).map(|t| t.attribute().name())
}

pub(super) async fn groups(env: &Environment) -> Verdict {
    let Some(attribute) = groups_attribute(env) else { return Ok(()) };
    let scene = GroupScene::new(env, 1).await?;
    let inner = scene.create_group("Inner", &[scene.user(0)]).await?.id();
    let outer = if env.flat_groups { None } else { Some(scene.create_group("Outer", &[&inner]).await?.id()) };
    let user = format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(0));
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
        .patch(&path, json!([{ "op": "remove", "path": scene.list_name() }]))
        .await
        .expect(200, "a PATCH")?;
    let after = scene.client.get(&user).await;
    ensure(after.body.get(attribute).is_none(), || format!("`{attribute}` is not emptied: {}", after.body))?;
    ensure(after.version() == before.version(), || {
        "memberships must not change the member's version".to_owned()
    })
}

pub(super) async fn cascade(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 2).await?;
    let group = scene.create_group("Cascade", &[scene.user(0), scene.user(1)]).await?;
    let gone = format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(0));
    scene.client.delete(&gone).await.expect(204, "deleting a member")?;
    let members = scene.members(&group.id()).await;
    ensure(members == scene.sorted_users(&[1]), || {
        format!("the members are {members:?} after one was deleted")
    })?;
    let after = scene.client.get(&scene.path(&group.id())).await;
    ensure(after.version() != group.version(), || "the group's version did not change".to_owned())?;
    scene.client.delete(&scene.path(&group.id())).await.expect(204, "deleting the group")?;
    let user = scene.client.get(&format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(1))).await;
    match groups_attribute(env) {
        Some(attribute) => {
            ensure(user.body.get(attribute).is_none(), || "a deleted group is still shown".to_owned())
        }
        None => Ok(()),
    }
}

pub(super) async fn circles(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 0).await?;
    let a = scene.create_group("A", &[]).await?.id();
    if env.flat_groups {
        return flat(&scene, &a).await;
    }
    let b = scene.create_group("B", &[&a]).await?.id();
    let c = scene.create_group("C", &[&b]).await?.id();
    for (group, member) in [(&a, &a), (&a, &b), (&a, &c)] {
        let operations = json!([{ "op": "add", "path": scene.list_name(), "value": [{ "value": member }] }]);
        let reply =
            scene.client.send(Method::PATCH, &scene.path(group), Some(&patch_body(operations)), None).await;
        reply.expect(400, "making a group a member of itself")?;
    }
    Ok(())
}

/// That no group is a member of any, where groups hold none.
async fn flat(scene: &GroupScene<'_>, group: &str) -> Verdict {
    let other = scene.create_group("B", &[]).await?;
    let body = scene.group_body("C", &[group]);
    scene.client.post(scene.membership.groups.endpoint(), &body).await.expect(400, "a group with a group")?;
    let path = scene.path(&other.id());
    for member in [group, &other.id()] {
        for op in ["add", "replace"] {
            let change = json!([{ "op": op, "path": scene.list_name(), "value": [{ "value": member }] }]);
            scene.client.patch(&path, change).await.expect(400, "making a group a member of a group")?;
        }
    }
    ensure(scene.client.get(&path).await.body == other.body, || "what was refused was done".to_owned())
}
