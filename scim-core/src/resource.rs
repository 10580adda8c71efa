//! Resources: JSON objects in canonical form, cheap to hand out.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use scim_schema::{Target, Uniqueness};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Context, ETag, Error, Result};

/// A resource in canonical form: a JSON object that is copied only when a shared one is changed.
///
/// A store keeps `id`, the attributes, and `meta.created`, `meta.lastModified` and `meta.version`
/// as [`stamp_new`](Self::stamp_new) and [`stamp_changed`](Self::stamp_changed) write them.
/// `meta.resourceType`, `meta.location` and the `$ref` of references are added to responses by the
/// service and are never stored.
///
/// ```
/// use scim_core::Resource;
/// use serde_json::json;
///
/// let resource = Resource::try_from(json!({ "id": "42", "userName": "bea", "name": { "givenName": "Bea" } }))?;
/// assert_eq!(resource.id(), "42");
/// assert_eq!(resource.text("name.givenName"), Some("Bea"));
/// # Ok::<(), scim_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct Resource(Arc<Map<String, Value>>);

impl Resource {
    /// A resource from a JSON object in canonical form.
    pub fn new(object: Map<String, Value>) -> Self {
        Self(Arc::new(object))
    }

    /// The JSON object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The JSON object, to be changed; copied first if it is shared.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        Arc::make_mut(&mut self.0)
    }

    /// The JSON object; copied if it is shared.
    pub fn into_map(self) -> Map<String, Value> {
        Arc::unwrap_or_clone(self.0)
    }

    /// The id; empty as long as none was given.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// The client's own identifier.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// The version, from `meta.version`.
    pub fn version(&self) -> Option<ETag> {
        self.text("meta.version").map(ETag::from_stored)
    }

    /// When it was created, from `meta.created`.
    pub fn created(&self) -> Option<DateTime<Utc>> {
        self.time("meta.created")
    }

    /// When it was last changed, from `meta.lastModified`.
    pub fn last_modified(&self) -> Option<DateTime<Utc>> {
        self.time("meta.lastModified")
    }

    fn time(&self, path: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(self.text(path)?).ok().map(|time| time.to_utc())
    }

    /// The value at a canonical path: `userName`, `name.givenName`, or with the URI of an extension
    /// in front, `urn:..:User:manager.value`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let (object, name) = match path.rsplit_once(':') {
            Some((uri, name)) => (self.0.get(uri)?.as_object()?, name),
            None => (&*self.0, path),
        };
        match name.split_once('.') {
            Some((attribute, sub)) => object.get(attribute)?.get(sub),
            None => object.get(name),
        }
    }

    /// The text at a canonical path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Reads the resource as a type of the host's, by serde.
    ///
    /// # Errors
    ///
    /// If the resource does not suit the type; the error is internal, since what is stored is the
    /// host's affair.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(Value::Object((*self.0).clone())).map_err(Error::internal)
    }

    /// Checks that no other resource has a value that must be unique (RFC 7643 section 7), for a
    /// store that can look at all of them. One with the same id is not another.
    ///
    /// # Errors
    ///
    /// [`Error::uniqueness`] with the attribute.
    pub fn check_unique<'r>(
        &self,
        cx: &Context<'_>,
        others: impl IntoIterator<Item = &'r Resource>,
    ) -> Result<()> {
        let attributes = cx.resource_type().all_attributes();
        let unique: Vec<&Target> = attributes
            .flat_map(|target| std::iter::once(target).chain(target.sub_attributes()))
            .filter(|target| target.definition().uniqueness() != Uniqueness::None)
            .collect();
        for other in others.into_iter().filter(|other| other.id() != self.id()) {
            for target in &unique {
                let taken =
                    |value| target.values(&other.0).any(|taken| target.comparison().same(taken, value));
                if target.values(&self.0).any(taken) {
                    return Err(Error::uniqueness(target.path().as_str()));
                }
            }
        }
        Ok(())
    }

    /// Makes a resource that is about to be created complete: its id, `meta.created` and
    /// `meta.lastModified` of now, and a fresh version.
    #[must_use]
    pub fn stamp_new(mut self, cx: &Context<'_>, id: &str) -> Self {
        let now = timestamp(cx.now());
        let object = self.as_map_mut();
        object.insert("id".to_owned(), Value::from(id));
        let meta = Map::from_iter([
            ("created".to_owned(), Value::from(now.clone())),
            ("lastModified".to_owned(), Value::from(now)),
            ("version".to_owned(), Value::from(ETag::fresh().to_string())),
        ]);
        object.insert("meta".to_owned(), Value::Object(meta));
        self
    }

    /// Gives a resource that was changed the id and `meta.created` of before, a new
    /// `meta.lastModified`, and a fresh version.
    ///
    /// Do this exactly if something changed: a version stays as long as the resource does
    /// (RFC 7644 section 3.14).
    #[must_use]
    pub fn stamp_changed(mut self, cx: &Context<'_>, before: &Resource) -> Self {
        // A clock that was set back must not make a change older than what it changed.
        let now = before.last_modified().map_or(cx.now(), |last| last.max(cx.now()));
        let mut meta = before.get("meta").and_then(Value::as_object).cloned().unwrap_or_default();
        meta.insert("lastModified".to_owned(), Value::from(timestamp(now)));
        meta.insert("version".to_owned(), Value::from(ETag::fresh().to_string()));
        let id = before.id().to_owned();
        let object = self.as_map_mut();
        object.insert("id".to_owned(), Value::from(id));
        object.insert("meta".to_owned(), Value::Object(meta));
        self
    }
}

/// An id that no resource has had: a random UUID.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl TryFrom<Value> for Resource {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::Object(object) => Ok(Self::new(object)),
            _ => Err(Error::invalid_syntax("a resource must be a JSON object")),
        }
    }
}

impl From<Resource> for Value {
    fn from(resource: Resource) -> Self {
        Value::Object(resource.into_map())
    }
}

/// Shows the id only: resources are full of personal data.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({})", self.id())
    }
}
