//! Many threads at once. These checks block threads, so they do not run inside of a future.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use http::Method;
use scim_schema::AttributeRef;
use serde_json::{Value, json};

use crate::testing::client::{Client, Reply, patch_body};
use crate::testing::environment::Environment;
use crate::testing::tested_type::put;
use crate::testing::verdict::{Verdict, ensure};

const THREADS: usize = 16;
const ROUNDS: usize = 200;

/// Runs a future that has a result.
fn wait<T>(env: &Environment, future: impl Future<Output = T>) -> Option<T> {
    let mut result = None;
    (env.block_on)(Box::pin(async { result = Some(future.await) }));
    result
}

/// Sends one request from each of many threads, all let go at the same moment.
fn send_at_once(
    env: &Environment,
    client: &Client<'_>,
    method: &Method,
    path: &str,
    if_match: Option<&str>,
    body: impl Fn(usize) -> Value + Sync,
) -> Vec<Reply> {
    let barrier = Barrier::new(THREADS);
    let replies = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (barrier, replies, body) = (&barrier, &replies, &body);
            scope.spawn(move || {
                let body = body(number);
                barrier.wait();
                let reply = wait(env, client.send(method.clone(), path, Some(&body), if_match));
                replies.lock().unwrap_or_else(PoisonError::into_inner).extend(reply);
            });
        }
    });
    replies.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a resource: its path and the reply.
fn create_named(env: &Environment, client: &Client<'_>, name: &str) -> Result<(String, Reply), String> {
    let body = Value::Object(env.tested.minimal_body(name));
    let resource_type = &env.tested.resource_type;
    let created = wait(env, client.create(resource_type, &body)).ok_or("nothing was run")??;
    Ok((format!("{}/{}", resource_type.endpoint(), created.id()), created))
}

/// Whether a list takes as many elements as there are threads.
fn takes_an_element_of_each(env: &Environment, client: &Client<'_>, list: &AttributeRef) -> bool {
    let mut body = env.tested.minimal_body("long list");
    put(&mut body, list, (0..THREADS).map(|number| element(number, ROUNDS)).collect());
    let body = Value::Object(body);
    let reply = wait(env, client.post(env.tested.resource_type.endpoint(), &body));
    reply.is_some_and(|reply| reply.status == 201)
}

/// Fails unless one of the threads got the first status and all others the second.
fn ensure_one_succeeds(replies: &[Reply], success: u16, failure: u16, what: &str) -> Verdict {
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    ensure(count(success) == 1 && count(failure) == THREADS - 1, || {
        let all: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        format!("{THREADS} threads {what}: {all:?}")
    })
}

/// What one thread adds to a list in one round; nobody else ever has the same.
fn element(number: usize, round: usize) -> Value {
    json!({ "value": format!("{number}.{round}@example.com") })
}

pub(super) fn updates(env: &Environment) -> Verdict {
    let client = env.client();
    let list = env.tested.free_lists().find(|list| takes_an_element_of_each(env, &client, list));
    for round in 0..ROUNDS {
        match list {
            Some(list) => add_elements(env, &client, list, round)?,
            None => write_attributes(env, &client, round)?,
        }
    }
    Ok(())
}

/// Each thread adds an element to a list.
fn add_elements(env: &Environment, client: &Client<'_>, list: &AttributeRef, round: usize) -> Verdict {
    let attribute = list.path().as_str();
    let (path, _) = create_named(env, client, &format!("race {round}"))?;
    let add = |number: usize| {
        let value = json!([element(number, round)]);
        patch_body(json!([{ "op": "add", "path": attribute, "value": value }]))
    };
    for reply in send_at_once(env, client, &Method::PATCH, &path, None, add) {
        reply.expect(200, "one of many PATCHes at once")?;
    }
    let read = wait(env, client.get(&path)).ok_or("nothing was run")?;
    let kept = read.body.as_object().and_then(|body| list.get(body)).and_then(Value::as_array);
    let kept: BTreeSet<String> = kept.into_iter().flatten().map(Value::to_string).collect();
    ensure(kept.len() == THREADS, || {
        format!("{THREADS} threads added one value each to `{attribute}`, {} are there", kept.len())
    })
}

/// Each thread writes an attribute; with fewer attributes than threads, several write the same value
/// to the same one.
fn write_attributes(env: &Environment, client: &Client<'_>, round: usize) -> Verdict {
    let texts = env.tested.free_texts();
    let (path, _) = create_named(env, client, &format!("race {round}"))?;
    let value = |index: usize| format!("{index}.{round}");
    let index = |number: usize| number % texts.len().max(1);
    let write = |number: usize| {
        let attribute = texts.get(index(number)).map(|target| target.path().as_str());
        patch_body(json!([{ "op": "add", "path": attribute, "value": value(index(number)) }]))
    };
    if texts.len() < 2 {
        return Ok(());
    }
    for reply in send_at_once(env, client, &Method::PATCH, &path, None, write) {
        reply.expect(200, "one of many PATCHes at once")?;
    }
    let read = wait(env, client.get(&path)).ok_or("nothing was run")?;
    let resource = crate::Resource::try_from(read.body).map_err(|error| error.to_string())?;
    for (index, target) in texts.iter().enumerate().take(THREADS) {
        ensure(resource.text(target.path().as_str()) == Some(&value(index)), || {
            format!("{THREADS} threads wrote {} attributes, and `{target}` is not there", texts.len())
        })?;
    }
    Ok(())
}

pub(super) fn preconditions(env: &Environment) -> Verdict {
    let client = env.client();
    let text = env.tested.free_texts().first().map(|target| target.path().to_string());
    let text = text.ok_or("there is no text attribute")?;
    for round in 0..ROUNDS / 4 {
        let (path, created) = create_named(env, &client, &format!("precondition {round}"))?;
        let write =
            |number: usize| patch_body(json!([{ "op": "add", "path": text, "value": number.to_string() }]));
        let replies = send_at_once(env, &client, &Method::PATCH, &path, Some(&created.version()), write);
        ensure_one_succeeds(&replies, 200, 412, "expected the same version")?;
    }
    Ok(())
}

pub(super) fn uniqueness(env: &Environment) -> Verdict {
    if env.tested.name.attribute().uniqueness() == scim_schema::Uniqueness::None {
        return Ok(());
    }
    let client = env.client();
    for round in 0..ROUNDS / 10 {
        let body = |_| Value::Object(env.tested.minimal_body(&format!("wanted {round}")));
        let replies =
            send_at_once(env, &client, &Method::POST, env.tested.resource_type.endpoint(), None, body);
        ensure_one_succeeds(&replies, 201, 409, "wanted the same name")?;
    }
    Ok(())
}
