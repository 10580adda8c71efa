//! Many threads at once. These checks block threads, so they do not run inside of a future.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use http::Method;
use scim_schema::Target;
use serde_json::{Value, json};

use super::client::{Client, Reply, patch_body};
use super::lifecycle::ensure;
use super::shape::put;
use super::{Bench, Verdict};

const THREADS: usize = 16;
const ROUNDS: usize = 200;

impl Bench {
    /// Runs a future that has a result.
    fn wait<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut result = None;
        (self.block_on)(Box::pin(async { result = Some(future.await) }));
        result
    }

    /// Sends one request from each of many threads, all let go at the same moment.
    fn at_once(
        &self,
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
                    let reply = self.wait(client.send(method.clone(), path, Some(&body), if_match));
                    replies.lock().unwrap_or_else(PoisonError::into_inner).extend(reply);
                });
            }
        });
        replies.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bench {
    /// Creates a resource, and gives its path with the reply.
    fn racer(&self, client: &Client<'_>, name: &str) -> Result<(String, Reply), String> {
        let body = Value::Object(self.shape.named(name));
        let created = self.wait(client.create(&self.shape.on, &body)).ok_or("nothing was run")??;
        Ok((format!("{}/{}", self.shape.on.endpoint(), created.id()), created))
    }

    /// Whether a list takes as many elements as there are threads.
    fn takes_all(&self, client: &Client<'_>, list: &Target) -> bool {
        let mut body = self.shape.named("long list");
        put(&mut body, list, (0..THREADS).map(|number| element(number, ROUNDS)).collect());
        let body = Value::Object(body);
        self.wait(client.post(self.shape.on.endpoint(), &body)).is_some_and(|reply| reply.status == 201)
    }
}

/// What one thread adds to a list in one round; nobody else ever has the same.
fn element(number: usize, round: usize) -> Value {
    json!({ "value": format!("{number}.{round}@example.com") })
}

pub(super) fn updates(bench: &Bench) -> Verdict {
    let client = bench.client();
    let list = bench.shape.lists().find(|list| bench.takes_all(&client, list));
    for round in 0..ROUNDS {
        match list {
            Some(list) => elements(bench, &client, list, round)?,
            None => attributes(bench, &client, round)?,
        }
    }
    Ok(())
}

/// Each thread adds an element to a list.
fn elements(bench: &Bench, client: &Client<'_>, list: &Target, round: usize) -> Verdict {
    let attribute = list.path().as_str();
    let (path, _) = bench.racer(client, &format!("race {round}"))?;
    let add = |number: usize| {
        let value = json!([element(number, round)]);
        patch_body(json!([{ "op": "add", "path": attribute, "value": value }]))
    };
    for reply in bench.at_once(client, &Method::PATCH, &path, None, add) {
        reply.expect(200, "one of many PATCHes at once")?;
    }
    let read = bench.wait(client.get(&path)).ok_or("nothing was run")?;
    let kept = read.body.as_object().and_then(|body| list.get(body)).and_then(Value::as_array);
    let kept: BTreeSet<String> = kept.into_iter().flatten().map(Value::to_string).collect();
    ensure(kept.len() == THREADS, || {
        format!("{THREADS} threads added one value each to `{attribute}`, {} are there", kept.len())
    })
}

/// Each thread writes an attribute; with fewer attributes than threads, several write the same value
/// to the same one.
fn attributes(bench: &Bench, client: &Client<'_>, round: usize) -> Verdict {
    let texts = bench.shape.texts();
    let (path, _) = bench.racer(client, &format!("race {round}"))?;
    let value = |place: usize| format!("{place}.{round}");
    let place = |number: usize| number % texts.len().max(1);
    let write = |number: usize| {
        let attribute = texts.get(place(number)).map(|target| target.path().as_str());
        patch_body(json!([{ "op": "add", "path": attribute, "value": value(place(number)) }]))
    };
    if texts.len() < 2 {
        return Ok(());
    }
    for reply in bench.at_once(client, &Method::PATCH, &path, None, write) {
        reply.expect(200, "one of many PATCHes at once")?;
    }
    let read = bench.wait(client.get(&path)).ok_or("nothing was run")?;
    let resource = crate::Resource::try_from(read.body).map_err(|error| error.to_string())?;
    for (place, target) in texts.iter().enumerate().take(THREADS) {
        ensure(resource.text(target.path().as_str()) == Some(&value(place)), || {
            format!("{THREADS} threads wrote {} attributes, and `{target}` is not there", texts.len())
        })?;
    }
    Ok(())
}

pub(super) fn preconditions(bench: &Bench) -> Verdict {
    let client = bench.client();
    let text = bench.shape.texts().first().map(|target| target.path().to_string());
    let text = text.ok_or("there is no text attribute")?;
    for round in 0..ROUNDS / 4 {
        let (path, created) = bench.racer(&client, &format!("precondition {round}"))?;
        let write =
            |number: usize| patch_body(json!([{ "op": "add", "path": text, "value": number.to_string() }]));
        let replies = bench.at_once(&client, &Method::PATCH, &path, Some(&created.version()), write);
        let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        ensure(count(200) == 1 && count(412) == THREADS - 1, || {
            let all: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            format!("{THREADS} threads expected the same version: {all:?}")
        })?;
    }
    Ok(())
}

pub(super) fn uniqueness(bench: &Bench) -> Verdict {
    if bench.shape.name.attribute().uniqueness() == scim_schema::Uniqueness::None {
        return Ok(());
    }
    let client = bench.client();
    for round in 0..ROUNDS / 10 {
        let body = |_| Value::Object(bench.shape.named(&format!("wanted {round}")));
        let replies = bench.at_once(&client, &Method::POST, bench.shape.on.endpoint(), None, body);
        let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        ensure(count(201) == 1 && count(409) == THREADS - 1, || {
            let all: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            format!("{THREADS} threads wanted the same name: {all:?}")
        })?;
    }
    Ok(())
}
