//! What a resource looks like on its way out.

use std::borrow::Cow;

use http::HeaderValue;
use scim_schema::internal::{Derive, is_clone_of};
use scim_schema::{Projected, Projection, Target};
use serde_json::{Map, Value};

use crate::Resource;
use crate::service::{ScimService, WeakService};

/// A resource, and what of it is shown by which service.
pub(crate) struct Shown<'a> {
    pub(crate) service: &'a ScimService,
    pub(crate) base: &'a str,
    /// The place of its type among the service's.
    pub(crate) on: usize,
    pub(crate) projection: &'a Projection,
    pub(crate) resource: &'a Resource,
}

/// How a resource was shown; kept with one that a store keeps, so that it is put together once and
/// not for each request.
pub(crate) struct Rendered {
    service: WeakService,
    base: Box<str>,
    on: usize,
    json: Box<[u8]>,
    location: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

impl<'a> Shown<'a> {
    /// Appends the resource as JSON.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        if let Some(rendered) = self.kept() {
            text.extend_from_slice(&rendered.json);
            return;
        }
        let begin = text.len();
        Projected::new(self.resource.as_map(), self.projection).deriving(self).write_to(text);
        if self.is_default() {
            self.resource.keep(|| Rendered {
                service: self.service.downgrade(),
                base: self.base.into(),
                on: self.on,
                json: text.get(begin..).unwrap_or_default().into(),
                location: self.location(),
                version: self.version(),
            });
        }
    }

    /// How the resource was shown, if it is to be shown like that again.
    fn kept(&self) -> Option<&'a Rendered> {
        let same = |rendered: &&Rendered| {
            rendered.on == self.on && *rendered.base == *self.base && rendered.service.is(self.service)
        };
        self.resource.rendered().filter(same).filter(|_| self.is_default())
    }

    fn is_default(&self) -> bool {
        let registration = self.service.registration(self.on);
        registration.is_ok_and(|on| is_clone_of(self.projection, &Projection::new(&on.resource_type)))
    }

    /// The headers that say where the resource is and which version it has.
    pub(crate) fn headers(&self) -> (Option<HeaderValue>, Option<HeaderValue>) {
        match self.kept() {
            Some(rendered) => (rendered.location.clone(), rendered.version.clone()),
            None => (self.location(), self.version()),
        }
    }

    fn location(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.url()).ok()
    }

    fn version(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.resource.text("meta.version")?).ok()
    }

    /// The URL of the resource.
    fn url(&self) -> String {
        let registration = self.service.registration(self.on);
        let endpoint = registration.map_or("", |registration| registration.resource_type.endpoint());
        location(self.base, endpoint, self.resource.id())
    }
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

impl Derive for Shown<'_> {
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
                let id = object.get("value").and_then(Value::as_str).filter(|id| !id.trim().is_empty())?;
                Some(location(self.base, referred.resource_type.endpoint(), id).into())
            }
            "resourceType" => registrations.get(self.on).map(|r| r.resource_type.name().into()),
            "location" => Some(self.url().into()),
            _ => None,
        }
    }
}
