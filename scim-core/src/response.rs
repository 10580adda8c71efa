//! From an outcome to an HTTP response.

use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::bulk::Done;
use crate::discovery::Documents;
use crate::error::Hint;
use crate::service::{Answer, List, Outcome};
use crate::shown::Shown;
use crate::{ETag, Error, ScimService};

/// The URI of the ListResponse message schema.
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The URI of the BulkResponse message schema.
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// Shows an outcome; `head` leaves the body out.
pub(crate) fn respond(service: &ScimService, outcome: &Outcome, head: bool) -> Response<Vec<u8>> {
    let mut answer = Http { head, response: Response::new(Vec::new()) };
    let base = outcome.base.as_str();
    answer.status(outcome.answer.status());
    match &outcome.answer {
        Answer::Resource { on, resource, projection, .. } => {
            answer.resource(&Shown { service, base, on: *on, projection, resource });
        }
        Answer::List(list) => {
            let resources = list.resources.iter().filter_map(|(place, resource)| {
                let (on, projection) = list.types.get(*place)?;
                Some(Shown { service, base, on: *on, projection, resource })
            });
            answer.list(list, resources, |shown, text| {
                shown.write(text);
                Ok(())
            });
        }
        Answer::Documents(documents) => answer.documents(service, base, *documents),
        Answer::NoContent { version } => answer.version(version.clone()),
        Answer::NotModified { version } => answer.version(Some(version.clone())),
        Answer::Redirect(location) => answer.header(LOCATION, location),
        Answer::Bulk(operations) => answer.body(&BulkResponse(operations)),
    }
    answer.response
}

/// Shows an error.
pub(crate) fn refuse(service: &ScimService, error: &Error, head: bool) -> Response<Vec<u8>> {
    let mut answer = Http { head, response: Response::new(Vec::new()) };
    answer.status(error.status());
    if error.status() == StatusCode::UNAUTHORIZED {
        for scheme in &service.config().authentication {
            answer.header(WWW_AUTHENTICATE, scheme.challenge());
        }
    }
    match error.hint() {
        Some(Hint::Allow(methods)) => answer.header(ALLOW, methods),
        Some(Hint::RetryAfter(seconds)) => answer.header(RETRY_AFTER, &seconds.to_string()),
        Some(Hint::AcceptEncoding(coding)) => answer.header(ACCEPT_ENCODING, coding),
        Some(Hint::Member { .. }) | None => {}
    }
    answer.body(error);
    answer.response
}

struct Http {
    head: bool,
    response: Response<Vec<u8>>,
}

impl Http {
    fn status(&mut self, status: StatusCode) {
        *self.response.status_mut() = status;
    }

    fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().append(name, value);
        }
    }

    fn version(&mut self, version: Option<ETag>) {
        if let Some(version) = version {
            self.header(ETAG, &version.to_string());
        }
    }

    fn resource(&mut self, shown: &Shown<'_>) {
        let (location, version) = shown.headers();
        let headers = self.response.headers_mut();
        headers.extend(location.map(|location| (LOCATION, location)));
        headers.extend(version.map(|version| (ETAG, version)));
        self.written(|text| {
            shown.write(text);
            Ok(())
        });
    }

    /// A ListResponse message (RFC 7644 section 3.4.2, RFC 9865 section 2).
    fn list<T>(
        &mut self,
        list: &List,
        resources: impl Iterator<Item = T> + Clone,
        write: impl Fn(T, &mut Vec<u8>) -> serde_json::Result<()>,
    ) {
        let envelope = Envelope { list, count: resources.clone().count() };
        self.written(|text| {
            serde_json::to_writer(&mut *text, &envelope)?;
            // An empty page has its list too, since clients index it without looking.
            text.pop();
            text.extend_from_slice(b",\"Resources\":[");
            for (place, resource) in resources.enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write(resource, text)?;
            }
            text.extend_from_slice(b"]}");
            Ok(())
        });
    }

    fn body(&mut self, body: &impl Serialize) {
        self.written(|text| serde_json::to_writer(text, body));
    }

    fn written(&mut self, write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) {
        self.header(CONTENT_TYPE, "application/scim+json");
        // Most resources fit, so that the bytes are not moved while they are written.
        let mut bytes = Vec::with_capacity(4 * 1024);
        match write(&mut bytes) {
            // The length that GET would have (RFC 9110 section 8.6).
            Ok(()) if self.head => self.header(CONTENT_LENGTH, &bytes.len().to_string()),
            Ok(()) => *self.response.body_mut() = bytes,
            Err(_) => self.status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn documents(&mut self, service: &ScimService, base: &str, documents: Documents) {
        self.version(Some(documents.version(service)));
        match documents.of(service) {
            [one] if !documents.is_list() => {
                self.header(LOCATION, &one.location(base));
                self.body(&one.at(base));
            }
            all => {
                let list = List::of_documents(all.len());
                self.list(&list, all.iter(), |document, text| {
                    serde_json::to_writer(text, &document.at(base))
                });
            }
        }
    }
}

/// A ListResponse message without its resources.
struct Envelope<'a> {
    list: &'a List,
    count: usize,
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[LIST_RESPONSE])?;
        if let Some(total) = self.list.total {
            out.serialize_entry("totalResults", &total)?;
        }
        if let Some(start) = self.list.start {
            out.serialize_entry("startIndex", &start)?;
        }
        out.serialize_entry("itemsPerPage", &self.count)?;
        if let Some(cursor) = &self.list.next {
            out.serialize_entry("nextCursor", cursor)?;
        }
        if let Some(cursor) = &self.list.previous {
            out.serialize_entry("previousCursor", cursor)?;
        }
        out.end()
    }
}

/// A BulkResponse message (RFC 7644 section 3.7.3).
struct BulkResponse<'a>(&'a [Done]);

impl Serialize for BulkResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[BULK_RESPONSE])?;
        out.serialize_entry("Operations", self.0)?;
        out.end()
    }
}
