//! What the suite has to know of a provider before it can be fair: which attributes it keeps, and
//! which lists take a second element. What it finds wrong on the way is told by the checks here.

use scim_schema::Target;
use serde_json::{Map, Value, json};

use super::client::{Client, Reply};
use super::lifecycle::ensure;
use super::shape::put;
use super::values::Ids;
use super::{Bench, Verdict};

/// What the set-up found out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kept: Verdict,
    pub(super) elements: Verdict,
    /// Attributes that come back changed, or not at all.
    pub(super) not_kept: Vec<Target>,
    /// Those, and the ones that are refused.
    pub(super) unusable: Vec<Target>,
    /// Lists that take no second element.
    pub(super) short: Vec<Target>,
}

impl Default for Found {
    fn default() -> Self {
        let (not_kept, unusable, short) = (Vec::new(), Vec::new(), Vec::new());
        Self { kept: Ok(()), elements: Ok(()), not_kept, unusable, short }
    }
}

/// Values for attributes, to be sent at once.
type Sent<'a> = Vec<(&'a Target, Value)>;

pub(super) async fn find_out(bench: &Bench) -> Found {
    let mut found = Found::default();
    let client = bench.client();
    let ids = match bench.referees(&client).await {
        Ok(ids) => ids,
        Err(reason) => {
            found.kept = Err(format!("a resource for references to refer to: {reason}"));
            Ids::default()
        }
    };
    let kept = keep(bench, &client, &ids, &mut found).await;
    found.kept = std::mem::replace(&mut found.kept, Ok(())).and(kept);
    let elements = second_elements(bench, &client, &ids, &mut found).await;
    found.elements = elements;
    found
}

/// Sends a value for every attribute, at once and where that is refused one by one.
async fn keep(bench: &Bench, client: &Client<'_>, ids: &Ids, found: &mut Found) -> Verdict {
    let shape = &bench.shape;
    let bare = send(bench, client, &Vec::new(), "bare").await;
    let bare = bare.expect(201, "creating a resource that has a name and nothing else")?;
    let read = stored(bench, client, &bare).await?;
    let name = shape.name.path();
    let is_kept = shape.name.get(&read).is_some_and(|value| shape.name.same_value(value, &json!("bare")));
    ensure(is_kept, || format!("`{name}` is not kept, and nothing can do without it"))?;

    let samples: Sent<'_> =
        shape.attributes.iter().filter_map(|t| Some((t, shape.sample(t, ids, 7)?))).collect();
    let all = send(bench, client, &samples, "kept").await;
    if all.status == 201 {
        let read = stored(bench, client, &all).await?;
        found.not_kept = lost(&samples, &read);
        found.unusable.clone_from(&found.not_kept);
        return Ok(());
    }
    let mut refused = Vec::new();
    for (number, one) in samples.iter().enumerate() {
        let reply = send(bench, client, std::slice::from_ref(one), &format!("kept {number}")).await;
        if reply.status != 201 {
            found.unusable.push(one.0.clone());
            refused.push(format!("`{}` is answered with {}: {}", one.0, reply.status, reply.body));
        } else if !lost(std::slice::from_ref(one), &stored(bench, client, &reply).await?).is_empty() {
            found.unusable.push(one.0.clone());
            found.not_kept.push(one.0.clone());
        }
    }
    if refused.is_empty() {
        refused.push(format!("all at once are answered with {}: {}", all.status, all.body));
    }
    Err(format!("values that the resource type allows are refused: {}", refused.join("; ")))
}

/// Sends two elements for every list, at once and where that is refused one by one.
async fn second_elements(bench: &Bench, client: &Client<'_>, ids: &Ids, found: &mut Found) -> Verdict {
    let lists = bench.shape.attributes.iter().filter(|target| {
        target.attribute().is_multi_valued()
            && target.attribute().single_type().is_none()
            && !found.unusable.contains(target)
    });
    let pairs: Sent<'_> =
        lists.filter_map(|t| Some((t, Value::Array(bench.shape.two(t, ids)?.into())))).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let mut dropped = Vec::new();
    let all = send(bench, client, &pairs, "elements").await;
    if all.status == 201 {
        dropped = lost(&pairs, &stored(bench, client, &all).await?);
    } else {
        for (number, pair) in pairs.iter().enumerate() {
            let reply = send(bench, client, std::slice::from_ref(pair), &format!("elements {number}")).await;
            match reply.status {
                201 => {
                    dropped.extend(lost(std::slice::from_ref(pair), &stored(bench, client, &reply).await?));
                }
                400 => found.short.push(pair.0.clone()),
                status => return Err(format!("two elements in `{}` are answered with {status}", pair.0)),
            }
        }
    }
    found.short.extend(dropped.iter().cloned());
    let names: Vec<String> = dropped.iter().map(|target| format!("`{target}`")).collect();
    ensure(names.is_empty(), || {
        format!(
            "of two elements in {} not both are kept; refuse the second one, or declare the list `single`",
            names.join(", ")
        )
    })
}

async fn send(bench: &Bench, client: &Client<'_>, values: &[(&Target, Value)], name: &str) -> Reply {
    let mut body = bench.shape.named(name);
    for (target, value) in values {
        put(&mut body, target, value.clone());
    }
    client.post(bench.shape.on.endpoint(), &Value::Object(body)).await
}

/// What a resource is read as that was just created.
async fn stored(bench: &Bench, client: &Client<'_>, created: &Reply) -> Result<Map<String, Value>, String> {
    let path = format!("{}/{}", bench.shape.on.endpoint(), created.id());
    match client.get(&path).await.expect(200, "reading what was created")?.body {
        Value::Object(body) => Ok(body),
        other => Err(format!("a resource is read as {other}")),
    }
}

/// The attributes that do not have the values that were sent.
fn lost(sent: &[(&Target, Value)], stored: &Map<String, Value>) -> Vec<Target> {
    let same = |target: &Target, value: &Value| {
        target.get(stored).is_some_and(|stored| target.same_value(value, stored))
    };
    sent.iter().filter(|(target, value)| !same(target, value)).map(|(target, _)| (*target).clone()).collect()
}

/// What was found when the suite began.
pub(super) async fn kept(bench: &Bench) -> Verdict {
    bench.found.kept.clone()
}

/// Also what becomes of a second element that comes later.
pub(super) async fn elements(bench: &Bench) -> Verdict {
    bench.found.elements.clone()?;
    let client = bench.client();
    let ids = bench.referees(&client).await?;
    let created = send(bench, &client, &Vec::new(), "Elements").await.expect(201, "creating a resource")?;
    let path = format!("{}/{}", bench.shape.on.endpoint(), created.id());
    let lists = bench.shape.attributes.iter();
    for list in lists.filter(|list| list.attribute().is_multi_valued() && !bench.shape.holds_one(list)) {
        let Some(pair) = bench.shape.two(list, &ids) else { continue };
        for element in &pair {
            let add = json!([{ "op": "add", "path": list.path().as_str(), "value": [element] }]);
            client.patch(&path, add).await.expect(200, &format!("adding an element to `{list}`"))?;
        }
        let read = client.get(&path).await;
        let sent = [(list, Value::Array(pair.into()))];
        let read = read.body.as_object().ok_or("the resource is gone")?;
        ensure(lost(&sent, read).is_empty(), || {
            format!(
                "two elements were added to `{list}`, and not both are kept: {}",
                Value::Object(read.clone())
            )
        })?;
    }
    Ok(())
}
