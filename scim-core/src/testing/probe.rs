//! Finds out what the suite must know of a provider before it checks it: which attributes it keeps, and which
//! lists take a second element. Faults that this shows are reported by the checks `kept` and `elements`, which
//! are here too.

use scim_schema::Target;
use serde_json::{Map, Value, json};

use super::client::{Client, Reply};
use super::environment::Environment;
use super::findings::Findings;
use super::reference_ids::ReferenceIds;
use super::tested_type::put;
use super::verdict::{Verdict, ensure};

/// Values for attributes, to be sent at once.
type SentValues<'a> = Vec<(&'a Target, Value)>;

/// Finds out what the provider keeps, and cleans up.
pub(super) fn probe(env: &Environment) -> Findings {
    let mut findings = Findings::default();
    let ended = env.guarded(|| {
        (env.block_on)(Box::pin(async { findings = find_out(env).await }));
        Ok(())
    });
    if let Err(reason) = ended {
        findings.kept = Err(reason.clone());
        findings.elements = Err(reason);
    }
    findings
}

async fn find_out(env: &Environment) -> Findings {
    let mut findings = Findings::default();
    let client = env.client();
    let ids = match env.create_referenced(&client).await {
        Ok(ids) => ids,
        Err(reason) => {
            findings.kept = Err(format!("a resource for references to refer to: {reason}"));
            ReferenceIds::default()
        }
    };
    let kept = find_kept(env, &client, &ids, &mut findings).await;
    findings.kept = std::mem::replace(&mut findings.kept, Ok(())).and(kept);
    let elements = find_elements(env, &client, &ids, &mut findings).await;
    findings.elements = elements;
    findings
}

/// Sends a value for every attribute, at once and where that is refused one by one.
async fn find_kept(
    env: &Environment,
    client: &Client<'_>,
    ids: &ReferenceIds,
    findings: &mut Findings,
) -> Verdict {
    let tested = &env.tested;
    let bare = send(env, client, &Vec::new(), "bare").await;
    let bare = bare.expect(201, "creating a resource that has a name and nothing else")?;
    let read = stored(env, client, &bare).await?;
    let name = tested.name.path();
    let is_kept = tested.name.get(&read).is_some_and(|value| tested.name.same_value(value, &json!("bare")));
    ensure(is_kept, || format!("`{name}` is not kept, and nothing can do without it"))?;

    let samples: SentValues<'_> =
        tested.attributes.iter().filter_map(|t| Some((t, tested.sample(t, ids, 7)?))).collect();
    let all = send(env, client, &samples, "kept").await;
    if all.status == 201 {
        let read = stored(env, client, &all).await?;
        findings.not_kept = changed_attributes(&samples, &read);
        findings.unusable.clone_from(&findings.not_kept);
        return Ok(());
    }
    let mut refused = Vec::new();
    for (number, one) in samples.iter().enumerate() {
        let reply = send(env, client, std::slice::from_ref(one), &format!("kept {number}")).await;
        if reply.status != 201 {
            findings.unusable.push(one.0.clone());
            refused.push(format!("`{}` is answered with {}: {}", one.0, reply.status, reply.body));
        } else if !changed_attributes(std::slice::from_ref(one), &stored(env, client, &reply).await?)
            .is_empty()
        {
            findings.unusable.push(one.0.clone());
            findings.not_kept.push(one.0.clone());
        }
    }
    if refused.is_empty() {
        refused.push(format!("all at once are answered with {}: {}", all.status, all.body));
    }
    Err(format!("values that the resource type allows are refused: {}", refused.join("; ")))
}

/// Sends two elements for every list, at once and where that is refused one by one.
async fn find_elements(
    env: &Environment,
    client: &Client<'_>,
    ids: &ReferenceIds,
    findings: &mut Findings,
) -> Verdict {
    let lists = env.tested.attributes.iter().filter(|target| {
        target.attribute().is_multi_valued()
            && target.attribute().single_type().is_none()
            && !findings.unusable.contains(target)
    });
    let pairs: SentValues<'_> =
        lists.filter_map(|t| Some((t, Value::Array(env.tested.two_elements(t, ids)?.into())))).collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let mut dropped = Vec::new();
    let all = send(env, client, &pairs, "elements").await;
    if all.status == 201 {
        dropped = changed_attributes(&pairs, &stored(env, client, &all).await?);
    } else {
        for (number, pair) in pairs.iter().enumerate() {
            let reply = send(env, client, std::slice::from_ref(pair), &format!("elements {number}")).await;
            match reply.status {
                201 => {
                    dropped.extend(changed_attributes(
                        std::slice::from_ref(pair),
                        &stored(env, client, &reply).await?,
                    ));
                }
                400 => findings.single_element_lists.push(pair.0.clone()),
                status => return Err(format!("two elements in `{}` are answered with {status}", pair.0)),
            }
        }
    }
    findings.single_element_lists.extend(dropped.iter().cloned());
    let names: Vec<String> = dropped.iter().map(|target| format!("`{target}`")).collect();
    ensure(names.is_empty(), || {
        format!(
            "of two elements in {} not both are kept; refuse the second one, or declare the list `single`",
            names.join(", ")
        )
    })
}

async fn send(env: &Environment, client: &Client<'_>, values: &[(&Target, Value)], name: &str) -> Reply {
    let mut body = env.tested.minimal_body(name);
    for (target, value) in values {
        put(&mut body, target, value.clone());
    }
    client.post(env.tested.resource_type.endpoint(), &Value::Object(body)).await
}

/// Reads a resource that was just created.
async fn stored(
    env: &Environment,
    client: &Client<'_>,
    created: &Reply,
) -> Result<Map<String, Value>, String> {
    let path = format!("{}/{}", env.tested.resource_type.endpoint(), created.id());
    match client.get(&path).await.expect(200, "reading what was created")?.body {
        Value::Object(body) => Ok(body),
        other => Err(format!("a resource is read as {other}")),
    }
}

/// The attributes that do not have the values that were sent for them.
fn changed_attributes(sent: &[(&Target, Value)], stored: &Map<String, Value>) -> Vec<Target> {
    let same = |target: &Target, value: &Value| {
        target.get(stored).is_some_and(|stored| target.same_value(value, stored))
    };
    sent.iter().filter(|(target, value)| !same(target, value)).map(|(target, _)| (*target).clone()).collect()
}

/// The check `kept`: what was found before the checks began.
pub(super) async fn kept(env: &Environment) -> Verdict {
    env.findings.kept.clone()
}

/// The check `elements`: what was found before the checks began, and whether a second element that is added
/// later is kept.
pub(super) async fn elements(env: &Environment) -> Verdict {
    env.findings.elements.clone()?;
    let client = env.client();
    let ids = env.create_referenced(&client).await?;
    let created = send(env, &client, &Vec::new(), "Elements").await.expect(201, "creating a resource")?;
    let path = format!("{}/{}", env.tested.resource_type.endpoint(), created.id());
    let lists = env.tested.attributes.iter();
    for list in lists.filter(|list| list.attribute().is_multi_valued() && !env.tested.holds_one_element(list))
    {
        let Some(pair) = env.tested.two_elements(list, &ids) else { continue };
        for element in &pair {
            let add = json!([{ "op": "add", "path": list.path().as_str(), "value": [element] }]);
            client.patch(&path, add).await.expect(200, &format!("adding an element to `{list}`"))?;
        }
        let read = client.get(&path).await;
        let sent = [(list, Value::Array(pair.into()))];
        let read = read.body.as_object().ok_or("the resource is gone")?;
        ensure(changed_attributes(&sent, read).is_empty(), || {
            format!(
                "two elements were added to `{list}`, and not both are kept: {}",
                Value::Object(read.clone())
            )
        })?;
    }
    Ok(())
}
