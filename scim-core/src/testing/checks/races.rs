//! Checks that send requests from many threads at the same time. They block threads, so they do not run inside of a future.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use http::Method;
use scim_schema::AttributeRef;
use serde_json::{Value, json};

use crate::testing::client::{Client, Reply, patch_body};
use crate::testing::environment::Environment;
use crate::testing::tested_type::NO_FREE_TEXT;
use crate::testing::verdict::{Verdict, ensure};

/// The number of threads that send a request at the same time.
const THREADS: usize = 16;
/// How often a race is repeated, since a fault does not show in each of them.
const ROUNDS: usize = 200;

/// The failure if [`block_on`] returns nothing.
const NOT_RUN: &str = "the function of `Suite::block_on` returned before the future was done";

/// Runs a future and returns its result; `None` if `Suite::block_on` does not run it to its end.
fn block_on<T>(env: &Environment, future: impl Future<Output = T>) -> Option<T> {
    let mut result = None;
    (env.block_on)(Box::pin(async { result = Some(future.await) }));
    result
}

/// Sends one request from each thread, all at the same moment.
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
                let reply = block_on(env, client.send(method.clone(), path, Some(&body), if_match));
                replies.lock().unwrap_or_else(PoisonError::into_inner).extend(reply);
            });
        }
    });
    replies.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a resource with a name. Returns its path and the reply.
fn create_named(env: &Environment, client: &Client<'_>, name: &str) -> Result<(String, Reply), String> {
    let body = Value::Object(env.tested.minimal_body(name));
    let resource_type = &env.tested.resource_type;
    let created = block_on(env, client.create(resource_type, &body)).ok_or(NOT_RUN)??;
    Ok((format!("{}/{}", resource_type.endpoint(), created.id()), created))
}

/// Whether the provider accepts as many elements in a list as there are threads.
fn accepts_one_element_per_thread(env: &Environment, client: &Client<'_>, list: &AttributeRef) -> bool {
    let mut body = env.tested.minimal_body("long list");
    list.set(&mut body, (0..THREADS).map(|number| element(number, ROUNDS)).collect());
    let body = Value::Object(body);
    let reply = block_on(env, client.post(env.tested.resource_type.endpoint(), &body));
    reply.is_some_and(|reply| reply.status == 201)
}

/// Fails unless one thread got the status `success` and all others got `failure`.
fn ensure_one_succeeds(replies: &[Reply], success: u16, failure: u16, sent: &str) -> Verdict {
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    ensure(count(success) == 1 && count(failure) == THREADS - 1, || {
        let all: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        format!(
            "{THREADS} threads sent {sent} at the same time, expected {success} once and {failure} for all others, got {all:?}"
        )
    })
}

/// The element that a thread adds to a list in a round. All elements are different.
fn element(number: usize, round: usize) -> Value {
    json!({ "value": format!("{number}.{round}@example.com") })
}

pub(super) fn updates(env: &Environment) -> Verdict {
    let client = env.client();
    let list = env.tested.free_lists().find(|list| accepts_one_element_per_thread(env, &client, list));
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
        reply.expect(200, "a PATCH at the same time as others")?;
    }
    let read = block_on(env, client.get(&path)).ok_or(NOT_RUN)?;
    let stored = read.body.as_object().and_then(|body| list.get(body)).and_then(Value::as_array);
    let stored: BTreeSet<String> = stored.into_iter().flatten().map(Value::to_string).collect();
    ensure(stored.len() == THREADS, || {
        format!(
            "{THREADS} threads added an element each to `{attribute}`, expected {THREADS} elements, got {}",
            stored.len()
        )
    })
}

/// Each thread writes an attribute. If there are fewer attributes than threads, several threads write the same value to
/// the same attribute.
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
        reply.expect(200, "a PATCH at the same time as others")?;
    }
    let read = block_on(env, client.get(&path)).ok_or(NOT_RUN)?;
    let resource = crate::Resource::try_from(read.body).map_err(|error| error.to_string())?;
    for (index, target) in texts.iter().enumerate().take(THREADS) {
        ensure(resource.text(target.path().as_str()) == Some(&value(index)), || {
            format!(
                "{THREADS} threads wrote {} attributes at the same time, expected a value in each, got none in `{target}`",
                texts.len()
            )
        })?;
    }
    Ok(())
}

pub(super) fn preconditions(env: &Environment) -> Verdict {
    let client = env.client();
    let text = env.tested.free_texts().first().map(|target| target.path().to_string());
    let text = text.ok_or(NO_FREE_TEXT)?;
    for round in 0..ROUNDS / 4 {
        let (path, created) = create_named(env, &client, &format!("precondition {round}"))?;
        let write =
            |number: usize| patch_body(json!([{ "op": "add", "path": text, "value": number.to_string() }]));
        let replies = send_at_once(env, &client, &Method::PATCH, &path, Some(&created.version()), write);
        ensure_one_succeeds(&replies, 200, 412, "a PATCH that expects the same version")?;
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
        ensure_one_succeeds(&replies, 201, 409, "a POST with the same name")?;
    }
    Ok(())
}
