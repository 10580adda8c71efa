//! Many threads at once. These checks block threads, so they do not run inside of a future.

use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use http::Method;
use serde_json::{Value, json};

use super::client::{Client, Reply, patch_body};
use super::lifecycle::ensure;
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
                    let reply = self.wait(client.send(method.clone(), path, Some(&body), None));
                    replies.lock().unwrap_or_else(PoisonError::into_inner).extend(reply);
                });
            }
        });
        replies.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn updates(bench: &Bench) -> Verdict {
    let lists =
        |t: &&scim_schema::Target| t.attribute().is_multi_valued() && t.sub_attribute("value").is_some();
    let Some(list) = bench.shape.attributes.iter().find(lists) else { return Ok(()) };
    let attribute = list.path().as_str();
    let client = bench.client();
    for round in 0..ROUNDS {
        let body = Value::Object(bench.shape.named(&format!("race {round}")));
        let created = bench.wait(client.create(&bench.shape.on, &body)).ok_or("nothing was run")??;
        let path = format!("{}/{}", bench.shape.on.endpoint(), created.id());
        let add = |number: usize| {
            let value = json!([{ "value": format!("{number}@example.com") }]);
            patch_body(json!([{ "op": "add", "path": attribute, "value": value }]))
        };
        for reply in bench.at_once(&client, &Method::PATCH, &path, add) {
            reply.expect(200, "one of many PATCHes at once")?;
        }
        let read = bench.wait(client.get(&path)).ok_or("nothing was run")?;
        let kept = read.body.as_object().and_then(|body| list.get(body)).and_then(Value::as_array);
        let kept: BTreeSet<String> = kept.into_iter().flatten().map(Value::to_string).collect();
        ensure(kept.len() == THREADS, || {
            format!("{THREADS} threads added one value each to `{attribute}`, {} are there", kept.len())
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
        let replies = bench.at_once(&client, &Method::POST, bench.shape.on.endpoint(), body);
        let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
        ensure(count(201) == 1 && count(409) == THREADS - 1, || {
            let all: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            format!("{THREADS} threads wanted the same name: {all:?}")
        })?;
    }
    Ok(())
}
