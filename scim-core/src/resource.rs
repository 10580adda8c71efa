//! Resources: JSON objects in canonical form.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_schema::typed::TypedExtension;
use scim_schema::{AttributeRef, Uniqueness, is_unassigned};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::rendered::Rendered;
use crate::resource_content::ResourceContent;
use crate::{Context, ETag, Error, Result};

/// A resource in canonical form: a JSON object. Cheap to clone: the object is shared, and copied when a shared one
/// is changed.
///
/// A store keeps the attributes, `id`, and `meta.created`, `meta.lastModified` and `meta.version` as
/// [`stamp_new`](Self::stamp_new) and [`stamp_changed`](Self::stamp_changed) write them. The service adds
/// `meta.resourceType`, `meta.location` and the `$ref` of references to responses; stores do not keep them.
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
#[derive(Clone, Default)]
pub struct Resource(Arc<ResourceContent>);

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.as_map() == other.as_map()
    }
}

impl Resource {
    /// A resource from a JSON object in canonical form.
    pub fn new(object: Map<String, Value>) -> Self {
        Self(Arc::new(ResourceContent::new(object)))
    }

    /// A resource from JSON text that a store keeps, and from the attributes that it keeps elsewhere, such as `id` and
    /// `meta`. If an attribute is in both, that of `others` counts. Both must be in canonical form.
    ///
    /// The text is parsed when someone looks at its attributes. Showing the resource in a response does not need that:
    /// most of the text is copied into the response. So a store that keeps JSON answers reads in less time with this
    /// than with [`new`](Self::new).
    ///
    /// ```
    /// use scim_core::Resource;
    /// use serde_json::{Map, json};
    ///
    /// let others = Map::from_iter([("id".to_owned(), json!("42"))]);
    /// let resource = Resource::from_stored_json(r#"{"userName":"bea"}"#, others);
    /// assert_eq!((resource.id(), resource.text("userName")), ("42", Some("bea")));
    /// ```
    ///
    /// If the text is not that of a JSON object, a response that would show the resource is 500, and the resource has
    /// only the other attributes. A store that cannot rule this out must parse the text itself.
    pub fn from_stored_json(json: impl Into<Box<str>>, others: Map<String, Value>) -> Self {
        Self(Arc::new(ResourceContent::from_stored_json(json.into(), others)))
    }

    /// The JSON object.
    pub fn as_map(&self) -> &Map<String, Value> {
        self.0.all_attributes()
    }

    /// The JSON text with which the resource was made, and the attributes that are not in it.
    pub(crate) fn stored_json(&self) -> Option<(&str, &Map<String, Value>)> {
        self.0.stored_json()
    }

    /// The JSON object, to change it. If it is shared, it is copied first.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        let inner = Arc::make_mut(&mut self.0);
        inner.rendered.take();
        inner.all_attributes_mut()
    }

    /// The JSON object. If it is shared, it is copied.
    pub fn into_map(self) -> Map<String, Value> {
        std::mem::take(Arc::unwrap_or_clone(self.0).all_attributes_mut())
    }

    /// How the resource was shown, if that is cached.
    pub(crate) fn rendered(&self) -> Option<&Rendered> {
        self.0.rendered.get()
    }

    /// Caches how the resource was shown, if a store holds it too: a resource with one owner is not shown again.
    pub(crate) fn cache_rendered(&self, rendered: impl FnOnce() -> Rendered) {
        if Arc::strong_count(&self.0) > 1 {
            self.0.rendered.get_or_init(rendered);
        }
    }

    /// The id; empty before the resource has one.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// The identifier that the client uses, from `externalId`.
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

    /// The value at a canonical path: `userName`, `name.givenName`, or with the URI of an extension,
    /// `urn:..:User:manager.value`. The URI alone is the path of all attributes of the extension.
    pub fn get(&self, path: &str) -> Option<&Value> {
        // The text is not parsed for `id` and `meta`, if they are not in it.
        self.0.find(|attributes| find(attributes, path))
    }

    /// The string at a canonical path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Reads the resource as a struct: [`User`](scim_schema::typed::User),
    /// [`Group`](scim_schema::typed::Group), or one of the host's own with serde's `Deserialize`.
    ///
    /// ```
    /// use scim_core::Resource;
    /// use scim_core::schema::typed::{Name, User};
    ///
    /// let mut user = User::new("bea");
    /// user.name = Some(Name { given_name: Some("Bea".to_owned()), ..Name::default() });
    /// let resource = Resource::from_typed(&user)?;
    /// assert_eq!(resource.text("name.givenName"), Some("Bea"));
    /// assert_eq!(resource.to_typed::<User>()?, user);
    /// # Ok::<(), scim_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the resource does not fit the type. The error is internal, since the client did not cause it.
    pub fn to_typed<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(self.as_map()).map_err(Error::internal)
    }

    /// A resource from a struct with serde's `Serialize`. Null and empty values are left out.
    ///
    /// # Errors
    ///
    /// If the struct is not serialized as a JSON object. The error is internal.
    pub fn from_typed<T: Serialize>(typed: &T) -> Result<Self> {
        Ok(Self::new(to_object(typed)?))
    }

    /// An extension's attributes as a struct; `None` if the resource has none.
    ///
    /// ```
    /// use scim_core::Resource;
    /// use scim_core::schema::typed::{EnterpriseUser, User};
    ///
    /// let mut resource = Resource::from_typed(&User::new("bea"))?;
    /// let department = Some("Reef".to_owned());
    /// resource.set_extension(&EnterpriseUser { department, ..EnterpriseUser::default() })?;
    /// let enterprise: Option<EnterpriseUser> = resource.extension()?;
    /// assert_eq!(enterprise.unwrap().department.as_deref(), Some("Reef"));
    /// # Ok::<(), scim_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the attributes do not fit the type. The error is internal.
    pub fn extension<T: TypedExtension>(&self) -> Result<Option<T>> {
        self.as_map().get(T::URI).map(T::deserialize).transpose().map_err(Error::internal)
    }

    /// Replaces the attributes of an extension, and lists the extension in `schemas` (RFC 7643 section 3). An
    /// extension without attributes is removed.
    ///
    /// # Errors
    ///
    /// If the struct is not serialized as a JSON object. The error is internal.
    pub fn set_extension<T: TypedExtension>(&mut self, extension: &T) -> Result<()> {
        let attributes = to_object(extension)?;
        let object = self.as_map_mut();
        let schemas = object.entry("schemas").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(schemas) = schemas {
            schemas.retain(|uri| uri.as_str() != Some(T::URI));
            if !attributes.is_empty() {
                schemas.push(Value::from(T::URI));
            }
        }
        object.remove(T::URI);
        if !attributes.is_empty() {
            object.insert(T::URI.to_owned(), Value::Object(attributes));
        }
        Ok(())
    }

    /// Checks that no other resource has a value that must be unique (RFC 7643 section 7), for stores that can
    /// list their resources. Skips the resource with the same id.
    ///
    /// # Errors
    ///
    /// [`Error::uniqueness`] with the attribute.
    pub fn check_unique<'r>(
        &self,
        cx: &Context<'_>,
        others: impl IntoIterator<Item = &'r Resource>,
    ) -> Result<()> {
        let unique: Vec<&AttributeRef> = cx
            .resource_type()
            .all_attribute_refs()
            .filter(|target| target.definition().uniqueness() != Uniqueness::None)
            .collect();
        for other in others.into_iter().filter(|other| other.id() != self.id()) {
            for target in &unique {
                let taken = |value| {
                    target.values(other.as_map()).any(|taken| target.comparison().values_equal(taken, value))
                };
                if target.values(self.as_map()).any(taken) {
                    return Err(Error::uniqueness(target.path().as_str()));
                }
            }
        }
        Ok(())
    }
}

/// The value at a canonical path of an object.
fn find<'a>(all: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = all.get(path) {
        return Some(value);
    }
    let (object, name) = match path.rsplit_once(':') {
        Some((uri, name)) => (all.get(uri)?.as_object()?, name),
        None => (all, path),
    };
    match name.split_once('.') {
        Some((attribute, sub)) => object.get(attribute)?.get(sub),
        None => object.get(name),
    }
}

/// A struct as a JSON object, without unassigned values (RFC 7643 section 2.5).
fn to_object<T: Serialize>(typed: &T) -> Result<Map<String, Value>> {
    let mut value = serde_json::to_value(typed).map_err(Error::internal)?;
    drop_unassigned(&mut value);
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Error::internal("a resource must be a JSON object")),
    }
}

fn drop_unassigned(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(drop_unassigned);
            object.retain(|_, value| !is_unassigned(value));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(drop_unassigned);
            list.retain(|value| !is_unassigned(value));
        }
        _ => {}
    }
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

/// Shows the id only: the other attributes are personal data.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use scim_schema::standard;
    use scim_schema::typed::{EnterpriseUser, User};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Badge {
        number: Option<u32>,
        #[serde(default)]
        doors: Vec<String>,
    }

    impl TypedExtension for Badge {
        const URI: &'static str = "urn:example:badge";
    }

    #[test]
    fn schemas_follow_the_extensions() {
        let mut resource = Resource::from_typed(&User::new("bea")).unwrap();
        let without = resource.clone();
        let badge = Badge { number: Some(7), doors: vec![] };
        resource.set_extension(&EnterpriseUser::default()).unwrap();
        assert_eq!(resource, without);
        for _ in 0..2 {
            resource.set_extension(&badge).unwrap();
        }
        assert_eq!(resource.get("schemas"), Some(&json!([standard::USER, Badge::URI])));
        assert_eq!(resource.get(Badge::URI), Some(&json!({ "number": 7 })));
        assert!(resource.extension::<EnterpriseUser>().unwrap().is_none());
        // The user keeps what it does not know, and the store's copy what it was.
        assert_eq!(Resource::from_typed(&resource.to_typed::<User>().unwrap()).unwrap(), resource);
        resource.set_extension(&Badge { number: None, doors: vec![] }).unwrap();
        assert_eq!(resource, without);
    }

    #[test]
    fn stored_json_is_the_same_as_an_object() {
        let all = json!({ "id": "7", "userName": "bea", "name": { "givenName": "Bea" }, "meta": { "version": "1" } });
        let all = Resource::try_from(all).unwrap();
        let others = Map::from_iter(["id", "meta"].map(|name| (name.to_owned(), all.as_map()[name].clone())));
        let text = r#"{"userName":"bea","name":{"givenName":"Bea"},"id":"of the text"}"#;
        let stored = || Resource::from_stored_json(text, others.clone());
        assert!(stored() == all);
        let resource = stored();
        assert_eq!((resource.id(), resource.version()), ("7", Some(ETag::from_stored("1"))));
        assert!(!resource.0.is_parsed(), "the text is parsed only if it must be");
        assert_eq!((resource.text("name.givenName"), resource.get("title")), (Some("Bea"), None));
        let (mut changed, mut shared) = (stored(), stored());
        let kept = shared.clone();
        for resource in [&mut changed, &mut shared] {
            resource.as_map_mut().insert("title".to_owned(), json!("Dr"));
            assert_eq!((resource.text("title"), resource.text("userName")), (Some("Dr"), Some("bea")));
        }
        assert_eq!(kept.get("title"), None);
        assert_eq!([resource.into_map(), stored().into_map()], [all.as_map().clone(), all.into_map()]);
    }

    #[test]
    fn what_does_not_suit_is_an_internal_error() {
        let resource = Resource::try_from(json!({ "userName": 7, Badge::URI: [] })).unwrap();
        assert_eq!(resource.to_typed::<User>().unwrap_err().status(), 500);
        assert_eq!(resource.extension::<Badge>().unwrap_err().status(), 500);
        assert_eq!(Resource::from_typed(&7).unwrap_err().status(), 500);
    }
}
