//! Finds out what the suite must know of a provider before it checks it: which attributes it keeps, and which
//! lists take a second element. Faults that this shows are reported by the checks `kept`, `valid` and
//! `elements`, which are here too.

use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value, json};

use super::client::{Client, Reply};
use super::environment::Environment;
use super::findings::Findings;
use super::group_scene::GroupScene;
use super::reference_ids::ReferenceIds;
use super::tested_type::put;
use super::verdict::{Verdict, ensure};

/// Values for attributes, to be sent at once.
type SentValues<'a> = Vec<(&'a AttributeRef, Value)>;

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
    let mut probe = Probe { env, client, ids, findings };
    let kept = probe.find_kept().await;
    let elements = probe.find_elements().await;
    let mut findings = probe.findings;
    findings.kept = findings.kept.and(kept);
    findings.elements = elements;
    findings
}

/// What is found out so far, and what it takes to find out more.
struct Probe<'a> {
    env: &'a Environment,
    client: Client<'a>,
    ids: ReferenceIds,
    findings: Findings,
}

impl Probe<'_> {
    /// Sends a value for every attribute, at once and where that is refused one by one.
    async fn find_kept(&mut self) -> Verdict {
        let tested = &self.env.tested;
        let bare = self.send(&[], "bare").await;
        let bare = bare.expect(201, "creating a resource that has a name and nothing else")?;
        let read = self.read(&bare).await?;
        let name = tested.name.path();
        let is_kept =
            tested.name.get(&read).is_some_and(|value| tested.name.values_equal(value, &json!("bare")));
        ensure(is_kept, || format!("`{name}` is not kept, and nothing can do without it"))?;

        let samples: SentValues<'_> =
            tested.attributes.iter().filter_map(|t| Some((t, tested.sample(t, &self.ids, 7)?))).collect();
        let all = self.send(&samples, "kept").await;
        if all.status == 201 {
            let read = self.read(&all).await?;
            self.findings.not_kept = changed_attributes(&samples, &read);
            self.findings.unusable.clone_from(&self.findings.not_kept);
            return Ok(());
        }
        let mut refused = Vec::new();
        for (number, sample) in samples.iter().enumerate() {
            let target = sample.0;
            let sample = std::slice::from_ref(sample);
            let reply = self.send(sample, &format!("kept {number}")).await;
            if reply.status != 201 {
                self.findings.unusable.push(target.clone());
                refused.push(format!("`{target}` is answered with {}: {}", reply.status, reply.body));
            } else if !changed_attributes(sample, &self.read(&reply).await?).is_empty() {
                self.findings.unusable.push(target.clone());
                self.findings.not_kept.push(target.clone());
            }
        }
        if refused.is_empty() {
            refused.push(format!("all at once are answered with {}: {}", all.status, all.body));
        }
        Err(format!("values that the resource type allows are refused: {}", refused.join("; ")))
    }

    /// Sends two elements for every list, at once and where that is refused one by one.
    async fn find_elements(&mut self) -> Verdict {
        let tested = &self.env.tested;
        let lists = tested.attributes.iter().filter(|target| {
            target.attribute().is_multi_valued()
                && target.attribute().only_kept_type().is_none()
                && !self.findings.unusable.contains(target)
        });
        let pairs: SentValues<'_> = lists
            .filter_map(|t| Some((t, Value::Array(tested.two_elements(t, &self.ids)?.into()))))
            .collect();
        if pairs.is_empty() {
            return Ok(());
        }
        let mut dropped = Vec::new();
        let all = self.send(&pairs, "elements").await;
        if all.status == 201 {
            dropped = changed_attributes(&pairs, &self.read(&all).await?);
        } else {
            for (number, pair) in pairs.iter().enumerate() {
                let target = pair.0;
                let pair = std::slice::from_ref(pair);
                let reply = self.send(pair, &format!("elements {number}")).await;
                match reply.status {
                    201 => dropped.extend(changed_attributes(pair, &self.read(&reply).await?)),
                    400 => self.findings.single_element_lists.push(target.clone()),
                    status => return Err(format!("two elements in `{target}` are answered with {status}")),
                }
            }
        }
        self.findings.single_element_lists.extend(dropped.iter().cloned());
        let names: Vec<String> = dropped.iter().map(|target| format!("`{target}`")).collect();
        ensure(names.is_empty(), || {
            format!(
                "of two elements in {} not both are kept; refuse the second one, or declare the list `single`",
                names.join(", ")
            )
        })
    }

    async fn send(&self, values: &[(&AttributeRef, Value)], name: &str) -> Reply {
        send(self.env, &self.client, values, name).await
    }

    /// Reads a resource that was just created, and notes if it is not valid.
    async fn read(&mut self, created: &Reply) -> Result<Map<String, Value>, String> {
        let resource_type = &self.env.tested.resource_type;
        let path = format!("{}/{}", resource_type.endpoint(), created.id());
        let read = match self.client.get(&path).await.expect(200, "reading what was created")?.body {
            Value::Object(body) => body,
            other => return Err(format!("a resource is read as {other}")),
        };
        if self.findings.valid.is_ok() {
            self.findings.valid = ensure_valid(resource_type, &read);
        }
        Ok(read)
    }
}

/// Fails unless a resource has what its type requires, and nothing that it does not allow.
fn ensure_valid(resource_type: &ResourceType, resource: &Map<String, Value>) -> Verdict {
    // A resource that is compared with itself is validated as a stored one: without its secrets.
    resource_type.validate(resource, Some(resource)).map_err(|violation| {
        let name = resource_type.name();
        format!("a {name} is returned that is not valid: {violation}: {}", Value::Object(resource.clone()))
    })
}

async fn send(
    env: &Environment,
    client: &Client<'_>,
    values: &[(&AttributeRef, Value)],
    name: &str,
) -> Reply {
    let mut body = env.tested.minimal_body(name);
    for (target, value) in values {
        put(&mut body, target, value.clone());
    }
    client.post(env.tested.resource_type.endpoint(), &Value::Object(body)).await
}

/// The attributes that do not have the values that were sent for them.
fn changed_attributes(sent: &[(&AttributeRef, Value)], stored: &Map<String, Value>) -> Vec<AttributeRef> {
    let same = |target: &AttributeRef, value: &Value| {
        target.get(stored).is_some_and(|stored| target.values_equal(value, stored))
    };
    sent.iter().filter(|(target, value)| !same(target, value)).map(|(target, _)| (*target).clone()).collect()
}

/// The check `kept`: what was found before the checks began.
pub(super) async fn kept(env: &Environment) -> Verdict {
    env.findings.kept.clone()
}

/// The check `valid`: what was found before the checks began; and groups, and members of these.
pub(super) async fn valid(env: &Environment) -> Verdict {
    env.findings.valid.clone()?;
    if env.membership().is_none() || !env.capabilities.memberships() {
        return Ok(());
    }
    let scene = GroupScene::new(env, 1).await?;
    let group = scene.create_group("Valid", &[scene.user(0)]).await?;
    let user = format!("{}/{}", env.tested.resource_type.endpoint(), scene.user(0));
    let types_and_paths =
        [(scene.membership.groups, scene.path(&group.id())), (&env.tested.resource_type, user)];
    for (resource_type, path) in types_and_paths {
        let read = scene.client.get(&path).await.expect(200, "reading what was created")?;
        ensure_valid(resource_type, read.body.as_object().ok_or("it is not an object")?)?;
    }
    Ok(())
}

/// The check `elements`: what was found before the checks began, and whether a second element that is added
/// later is kept.
pub(super) async fn elements(env: &Environment) -> Verdict {
    env.findings.elements.clone()?;
    let client = env.client();
    let ids = env.create_referenced(&client).await?;
    let created = send(env, &client, &[], "Elements").await.expect(201, "creating a resource")?;
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
