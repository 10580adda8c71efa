//! Members that do not exist: made up, deleted, or of another tenant.

use serde_json::{Value, json};

use crate::testing::client::{Client, Reply};
use crate::testing::environment::Environment;
use crate::testing::group_scene::{GroupScene, member_elements};
use crate::testing::random::Random;
use crate::testing::verdict::{Verdict, ensure};

pub(super) async fn unknown(env: &Environment) -> Verdict {
    let scene = GroupScene::new(env, 3).await?;
    let [kept, gone, other] = [0, 1, 2].map(|place| scene.user(place));
    let group = scene.create_group("Unknown", &[kept]).await?;
    let first = &env.tested.resource_type;
    scene.client.delete(&format!("{}/{gone}", first.endpoint())).await.expect(204, "a DELETE")?;
    let mut strangers = vec![
        ("an id that cannot be one", "no-such-resource".to_owned()),
        ("an id that looks like one", similar_id(env, &scene.client, kept).await?),
        ("the id of a resource that was deleted", gone.to_owned()),
    ];
    if !env.single_tenant {
        let body = Value::Object(env.tested.minimal_body("Foreign"));
        let foreign = env.client().create(first, &body).await?.id();
        strangers.push(("the id of a resource of another tenant", foreign));
    }
    for (what, id) in &strangers {
        // The request also names a resource that may be a member, which must not be added either.
        ensure_refused(&scene, &group, &[other, id]).await.map_err(|reason| format!("{what}: {reason}"))?;
    }
    Ok(())
}

/// Fails unless each request that would give a group these members is refused.
async fn ensure_refused(scene: &GroupScene<'_>, group: &Reply, members: &[&str]) -> Verdict {
    let client = &scene.client;
    let groups = client.query(scene.membership.groups, &[]).await.total();
    let endpoint = scene.membership.groups.endpoint();
    let path = scene.path(&group.id());
    let mut replies =
        vec![("POST of a group", client.post(endpoint, &scene.group_body("New", members)).await)];
    for (what, op) in [("PATCH `add`", "add"), ("PATCH `replace`", "replace")] {
        let operations = json!([{ "op": op, "path": scene.list_name(), "value": member_elements(members) }]);
        replies.push((what, client.patch(&path, operations).await));
    }
    replies.push(("PUT", client.put(&path, &scene.group_body("Unknown", members)).await));
    for (what, reply) in replies {
        let reply = reply.expect(400, what)?;
        ensure(reply.body.get("scimType") == Some(&json!("invalidValue")), || {
            format!("{what}: scimType must be invalidValue: {}", reply.body)
        })?;
    }
    ensure(client.get(&path).await.body == group.body, || "what was refused was done in part".to_owned())?;
    ensure(client.query(scene.membership.groups, &[]).await.total() == groups, || {
        "a group that was refused is there".to_owned()
    })
}

/// An id of the same form as an existing one, which no resource has.
async fn similar_id(env: &Environment, client: &Client<'_>, id: &str) -> Result<String, String> {
    let mut random = Random::new(11);
    for attempt in 0..100 {
        let mut other: String = id.chars().map(|c| similar_char(c, &mut random)).collect();
        if attempt >= 50 && other.len() < 9 {
            // All numbers of this length may be in use.
            other.push(similar_char('1', &mut random));
        }
        let mut taken = false;
        for resource_type in &env.types {
            taken |= client.get(&format!("{}/{other}", resource_type.endpoint())).await.status != 404;
        }
        if !taken {
            return Ok(other);
        }
    }
    Err(format!("every id like `{id}` is one of a resource"))
}

/// A character of the same kind. `0` and `4` stay as they are, so that a number does not begin with a zero and
/// a UUID keeps its version.
fn similar_char(c: char, random: &mut Random) -> char {
    let among = match c {
        '1'..='3' | '5'..='9' => "1235679",
        'a'..='f' => "abcdef",
        'A'..='F' => "ABCDEF",
        'g'..='z' => "ghjkmnpqrstvwxyz",
        'G'..='Z' => "GHJKMNPQRSTVWXYZ",
        other => return other,
    };
    let among: Vec<char> = among.chars().collect();
    random.pick(&among).copied().unwrap_or(c)
}
