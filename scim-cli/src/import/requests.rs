//! Sends the requests of a plan, as bulk requests if the endpoint has them, else one after the other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::header::IF_MATCH;
use http::{Method, Request, StatusCode};
use scim_client::{BulkLimits, BulkRequest, Client, Refused, RequestError};
use serde_json::Value;

use super::plan::Action;
use super::stop::Stop;
use crate::uri::escaped;

/// How long to wait if a busy service does not say it.
const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait at most, whatever the service says.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Sends requests.
#[derive(Debug)]
pub(super) struct Requests {
    client: Client,
    endpoint: &'static str,
    bulk: Option<BulkLimits>,
    /// Whether the endpoint answers bulk requests; it may only announce them.
    has_bulk: AtomicBool,
    /// How many operations a bulk request has: less than it may have, after the endpoint has found one too large.
    operations: AtomicUsize,
}

/// `None` if the request was not sent, because the import ends.
type Results = Vec<Option<Result<(), RequestError>>>;

/// A request for one row.
struct One<'a> {
    index: usize,
    method: &'a Method,
    path: String,
    body: &'a Value,
    version: Option<&'a str>,
}

impl Requests {
    /// Sends requests to an endpoint such as `/Users`, with bulk requests within these limits.
    pub(super) fn new(client: Client, endpoint: &'static str, bulk: Option<BulkLimits>) -> Self {
        let operations = AtomicUsize::new(bulk.map_or(1, |limits| limits.max_operations));
        Self { client, endpoint, bulk, has_bulk: AtomicBool::new(true), operations }
    }

    /// Sends what actions need, and returns what came of each.
    pub(super) async fn send(&self, actions: &[&Action], stop: &Stop) -> Results {
        let mut results: Results = actions.iter().map(|_| None).collect();
        let mut waiting: Vec<One<'_>> = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match action {
                Action::Unchanged => set(&mut results, index, Ok(())),
                Action::Create(body) => {
                    let path = self.endpoint.to_owned();
                    waiting.push(One { index, method: &Method::POST, path, body, version: None });
                }
                Action::Update(update) => {
                    let path = format!("{}/{}", self.endpoint, escaped(&update.id));
                    let version = update.version.as_deref();
                    waiting.push(One { index, method: &update.method, path, body: &update.body, version });
                }
            }
        }
        waiting.reverse();
        while !stop.is_set() && !waiting.is_empty() {
            let bulk = self.bulk.filter(|_| self.has_bulk.load(Ordering::Relaxed) && waiting.len() > 1);
            let busy = match bulk {
                Some(limits) => self.send_bulk(limits, &mut waiting, &mut results).await,
                None => self.send_last(&mut waiting, &mut results).await,
            };
            // The service cannot do the next one now either.
            if let Some(pause) = busy {
                stop.pause(pause).await;
            }
        }
        results
    }

    /// Sends the last request of `waiting`. Returns how long to wait then, if the service is busy.
    async fn send_last(&self, waiting: &mut Vec<One<'_>>, results: &mut Results) -> Option<Duration> {
        let one = waiting.pop()?;
        let result = self.send_one(&one).await;
        let pause = result.as_ref().err().and_then(pause);
        set(results, one.index, result);
        pause
    }

    async fn send_one(&self, one: &One<'_>) -> Result<(), RequestError> {
        let mut request = Request::builder().method(one.method.clone()).uri(&one.path);
        if let Some(version) = one.version {
            request = request.header(IF_MATCH, version);
        }
        let request = request.body(one.body.to_string().into_bytes());
        let request =
            request.map_err(|_| RequestError::NotUnderstood("the id of the resource fits no URL"))?;
        let response = self.client.send(request).await?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(Refused::from_response(&response).into()),
        }
    }

    /// Sends as many requests as fit into one bulk request, beginning with the last of `waiting`. Returns how long to wait then,
    /// if the service is busy.
    async fn send_bulk(
        &self,
        limits: BulkLimits,
        waiting: &mut Vec<One<'_>>,
        results: &mut Results,
    ) -> Option<Duration> {
        let max_operations = self.operations.load(Ordering::Relaxed).max(1);
        let mut request = BulkRequest::new(BulkLimits { max_operations, ..limits });
        let mut sent = Vec::new();
        while let Some(one) = waiting.pop() {
            if !request.push(one.method, &one.path, Some(one.body), one.version) {
                waiting.push(one);
                break;
            }
            sent.push(one);
        }
        if sent.len() < 2 {
            // One that is too large, or has only such neighbours, goes alone.
            waiting.append(&mut sent);
            return self.send_last(waiting, results).await;
        }
        match request.send(&self.client).await {
            Ok(answers) => {
                for (one, answer) in sent.iter().zip(answers) {
                    let silent = RequestError::NotUnderstood("it does not say what came of this operation");
                    let result = match answer.map(|answer| answer.outcome) {
                        Some(Ok(_)) => Ok(()),
                        Some(Err(refused)) => Err(refused.into()),
                        None => Err(silent),
                    };
                    set(results, one.index, result);
                }
                None
            }
            Err(error) => match error.status().map(|status| status.as_u16()) {
                Some(413) => {
                    self.operations.fetch_min(sent.len() / 2, Ordering::Relaxed);
                    waiting.extend(sent.into_iter().rev());
                    None
                }
                // Some endpoints announce bulk requests and know none.
                Some(400 | 404 | 405 | 501) => {
                    self.has_bulk.store(false, Ordering::Relaxed);
                    waiting.extend(sent.into_iter().rev());
                    None
                }
                _ => {
                    sent.iter().for_each(|one| set(results, one.index, Err(error.clone())));
                    pause(&error)
                }
            },
        }
    }
}

/// How long to wait after an error before another request is sent; `None` if the service is not busy.
fn pause(error: &RequestError) -> Option<Duration> {
    match error {
        RequestError::Refused(Refused { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, .. }) => {
            Some(retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE))
        }
        _ => None,
    }
}

fn set(results: &mut Results, index: usize, result: Result<(), RequestError>) {
    if let Some(place) = results.get_mut(index) {
        *place = Some(result);
    }
}
