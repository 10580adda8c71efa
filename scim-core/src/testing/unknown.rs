//! Members that do not exist: made up, deleted, or somebody else's.

use serde_json::{Value, json};

use super::client::{Client, Reply};
use super::lifecycle::ensure;
use super::random::Random;
use super::relations::{Scene, scene};
use super::{Bench, Verdict};

pub(super) async fn members(bench: &Bench) -> Verdict {
    let scene = scene(bench, 3).await?;
    let [kept, gone, other] = [0, 1, 2].map(|place| scene.user(place));
    let group = scene.group("Unknown", &[kept]).await?;
    let first = &bench.shape.on;
    scene.client.delete(&format!("{}/{gone}", first.endpoint())).await.expect(204, "a DELETE")?;
    let mut strangers = vec![
        ("an id that cannot be one", "no-such-resource".to_owned()),
        ("an id that looks like one", alike(bench, &scene.client, kept).await?),
        ("the id of a resource that was deleted", gone.to_owned()),
    ];
    if !bench.single_tenant {
        let body = Value::Object(bench.shape.named("Foreign"));
        let foreign = bench.client().create(first, &body).await?.id();
        strangers.push(("the id of a resource of another tenant", foreign));
    }
    for (what, id) in &strangers {
        // One that may be a member goes along, and must not become one.
        refused(&scene, &group, &[other, id]).await.map_err(|reason| format!("{what}: {reason}"))?;
    }
    Ok(())
}

/// That a group does not get these members, in whichever way.
async fn refused(scene: &Scene<'_>, group: &Reply, members: &[&str]) -> Verdict {
    let client = &scene.client;
    let groups = client.query(scene.relation.groups, &[]).await.total();
    let endpoint = scene.relation.groups.endpoint();
    let path = scene.path(&group.id());
    let mut replies =
        vec![("POST of a group", client.post(endpoint, &scene.group_body("New", members)).await)];
    let elements: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    for (what, op) in [("PATCH `add`", "add"), ("PATCH `replace`", "replace")] {
        let operations = json!([{ "op": op, "path": scene.name(), "value": elements }]);
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
    ensure(client.query(scene.relation.groups, &[]).await.total() == groups, || {
        "a group that was refused is there".to_owned()
    })
}

/// An id of the same form as one that there is, and nobody's.
async fn alike(bench: &Bench, client: &Client<'_>, id: &str) -> Result<String, String> {
    let mut random = Random::new(11);
    for attempt in 0..100 {
        let mut other: String = id.chars().map(|c| another(c, &mut random)).collect();
        if attempt >= 50 && other.len() < 9 {
            // The short numbers may all be in use.
            other.push(another('1', &mut random));
        }
        let mut taken = false;
        for on in &bench.types {
            taken |= client.get(&format!("{}/{other}", on.endpoint())).await.status != 404;
        }
        if !taken {
            return Ok(other);
        }
    }
    Err(format!("every id like `{id}` is one of a resource"))
}

/// A character of the same kind. The first digit of a number and of the parts of a UUID stay of their
/// kind too: what is 0 or 4 is left as it is.
fn another(c: char, random: &mut Random) -> char {
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
