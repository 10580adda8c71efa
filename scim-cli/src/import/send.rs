//! Imports some rows: finds what exists, plans, sends, and tries again what may succeed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use scim_client::RequestError;

use super::find::{Finder, Found};
use super::finished::{Cause, Finished, Outcome};
use super::plan::{Action, Planner};
use super::requests::Requests;
use super::row::Row;
use super::stop::Stop;

/// How often a row is sent if the service fails, in addition to what the client does.
const MAX_TRIES: u32 = 3;

/// Imports rows.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) finder: Finder,
    pub(super) planner: Planner,
    pub(super) requests: Requests,
    /// Whether the endpoint refuses to create a second resource with the same key. If not, each row is looked up before it is
    /// created.
    pub(super) is_key_unique: bool,
    pub(super) is_dry_run: bool,
    /// Whether rows are looked up before they are created, because many of them exist. If most are new, it takes fewer
    /// requests to create them, and to look up only those that are refused.
    pub(super) looks_up_first: AtomicBool,
    /// Whether a row was created or changed, so that the token allows it.
    pub(super) has_written: AtomicBool,
    /// How often a row is sent if the service is busy (503).
    pub(super) attempts: u32,
    pub(super) stop: Stop,
}

/// A row that is not finished.
struct Pending {
    row: Row,
    tries: u32,
    /// Why it was not created: a resource is in the way, which must be found.
    conflict: Option<String>,
}

/// What comes next for a row.
enum Next {
    Finish(Outcome),
    Again(Pending),
}

impl Sender {
    /// Imports rows, and returns what came of each.
    pub(super) async fn run(&self, rows: Vec<Row>) -> Vec<Finished> {
        let mut finished = Vec::with_capacity(rows.len());
        let mut waiting: Vec<Pending> =
            rows.into_iter().map(|row| Pending { row, tries: 0, conflict: None }).collect();
        let mut looks_up =
            self.is_dry_run || !self.is_key_unique || self.looks_up_first.load(Ordering::Relaxed);
        let (mut is_first, count) = (true, waiting.len());
        while !waiting.is_empty() {
            let tries = waiting.iter().map(|pending| pending.tries).max().unwrap_or_default();
            if tries > 0 {
                self.stop.pause(Duration::from_millis(250) * 2_u32.pow(tries.min(8))).await;
            }
            let found = match looks_up {
                true if self.stop.is_set() => {
                    finished.extend(waiting.drain(..).map(|pending| finish(pending.row, Outcome::NotSent)));
                    break;
                }
                true => match self.find(&waiting).await {
                    Ok(found) => found,
                    Err(error) => {
                        finished.extend(
                            waiting.drain(..).map(|pending| finish(pending.row, self.failure(&error))),
                        );
                        break;
                    }
                },
                false => Found::new(),
            };
            let mut planned = Vec::new();
            for pending in waiting.drain(..) {
                match self.plan(&pending, &found) {
                    Ok(action) => planned.push((pending, action)),
                    Err(reason) => {
                        finished.push(finish(pending.row, Outcome::Failed { reason, cause: Cause::Row }))
                    }
                }
            }
            let results = self.execute(&planned).await;
            let mut existing = 0;
            for ((pending, action), result) in planned.into_iter().zip(results) {
                existing += usize::from(
                    !matches!(action, Action::Create(_))
                        || matches!(&result, Some(Err(error)) if is_conflict(error)),
                );
                match self.settle(pending, action, result) {
                    (row, Next::Finish(outcome)) => finished.extend(row.map(|row| finish(row, outcome))),
                    (_, Next::Again(pending)) => waiting.push(pending),
                }
            }
            if std::mem::take(&mut is_first) {
                self.looks_up_first.store(existing * 10 >= count, Ordering::Relaxed);
            }
            looks_up = true;
        }
        finished
    }

    async fn find(&self, waiting: &[Pending]) -> Result<Found, RequestError> {
        let rows: Vec<(&Row, bool)> =
            waiting.iter().map(|pending| (&pending.row, pending.conflict.is_some())).collect();
        self.finder.find(&rows).await
    }

    fn plan(&self, pending: &Pending, found: &Found) -> Result<Action, String> {
        let existing = found.get(&pending.row.folded_key).map(Vec::as_slice).unwrap_or_default();
        match (existing, &pending.conflict) {
            ([], None) => Ok(self.planner.create(&pending.row)),
            ([], Some(reason)) => Err(reason.clone()),
            ([existing], _) => self.planner.update(&pending.row, existing),
            (several, _) => Err(format!("{} resources match it", several.len())),
        }
    }

    async fn execute(&self, planned: &[(Pending, Action)]) -> Vec<Option<Result<(), RequestError>>> {
        if self.is_dry_run {
            return planned.iter().map(|_| Some(Ok(()))).collect();
        }
        let actions: Vec<&Action> = planned.iter().map(|(_, action)| action).collect();
        self.requests.send(&actions, &self.stop).await
    }

    /// Decides what comes next for a row. `result` is `None` if it was not sent because the import ends.
    fn settle(
        &self,
        mut pending: Pending,
        action: Action,
        result: Option<Result<(), RequestError>>,
    ) -> (Option<Row>, Next) {
        let Some(result) = result else { return (Some(pending.row), Next::Finish(Outcome::NotSent)) };
        let error = match (result, action) {
            (Ok(()), Action::Create(_)) => {
                self.has_written.store(true, Ordering::Relaxed);
                self.finder.learn(&pending.row.key);
                return (Some(pending.row), Next::Finish(Outcome::Created));
            }
            (Ok(()), Action::Update(update)) => {
                self.has_written.store(true, Ordering::Relaxed);
                return (Some(pending.row), Next::Finish(Outcome::Updated(update.changes)));
            }
            (Ok(()), Action::Unchanged) => return (Some(pending.row), Next::Finish(Outcome::Unchanged)),
            (Err(error), Action::Create(_)) if is_conflict(&error) => {
                pending.conflict = Some(error.to_string());
                return (None, Next::Again(pending));
            }
            // It was deleted or changed since it was read.
            (Err(error), Action::Update(_))
                if matches!(
                    error.status(),
                    Some(StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED)
                ) && pending.tries + 1 < MAX_TRIES =>
            {
                pending.tries += 1;
                pending.conflict = None;
                return (None, Next::Again(pending));
            }
            (Err(error), _) => error,
        };
        pending.tries += 1;
        let is_busy = error.status() == Some(StatusCode::SERVICE_UNAVAILABLE);
        let max_tries = if is_busy { self.attempts } else { MAX_TRIES };
        // Looked up again, because it may have had an effect.
        if is_transient(&error) && pending.tries < max_tries && !self.stop.is_set() {
            return (None, Next::Again(pending));
        }
        (Some(pending.row), Next::Finish(self.failure(&error)))
    }

    /// What came of a row whose request has failed for good.
    fn failure(&self, error: &RequestError) -> Outcome {
        // The import did not wait until the service had time.
        let is_busy =
            matches!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE));
        if is_busy && self.stop.is_set() {
            return Outcome::NotSent;
        }
        let cause = match error.status() {
            Some(StatusCode::UNAUTHORIZED) => Cause::Token,
            // As long as nothing was allowed, the token may be one that only reads.
            Some(StatusCode::FORBIDDEN) if !self.has_written.load(Ordering::Relaxed) => Cause::Service,
            _ if is_transient(error) || matches!(error, RequestError::Unanswered(_)) => Cause::Service,
            _ => Cause::Row,
        };
        let reason = match error {
            RequestError::Unanswered(error) => format!("there is no answer: {error}"),
            error => error.to_string(),
        };
        Outcome::Failed { reason, cause }
    }
}

fn finish(row: Row, outcome: Outcome) -> Finished {
    Finished { number: row.number, line: row.line, key: row.key, raw: row.raw, outcome }
}

/// Whether a resource with the same value of an attribute exists. The status should be 409 (RFC 7644 section 3.3), in some
/// endpoints it is 400.
fn is_conflict(error: &RequestError) -> bool {
    let RequestError::Refused(refused) = error else { return false };
    refused.status == StatusCode::CONFLICT
        || refused.status == StatusCode::BAD_REQUEST && refused.scim_type.as_deref() == Some("uniqueness")
}

/// Whether the same request may succeed later.
fn is_transient(error: &RequestError) -> bool {
    match error {
        // The client has tried for long to make a connection.
        RequestError::Unanswered(unanswered) => !unanswered.is_unsent(),
        RequestError::NotUnderstood(_) => true,
        error => error.status().is_some_and(|status| {
            status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
                || status == StatusCode::TOO_MANY_REQUESTS
        }),
    }
}
