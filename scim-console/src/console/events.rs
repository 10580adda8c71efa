//! Requests as they come, by server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use chrono::Utc;
use http::request::Parts;
use http::{Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::form::Form;
use super::requests::{RequestRow, Rows, search, shows_tenants};
use super::respond::response;
use super::{Administrator, Console, ConsoleBody};
use crate::log::{LoggedRequest, Search};

/// How often the log is searched at most.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often it is searched at least, for requests that other processes have written.
const POLL: Duration = Duration::from_secs(2);
/// How long nothing is sent at most. What is sent shows whether the browser is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The largest number of requests in an event.
const MAX_ROWS: u32 = 100;
/// How long a stream lasts. Then the browser asks for the next one.
const LIFETIME: Duration = Duration::from_secs(300);

/// The stream of the requests that a page shows, after the last one that it has.
pub(super) fn stream(
    console: &Console,
    administrator: &Administrator,
    secret: Option<&str>,
    parts: &Parts,
    form: &Form,
) -> Response<ConsoleBody> {
    // A browser that was disconnected names the last event that it has got.
    let last = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or(form.filled("after")).and_then(|position| position.parse().ok());
    let mut search = Search { after: Some(after.unwrap_or(0)), ..search(administrator, form) };
    // One more tells that there are more than are shown.
    search.limit = MAX_ROWS + 1;
    let (sender, events) = mpsc::channel(4);
    let stream = Stream {
        console: console.clone(),
        secret: secret.unwrap_or_default().to_owned(),
        shows_tenants: shows_tenants(&console.0, administrator),
        search,
        sender,
    };
    tokio::spawn(stream.run());
    response(StatusCode::OK, "text/event-stream", ConsoleBody::events(events))
}

struct Stream {
    console: Console,
    /// The secret of the session.
    secret: String,
    shows_tenants: bool,
    search: Search,
    sender: mpsc::Sender<Bytes>,
}

impl Stream {
    /// Sends events until the browser has gone, or until the stream has lasted long enough.
    async fn run(mut self) {
        let begun = Instant::now();
        let log = self.console.0.log.clone();
        let mut written = log.written();
        let mut last_sent = Instant::now();
        let mut event = String::from("retry: 1000\n\n");
        while begun.elapsed() < LIFETIME && self.has_session().await {
            match log.search(&self.search).await {
                Ok(found) => event.push_str(&self.event(found)),
                Err(error) => {
                    tracing::warn!(cause = scim_core::with_causes(&error), "new requests cannot be shown");
                }
            }
            if event.is_empty() && last_sent.elapsed() >= HEARTBEAT {
                event.push_str(":\n\n");
            }
            if !event.is_empty() {
                if self.sender.send(Bytes::from(std::mem::take(&mut event))).await.is_err() {
                    return;
                }
                last_sent = Instant::now();
            }
            tokio::time::sleep(INTERVAL).await;
            tokio::select! {
                () = log.wait(&mut written, POLL) => {}
                () = self.sender.closed() => return,
            }
        }
    }

    /// Whether the session has not ended, and its token has not been revoked.
    async fn has_session(&self) -> bool {
        let session = self.console.0.administrators.session(&self.secret, Utc::now()).await;
        // While the database is not available, nothing is shown either.
        session.map_or(true, |administrator| administrator.is_some())
    }

    /// The event that shows requests, the newest first.
    fn event(&mut self, mut found: Vec<LoggedRequest>) -> String {
        let Some(newest) = found.first().map(|request| request.position) else { return String::new() };
        // More have come than are shown.
        let kind = if found.len() > MAX_ROWS as usize { "many" } else { "rows" };
        found.truncate(MAX_ROWS as usize);
        self.search.after = Some(newest);
        let rows = found.into_iter().map(RequestRow::from).collect();
        let html = Rows { root: &self.console.0.options.root, shows_tenants: self.shows_tenants, rows }
            .render()
            .unwrap_or_default();
        let mut event = format!("event: {kind}\nid: {newest}\n");
        // A carriage return ends a line of an event, too.
        for line in html.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
            event.push_str("data: ");
            event.push_str(line);
            event.push('\n');
        }
        event.push('\n');
        event
    }
}
