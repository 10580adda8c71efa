//! Checks of memberships: the members of a group, and the groups of a member.

use http::Method;
use scim_schema::{AttributeRef, Mutability};
use serde_json::{Value, json};

use crate::testing::client::patch_body;
use crate::testing::environment::Environment;
use crate::testing::group_scene::GroupScene;
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn members(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 5).await?;
    let [a, b, c, d] = [0, 1, 2, 3].map(|number| scene.user(number));
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
        let is_unchanged = scene.members(&group).await == scene.sorted_users(expected);
        scene.client.patch(&path, operations.clone()).await.expect(200, &format!("PATCH {operations}"))?;
        let found = scene.members(&group).await;
        ensure(found == scene.sorted_users(expected), || {
            let expected = scene.sorted_users(expected);
            format!("sent PATCH {operations}, expected the members {expected:?}, got {found:?}")
        })?;
        let after = scene.client.get(&path).await;
        ensure((before.version() == after.version()) == is_unchanged, || {
            let expected = if is_unchanged { "the same version" } else { "a new version" };
            format!(
                "sent PATCH {operations}, expected {expected}, got {} after {}",
                after.version(),
                before.version()
            )
        })?;
    }
    let hidden = scene.client.get(&format!("{path}?excludedAttributes={name}")).await;
    ensure(hidden.body.get(name).is_none(), || {
        format!("sent GET with `excludedAttributes={name}`, expected no `{name}`, got {}", hidden.body)
    })
}

/// The attribute of the tested type that lists the groups of a resource.
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
    let membership_type = |group: &str| {
        let list = before.body.get(attribute).and_then(Value::as_array);
        let found =
            list.into_iter().flatten().find(|g| g.get("value").and_then(Value::as_str) == Some(group));
        found.and_then(|g| g.get("type").and_then(Value::as_str)).map(str::to_owned)
    };
    ensure(membership_type(&inner).as_deref() == Some("direct"), || {
        format!("read a member, expected the group `{inner}` as direct in `{attribute}`, got {}", before.body)
    })?;
    if let Some(outer) = outer {
        ensure(membership_type(&outer).as_deref() == Some("indirect"), || {
            format!(
                "read a member, expected the group `{outer}` as indirect in `{attribute}`, got {}",
                before.body
            )
        })?;
    }
    let path = scene.path(&inner);
    scene
        .client
        .patch(&path, json!([{ "op": "remove", "path": scene.list_name() }]))
        .await
        .expect(200, "PATCH that removes all members")?;
    let after = scene.client.get(&user).await;
    ensure(after.body.get(attribute).is_none(), || {
        format!("removed a user from its only group, expected no `{attribute}`, got {}", after.body)
    })?;
    ensure(after.version() == before.version(), || {
        format!(
            "removed a user from its group, expected the user's old version {}, got {}",
            before.version(),
            after.version()
        )
    })
}

pub(super) async fn cascade(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 2).await?;
    let group = scene.create_group("Cascade", &[scene.user(0), scene.user(1)]).await?;
    let deleted = format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(0));
    scene.client.delete(&deleted).await.expect(204, "DELETE of a member")?;
    let members = scene.members(&group.id()).await;
    ensure(members == scene.sorted_users(&[1]), || {
        let expected = scene.sorted_users(&[1]);
        format!("deleted one of two members, expected the members {expected:?}, got {members:?}")
    })?;
    let after = scene.client.get(&scene.path(&group.id())).await;
    ensure(after.version() != group.version(), || {
        format!("deleted a member, expected a new version of the group, got {} again", after.version())
    })?;
    scene.client.delete(&scene.path(&group.id())).await.expect(204, "DELETE of a group")?;
    let user = scene.client.get(&format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(1))).await;
    match groups_attribute(env) {
        Some(attribute) => ensure(user.body.get(attribute).is_none(), || {
            format!("deleted the only group of a user, expected no `{attribute}`, got {}", user.body)
        }),
        None => Ok(()),
    }
}

pub(super) async fn circles(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 0).await?;
    let a = scene.create_group("A", &[]).await?.id();
    if env.flat_groups {
        return ensure_no_nested_groups(&scene, &a).await;
    }
    let b = scene.create_group("B", &[&a]).await?.id();
    let c = scene.create_group("C", &[&b]).await?.id();
    for (group, member) in [(&a, &a), (&a, &b), (&a, &c)] {
        let operations = json!([{ "op": "add", "path": scene.list_name(), "value": [{ "value": member }] }]);
        let reply =
            scene.client.send(Method::PATCH, &scene.path(group), Some(&patch_body(operations)), None).await;
        reply.expect(400, "PATCH that makes a group a member of itself, directly or through other groups")?;
    }
    Ok(())
}

/// Fails unless every request is refused that would make a group a member of another.
async fn ensure_no_nested_groups(scene: &GroupScene<'_>, group: &str) -> Verdict {
    let other = scene.create_group("B", &[]).await?;
    let body = scene.group_body("C", &[group]);
    scene
        .client
        .post(scene.membership.groups.endpoint(), &body)
        .await
        .expect(400, "POST of a group with a group as member")?;
    let path = scene.path(&other.id());
    for member in [group, &other.id()] {
        for op in ["add", "replace"] {
            let change = json!([{ "op": op, "path": scene.list_name(), "value": [{ "value": member }] }]);
            scene
                .client
                .patch(&path, change)
                .await
                .expect(400, &format!("PATCH `{op}` of a group as member"))?;
        }
    }
    let after = scene.client.get(&path).await;
    ensure(after.body == other.body, || {
        format!("sent GET after PATCHes that were refused, expected {}, got {}", other.body, after.body)
    })
}
