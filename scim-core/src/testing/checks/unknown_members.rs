//! The check `unknown members`: members that never existed, were deleted, or are in another tenant.

use serde_json::{Value, json};

use crate::testing::client::{Client, Reply};
use crate::testing::environment::Environment;
use crate::testing::group_scene::{GroupScene, member_elements};
use crate::testing::random::Random;
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn unknown(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [member, deleted, non_member] = [0, 1, 2].map(|number| scene.user(number));
    let group = scene.create_group("Unknown", &[member]).await?;
    let tested_type = &env.tested.resource_type;
    scene.client.delete(&format!("{}/{deleted}", tested_type.endpoint())).await.expect(204, "DELETE")?;
    let mut unknown_ids = vec![
        ("an id of another form", "no-such-resource".to_owned()),
        ("an id of the right form that no resource has", similar_id(env, &scene.client, member).await?),
        ("the id of a deleted resource", deleted.to_owned()),
    ];
    if !env.single_tenant {
        let body = Value::Object(env.tested.minimal_body("Foreign"));
        let foreign = env.client().create(tested_type, &body).await?.id();
        unknown_ids.push(("the id of a resource in another tenant", foreign));
    }
    for (what, id) in &unknown_ids {
        // The request also names a user that exists, which must not be added either.
        let verdict = ensure_refused(&scene, &group, &[non_member, id]).await;
        verdict.map_err(|reason| format!("with {what} as a member: {reason}"))?;
    }
    Ok(())
}

/// Fails unless each request that would add these members to a group is refused.
async fn ensure_refused(scene: &GroupScene<'_>, group: &Reply, members: &[&str]) -> Verdict {
    let client = &scene.client;
    let groups_before = client.query(scene.membership.groups, &[]).await.total();
    let endpoint = scene.membership.groups.endpoint();
    let path = scene.path(&group.id());
    let mut replies =
        vec![("POST of a group", client.post(endpoint, &scene.group_body("New", members)).await)];
    for (what, op) in [("PATCH `add`", "add"), ("PATCH `replace`", "replace")] {
        let operations = json!([{ "op": op, "path": scene.list_name(), "value": member_elements(members) }]);
        replies.push((what, client.patch(&path, operations).await));
    }
    replies.push(("PUT", client.put(&path, &scene.group_body("Unknown", members)).await));
    for (sent, reply) in replies {
        let reply = reply.expect(400, sent)?;
        ensure(reply.body.get("scimType") == Some(&json!("invalidValue")), || {
            format!("sent {sent}, expected the scimType invalidValue, got {}", reply.body)
        })?;
    }
    let after = client.get(&path).await;
    ensure(after.body == group.body, || {
        format!("sent GET after requests that were refused, expected {}, got {}", group.body, after.body)
    })?;
    let groups_after = client.query(scene.membership.groups, &[]).await.total();
    ensure(groups_after == groups_before, || {
        format!(
            "sent POST of a group that was refused, expected {groups_before:?} groups, got {groups_after:?}"
        )
    })
}

/// Makes an id of the same form as an existing one, which no resource has.
async fn similar_id(env: &Environment, client: &Client<'_>, id: &str) -> Result<String, String> {
    let mut random = Random::new(11);
    for attempt in 0..100 {
        let mut other: String = id.chars().map(|c| similar_char(c, &mut random)).collect();
        if attempt >= 50 && other.len() < 9 {
            // Short ids are usually numbers, and all numbers of this length may be in use.
            other.push(similar_char('1', &mut random));
        }
        let mut taken = false;
        for resource_type in &env.resource_types {
            taken |= client.get(&format!("{}/{other}", resource_type.endpoint())).await.status != 404;
        }
        if !taken {
            return Ok(other);
        }
    }
    Err(format!("the suite tried 100 ids similar to `{id}`, and GET found a resource for each of them"))
}

/// Returns a random character of the same kind. `0` and `4` stay the same, so that a number does not start with a zero
/// and a UUID keeps its version.
fn similar_char(c: char, random: &mut Random) -> char {
    let choices = match c {
        '1'..='3' | '5'..='9' => "1235679",
        'a'..='f' => "abcdef",
        'A'..='F' => "ABCDEF",
        'g'..='z' => "ghjkmnpqrstvwxyz",
        'G'..='Z' => "GHJKMNPQRSTVWXYZ",
        other => return other,
    };
    let choices: Vec<char> = choices.chars().collect();
    random.pick(&choices).copied().unwrap_or(c)
}
