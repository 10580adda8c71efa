//! What a resource looks like on its way out.

use std::borrow::Cow;

use http::HeaderValue;
use scim_schema::{Derive, Projected, Projection, Target, write_json};
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
    pub(crate) json: Box<[u8]>,
    pub(crate) location: Option<HeaderValue>,
    pub(crate) version: Option<HeaderValue>,
}

impl<'a> Shown<'a> {
    /// Appends the resource as JSON.
    pub(crate) fn write(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        match self.kept() {
            Some(rendered) => {
                text.extend_from_slice(&rendered.json);
                Ok(())
            }
            None => self.render(text),
        }
    }

    fn render(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        write_json(text, &Projected::new(self.resource.as_map(), self.projection).deriving(self))
    }

    /// How the resource is shown by default, if it is one that a store keeps.
    pub(crate) fn kept(&self) -> Option<&'a Rendered> {
        let resource_type = &self.service.registration(self.on).ok()?.resource_type;
        if !self.projection.is_clone_of(&Projection::new(resource_type)) {
            return None;
        }
        let rendered = self.resource.rendered(|| {
            let mut json = Vec::with_capacity(4 * 1024);
            self.render(&mut json).ok()?;
            Some(Rendered {
                service: self.service.downgrade(),
                base: self.base.into(),
                on: self.on,
                json: json.into(),
                location: HeaderValue::try_from(self.location()).ok(),
                version: self.version(),
            })
        })?;
        let same =
            rendered.on == self.on && *rendered.base == *self.base && rendered.service.is(self.service);
        same.then_some(rendered)
    }

    /// The URL of the resource.
    pub(crate) fn location(&self) -> String {
        let registration = self.service.registration(self.on);
        let endpoint = registration.map_or("", |registration| registration.resource_type.endpoint());
        location(self.base, endpoint, self.resource.id())
    }

    /// The version as it stands in `ETag`.
    pub(crate) fn version(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.resource.text("meta.version")?).ok()
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
                let id = object.get("value").and_then(Value::as_str)?;
                Some(location(self.base, referred.resource_type.endpoint(), id).into())
            }
            "resourceType" => registrations.get(self.on).map(|r| r.resource_type.name().into()),
            "location" => Some(self.location().into()),
            _ => None,
        }
    }
}
