//! Responding: from an [`Outcome`] or an [`Error`] to an HTTP response.

mod message;
mod render;

use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::error::Hint;
use crate::outcome::{Answer, List};
use crate::setup::{Documents, Setup};
use crate::{Challenge, ETag, Error, Outcome};
use message::{BulkResponse, ListEnvelope};
use render::View;

/// The response that shows an outcome. The response to HEAD has no body.
pub(crate) fn respond(setup: &Setup, outcome: &Outcome, is_head: bool) -> Response<Vec<u8>> {
    let mut out = ResponseWriter { is_head, response: Response::new(Vec::new()) };
    let base_url = outcome.base_url.as_str();
    out.status(outcome.answer.status());
    match &outcome.answer {
        Answer::Resource { type_index, resource, projection, .. } => {
            out.resource(&View { setup, base_url, type_index: *type_index, projection, resource });
        }
        Answer::List(list) => {
            let views = list.resources.iter().filter_map(|(index, resource)| {
                let (type_index, projection) = list.types.get(*index)?;
                Some(View { setup, base_url, type_index: *type_index, projection, resource })
            });
            out.list(list, views, |view, text| view.write(text));
        }
        Answer::Documents(documents) => out.documents(setup, base_url, *documents),
        Answer::NoContent { version } => out.version(version.as_ref()),
        Answer::NotModified { version } => out.version(Some(version)),
        Answer::Redirect(location) => out.header(LOCATION, location),
        Answer::Bulk(results) => out.body(&BulkResponse(results)),
    }
    out.response
}

/// The response that reports an error.
pub(crate) fn respond_error(setup: &Setup, error: &Error, is_head: bool) -> Response<Vec<u8>> {
    let mut out = ResponseWriter { is_head, response: Response::new(Vec::new()) };
    out.status(error.status());
    for challenge in challenges(setup, error) {
        out.header(WWW_AUTHENTICATE, &challenge);
    }
    match error.hint() {
        Some(Hint::Allow(methods)) => out.header(ALLOW, methods),
        Some(Hint::RetryAfter(seconds)) => out.header(RETRY_AFTER, &seconds.to_string()),
        Some(Hint::AcceptEncoding(coding)) => out.header(ACCEPT_ENCODING, coding),
        Some(Hint::Challenges(_) | Hint::InsufficientScope | Hint::Member { .. }) | None => {}
    }
    out.body(error);
    out.response
}

/// What `WWW-Authenticate` says: with 401 each announced challenge, joined with the error's own one of that scheme, and
/// then the error's own challenges of other schemes.
fn challenges(setup: &Setup, error: &Error) -> Vec<String> {
    let announced: Vec<&str> =
        setup.config.authentication.iter().filter_map(|scheme| scheme.header()).collect();
    let insufficient_scope = [Challenge::bearer().error("insufficient_scope")];
    let (own, is_for_announced_only): (&[Challenge], _) = match error.hint() {
        Some(Hint::Challenges(own)) => (own, false),
        // RFC 6750 section 3.1. It means nothing to a client that does not use bearer tokens.
        Some(Hint::InsufficientScope) => (&insufficient_scope, true),
        _ => (&[], false),
    };
    let is_unauthorized = error.status() == StatusCode::UNAUTHORIZED;
    let mut challenges = Vec::new();
    for announced in &announced {
        let joined = own.iter().find_map(|own| own.joined_with(announced));
        challenges.extend(joined.or_else(|| is_unauthorized.then(|| (*announced).to_owned())));
    }
    if !is_for_announced_only {
        let is_announced = |own: &Challenge| announced.iter().any(|other| own.joined_with(other).is_some());
        challenges.extend(own.iter().filter(|own| !is_announced(own)).map(Challenge::to_string));
    }
    challenges
}

/// Builds a response.
struct ResponseWriter {
    is_head: bool,
    response: Response<Vec<u8>>,
}

impl ResponseWriter {
    fn status(&mut self, status: StatusCode) {
        *self.response.status_mut() = status;
    }

    fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().append(name, value);
        }
    }

    fn version(&mut self, version: Option<&ETag>) {
        if let Some(version) = version {
            self.header(ETAG, &version.to_string());
        }
    }

    fn resource(&mut self, view: &View<'_>) {
        let (location, version) = view.headers();
        let headers = self.response.headers_mut();
        headers.extend(location.map(|location| (LOCATION, location)));
        headers.extend(version.map(|version| (ETAG, version)));
        self.write_body(|text| view.write(text));
    }

    /// A ListResponse message (RFC 7644 section 3.4.2, RFC 9865 section 2).
    fn list<T>(
        &mut self,
        list: &List,
        resources: impl Iterator<Item = T> + Clone,
        write: impl Fn(T, &mut Vec<u8>) -> serde_json::Result<()>,
    ) {
        let envelope = ListEnvelope { list, count: resources.clone().count() };
        self.write_body(|text| {
            serde_json::to_writer(&mut *text, &envelope)?;
            // `Resources` is written on an empty page too: clients read it without checking.
            text.pop();
            text.extend_from_slice(b",\"Resources\":[");
            for (index, resource) in resources.enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                write(resource, text)?;
            }
            text.extend_from_slice(b"]}");
            Ok(())
        });
    }

    fn documents(&mut self, setup: &Setup, base_url: &str, documents: Documents) {
        self.version(Some(&documents.version(&setup.discovery)));
        match documents.select(&setup.discovery) {
            [document] if !documents.is_list() => {
                self.header(LOCATION, &document.location(base_url));
                self.body(&document.at(base_url));
            }
            all => {
                let list = List { total: Some(all.len() as u64), start: Some(1), ..List::default() };
                self.list(&list, all.iter(), |document, text| {
                    serde_json::to_writer(text, &document.at(base_url))
                });
            }
        }
    }

    fn body(&mut self, body: &impl Serialize) {
        self.write_body(|text| serde_json::to_writer(text, body));
    }

    fn write_body(&mut self, write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) {
        self.header(CONTENT_TYPE, "application/scim+json");
        // Most resources fit, so the bytes are rarely moved while they are written.
        let mut bytes = Vec::with_capacity(4 * 1024);
        match write(&mut bytes) {
            // The length that the response to GET would have (RFC 9110 section 8.6).
            Ok(()) if self.is_head => self.header(CONTENT_LENGTH, &bytes.len().to_string()),
            Ok(()) => *self.response.body_mut() = bytes,
            Err(_) => self.status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
