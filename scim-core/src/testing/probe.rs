//! Learns what the provider supports before the checks run: which attributes it stores, and which lists store a second
//! element.
//!
//! This first sends a value for all attributes at once. Only if the provider refuses that, it sends one request for each
//! attribute, to learn which ones are refused. The checks `kept`, `valid` and `elements` report the faults.

use scim_schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value, json};

use super::client::{Client, Reply};
use super::environment::Environment;
use super::findings::Findings;
use super::group_scene::GroupScene;
use super::reference_ids::ReferenceIds;
use super::verdict::{Verdict, ensure};

/// Attributes with the values that are sent for them.
type SentValues<'a> = Vec<(&'a AttributeRef, Value)>;

/// Learns what the provider supports, and deletes the resources that this creates.
pub(super) fn probe(env: &Environment) -> Findings {
    let mut findings = Findings::default();
    let verdict = env.run_guarded(|| {
        (env.block_on)(Box::pin(async { findings = learn(env).await }));
        Ok(())
    });
    if let Err(reason) = verdict {
        findings.kept = Err(reason.clone());
        findings.elements = Err(reason);
    }
    findings
}

async fn learn(env: &Environment) -> Findings {
    let mut findings = Findings::default();
    let client = env.client();
    let ids = match env.create_referenced(&client).await {
        Ok(ids) => ids,
        Err(reason) => {
            findings.kept =
                Err(format!("the suite cannot create a resource for `Suite::references`: {reason}"));
            ReferenceIds::default()
        }
    };
    let mut probe = Probe { env, client, ids, findings };
    let kept = probe.probe_attributes().await;
    let elements = probe.probe_lists().await;
    let mut findings = probe.findings;
    findings.kept = findings.kept.and(kept);
    findings.elements = elements;
    findings
}

/// The findings so far, and what is needed to send more requests.
struct Probe<'a> {
    env: &'a Environment,
    client: Client<'a>,
    ids: ReferenceIds,
    findings: Findings,
}

impl Probe<'_> {
    /// Sends a value for every attribute: all at once or, if that is refused, one by one.
    async fn probe_attributes(&mut self) -> Verdict {
        let tested = &self.env.tested;
        let minimal = self.send(&[], "minimal").await;
        let minimal = minimal.expect(201, "POST of a resource with a name and nothing else")?;
        let read = self.read(&minimal).await?;
        let name = tested.name.path();
        let is_kept =
            tested.name.get(&read).is_some_and(|value| tested.name.values_equal(value, &json!("minimal")));
        ensure(is_kept, || {
            format!(
                "sent `{name}` \"minimal\", expected the same value, got {}; all other checks need this attribute",
                Value::Object(read.clone())
            )
        })?;

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
            let (target, value) = sample;
            let sample = std::slice::from_ref(sample);
            let reply = self.send(sample, &format!("kept {number}")).await;
            if reply.status != 201 {
                self.findings.unusable.push((*target).clone());
                refused.push(format!("`{target}` {value}: got status {}: {}", reply.status, reply.body));
            } else if !changed_attributes(sample, &self.read(&reply).await?).is_empty() {
                self.findings.unusable.push((*target).clone());
                self.findings.not_kept.push((*target).clone());
            }
        }
        if refused.is_empty() {
            refused.push(format!("all attributes at once: got status {}: {}", all.status, all.body));
        }
        Err(format!("sent values that the resource type allows, expected status 201: {}", refused.join("; ")))
    }

    /// Sends two elements for every list: all lists at once or, if that is refused, one by one.
    async fn probe_lists(&mut self) -> Verdict {
        let tested = &self.env.tested;
        let lists = tested.attributes.iter().filter(|target| {
            target.attribute().is_multi_valued()
                && target.attribute().kept_types().is_empty()
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
                    status => {
                        return Err(format!(
                            "sent two elements in `{target}`, expected status 201 or 400, got {status}: {}",
                            reply.body
                        ));
                    }
                }
            }
        }
        self.findings.single_element_lists.extend(dropped.iter().cloned());
        let names: Vec<String> = dropped.iter().map(|target| format!("`{target}`")).collect();
        ensure(names.is_empty(), || {
            format!(
                "sent two elements in each of {}, expected both or status 400, got fewer with status 201",
                names.join(", ")
            )
        })
    }

    async fn send(&self, values: &[(&AttributeRef, Value)], name: &str) -> Reply {
        send(self.env, &self.client, values, name).await
    }

    /// Reads a resource that was just created. If it is not valid, that is recorded for the check `valid`.
    async fn read(&mut self, created: &Reply) -> Result<Map<String, Value>, String> {
        let resource_type = &self.env.tested.resource_type;
        let path = format!("{}/{}", resource_type.endpoint(), created.id());
        let read = match self.client.get(&path).await.expect(200, "GET of the new resource")?.body {
            Value::Object(body) => body,
            other => {
                return Err(format!("sent GET of the new resource, expected a JSON object, got {other}"));
            }
        };
        if self.findings.valid.is_ok() {
            self.findings.valid = ensure_valid(resource_type, &read);
        }
        Ok(read)
    }
}

/// Fails unless a resource is valid by its type: it has all required attributes, and only values that are allowed.
fn ensure_valid(resource_type: &ResourceType, resource: &Map<String, Value>) -> Verdict {
    // With the resource as the stored one, `validate` does not expect attributes that are never returned.
    resource_type.validate(resource, Some(resource)).map_err(|violation| {
        let name = resource_type.name();
        format!("read a {name}, expected a valid one, got {violation}: {}", Value::Object(resource.clone()))
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
        target.set(&mut body, value.clone());
    }
    client.post(env.tested.resource_type.endpoint(), &Value::Object(body)).await
}

/// The attributes whose stored values differ from those that were sent.
fn changed_attributes(sent: &[(&AttributeRef, Value)], stored: &Map<String, Value>) -> Vec<AttributeRef> {
    let is_same = |target: &AttributeRef, value: &Value| {
        target.get(stored).is_some_and(|stored| target.values_equal(value, stored))
    };
    sent.iter()
        .filter(|(target, value)| !is_same(target, value))
        .map(|(target, _)| (*target).clone())
        .collect()
}

/// The check `kept`: whether the provider accepts all values and keeps the name.
pub(super) async fn check_kept(env: &Environment) -> Verdict {
    env.findings.kept.clone()
}

/// The check `valid`: whether users, groups and members of groups are returned as valid resources.
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
        let read = scene.client.get(&path).await.expect(200, &format!("GET {path}"))?;
        let body = read.body.as_object();
        ensure_valid(resource_type, body.ok_or("sent GET, expected a JSON object, got another body")?)?;
    }
    Ok(())
}

/// The check `elements`: whether a second element is stored, in a POST and when a PATCH adds it.
pub(super) async fn elements(env: &Environment) -> Verdict {
    env.findings.elements.clone()?;
    let client = env.client();
    let ids = env.create_referenced(&client).await?;
    let created = send(env, &client, &[], "Elements")
        .await
        .expect(201, "POST of a resource with a name and nothing else")?;
    let path = format!("{}/{}", env.tested.resource_type.endpoint(), created.id());
    let lists = env.tested.attributes.iter();
    for list in lists.filter(|list| list.attribute().is_multi_valued() && !env.tested.holds_one_element(list))
    {
        let Some(pair) = env.tested.two_elements(list, &ids) else { continue };
        for element in &pair {
            let add = json!([{ "op": "add", "path": list.path().as_str(), "value": [element] }]);
            client.patch(&path, add).await.expect(200, &format!("PATCH that adds an element to `{list}`"))?;
        }
        let read = client.get(&path).await;
        let sent = [(list, Value::Array(pair.into()))];
        let read =
            read.body.as_object().ok_or("sent GET after PATCH, expected a JSON object, got another body")?;
        ensure(changed_attributes(&sent, read).is_empty(), || {
            format!(
                "sent two PATCHes that add an element to `{list}`, expected both elements, got {}",
                Value::Object(read.clone())
            )
        })?;
    }
    Ok(())
}
