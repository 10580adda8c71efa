//! How a resource is shown: its JSON and its headers.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderValue;
use scim_schema::internal::{DeriveValues, ProjectedText, shares_selection_with};
use scim_schema::{AttributeRef, Projected, Projection};
use serde_json::{Map, Value};

use crate::Resource;
use crate::rendered::Rendered;
use crate::setup::Setup;
use crate::type_index::TypeIndex;
use crate::url::resource_url;

/// A resource as a service shows it to a caller.
pub(super) struct View<'a> {
    pub(super) setup: &'a Setup,
    pub(super) base_url: &'a str,
    pub(super) type_index: TypeIndex,
    pub(super) projection: &'a Projection,
    pub(super) resource: &'a Resource,
}

impl<'a> View<'a> {
    /// Appends the resource as JSON.
    pub(super) fn write(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        if let Some(rendered) = self.cached() {
            text.extend_from_slice(&rendered.json);
            return Ok(());
        }
        let start = text.len();
        match self.resource.stored_json() {
            Some((json, others)) => {
                ProjectedText::new(json, others, self.projection)?.with_derived(self).write_to(text);
            }
            None => Projected::new(self.resource.as_map(), self.projection).with_derived(self).write_to(text),
        }
        if self.is_default() {
            self.resource.cache_rendered(|| Rendered {
                token: Arc::clone(&self.setup.token),
                base_url: self.base_url.into(),
                type_index: self.type_index,
                json: text.get(start..).unwrap_or_default().into(),
                location: self.location(),
                version: self.version(),
            });
        }
        Ok(())
    }

    /// The cached form of the resource, if it is valid for this view.
    fn cached(&self) -> Option<&'a Rendered> {
        let is_valid = |rendered: &&Rendered| {
            rendered.type_index == self.type_index
                && *rendered.base_url == *self.base_url
                && Arc::ptr_eq(&rendered.token, &self.setup.token)
        };
        self.resource.rendered().filter(is_valid).filter(|_| self.is_default())
    }

    /// Whether the projection shows what is returned by default.
    fn is_default(&self) -> bool {
        let registration = self.setup.registration(self.type_index);
        registration
            .is_ok_and(|found| shares_selection_with(self.projection, &Projection::new(&found.resource_type)))
    }

    /// The `Location` and `ETag` headers.
    pub(super) fn headers(&self) -> (Option<HeaderValue>, Option<HeaderValue>) {
        match self.cached() {
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

    fn url(&self) -> String {
        let registration = self.setup.registration(self.type_index);
        let endpoint = registration.map_or("", |registration| registration.resource_type.endpoint());
        resource_url(self.base_url, endpoint, self.resource.id())
    }

    /// The URL of the resource that an element refers to. If the reference can be to several resource types,
    /// the `type` beside it names the one.
    fn reference(&self, target: &AttributeRef, element: &Map<String, Value>) -> Option<String> {
        let types = target.definition().reference_types();
        let named = element.get("type").and_then(Value::as_str);
        let named = named.and_then(|named| types.iter().find(|name| name.eq_ignore_ascii_case(named)));
        let name = match (named, types) {
            (Some(name), _) | (None, [name]) => name,
            _ => return None,
        };
        let referred = self.setup.find(|registration| registration.resource_type.name() == name)?;
        let endpoint = self.setup.registration(referred).ok()?.resource_type.endpoint();
        let id = element.get("value").and_then(Value::as_str).filter(|id| !id.trim().is_empty())?;
        Some(resource_url(self.base_url, endpoint, id))
    }
}

impl DeriveValues for View<'_> {
    fn value_of<'a>(&'a self, target: &AttributeRef, object: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
        match target.definition().name() {
            "$ref" => self.reference(target, object).map(Cow::Owned),
            "resourceType" => {
                let registration = self.setup.registration(self.type_index).ok()?;
                Some(registration.resource_type.name().into())
            }
            "location" => Some(self.url().into()),
            _ => None,
        }
    }
}
