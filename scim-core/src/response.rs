//! From an outcome to an HTTP response.

use std::borrow::Cow;

use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use scim_schema::{Derive, Projected, Target, write_json};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::bulk::Done;
use crate::discovery::Documents;
use crate::error::Hint;
use crate::service::{Answer, List, Outcome};
use crate::{ETag, Error, Resource, ScimService};

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
            let Ok(registration) = service.registration(*on) else { return answer.response };
            let egress = Egress { service, base, on: *on, id: resource.id() };
            answer.header(LOCATION, &location(base, registration.resource_type.endpoint(), resource.id()));
            if let Some(version) = resource.text("meta.version") {
                answer.header(ETAG, version);
            }
            answer.body(&Projected::new(resource.as_map(), projection).deriving(&egress));
        }
        Answer::List(list) => {
            let resources = list.resources.iter().filter_map(|(place, resource)| {
                let (on, projection) = list.types.get(*place)?;
                Some(Shown { service, base, on: *on, projection, resource })
            });
            answer.body(&ListResponse { list, resources });
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
        None => {}
    }
    answer.body(error);
    answer.response
}

/// The URL of a resource.
pub(crate) fn location(base: &str, endpoint: &str, id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:!$&'()*+,;=".contains(&byte);
    let mut url = String::with_capacity(base.len() + endpoint.len() + 1 + id.len());
    url.push_str(base);
    url.push_str(endpoint);
    url.push('/');
    if id.bytes().all(plain) {
        url.push_str(id);
        return url;
    }
    for byte in id.bytes() {
        if plain(byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
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

    fn body(&mut self, body: &impl Serialize) {
        self.header(CONTENT_TYPE, "application/scim+json");
        // Most resources fit, so that the bytes are not moved while they are written.
        let mut bytes = Vec::with_capacity(4 * 1024);
        match write_json(&mut bytes, body) {
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
                self.body(&ListResponse {
                    list: &list,
                    resources: all.iter().map(|document| document.at(base)),
                });
            }
        }
    }
}

/// A ListResponse message (RFC 7644 section 3.4.2, RFC 9865 section 2).
struct ListResponse<'a, I> {
    list: &'a List,
    resources: I,
}

impl<T: Serialize, I: Iterator<Item = T> + Clone> Serialize for ListResponse<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &[LIST_RESPONSE])?;
        if let Some(total) = self.list.total {
            out.serialize_entry("totalResults", &total)?;
        }
        if let Some(start) = self.list.start {
            out.serialize_entry("startIndex", &start)?;
        }
        out.serialize_entry("itemsPerPage", &self.resources.clone().count())?;
        if let Some(cursor) = &self.list.next {
            out.serialize_entry("nextCursor", cursor)?;
        }
        if let Some(cursor) = &self.list.previous {
            out.serialize_entry("previousCursor", cursor)?;
        }
        // An empty page has its list too, since clients index it without looking.
        out.serialize_entry("Resources", &Sequence(self.resources.clone()))?;
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

struct Sequence<I>(I);

impl<T: Serialize, I: Iterator<Item = T> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_seq(None)?;
        for resource in self.0.clone() {
            out.serialize_element(&resource)?;
        }
        out.end()
    }
}

/// A resource in a list.
struct Shown<'a> {
    service: &'a ScimService,
    base: &'a str,
    on: usize,
    projection: &'a scim_schema::Projection,
    resource: &'a Resource,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let egress = Egress { service: self.service, base: self.base, on: self.on, id: self.resource.id() };
        Projected::new(self.resource.as_map(), self.projection).deriving(&egress).serialize(serializer)
    }
}

/// What the service adds to a resource on its way out.
struct Egress<'a> {
    service: &'a ScimService,
    base: &'a str,
    on: usize,
    id: &'a str,
}

impl Derive for Egress<'_> {
    fn derive<'a>(&'a self, target: &Target, object: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
        let registrations = self.service.registrations();
        match target.definition().name() {
            "$ref" => {
                // Which of the types that it may refer to is said beside it, or there is only one.
                let types = target.definition().reference_types();
                let named = object.get("type").and_then(Value::as_str);
                let name = match named
                    .and_then(|named| types.iter().find(|name| name.eq_ignore_ascii_case(named)))
                {
                    Some(name) => name,
                    None => match types {
                        [one] => one,
                        _ => return None,
                    },
                };
                let referred = registrations.iter().find(|r| r.resource_type.name() == name)?;
                let id = object.get("value").and_then(Value::as_str)?;
                Some(location(self.base, referred.resource_type.endpoint(), id).into())
            }
            "resourceType" => registrations.get(self.on).map(|r| r.resource_type.name().into()),
            "location" => registrations
                .get(self.on)
                .map(|r| location(self.base, r.resource_type.endpoint(), self.id).into()),
            _ => None,
        }
    }
}
