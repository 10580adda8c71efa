//! Schemas: named lists of attribute definitions (RFC 7643 section 7).

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::attribute::Attribute;
use super::attribute_json::{member, text};
use super::check::check_all;
use crate::SchemaError;
use crate::attr_path::is_uri;

/// A schema: a URI, a name, and attribute definitions. Cheap to clone.
///
/// The standard schemas and the schemas of a host are created, registered and adjusted in the same way.
///
/// ```
/// use scim_schema::{Attribute, Schema, Uniqueness, standard};
///
/// let badge = Schema::new(
///     "urn:example:params:scim:schemas:extension:badge:2.0:User",
///     "Badge",
///     [Attribute::string("tag").with_description("The number printed on the badge.")],
/// )?;
/// assert_eq!(badge.attribute("TAG").map(|a| a.name()), Some("tag"));
///
/// // A standard schema, tightened by the host without copying it.
/// let user = standard::user()
///     .adjust("displayName", |a| a.required().with_max_length(64))?
///     .adjust("emails.type", |a| a.with_canonical_values(["work", "home"]).only_canonical_values())?
///     .without("x509Certificates")?
///     .with_attribute(Attribute::string("externalId").case_exact(true).with_uniqueness(Uniqueness::Server))?;
/// assert!(user.attribute("displayName").unwrap().is_required());
/// # Ok::<(), scim_schema::SchemaError>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Schema(Arc<Inner>);

#[derive(Clone, PartialEq, Serialize)]
struct Inner {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    attributes: Vec<Attribute>,
}

impl Schema {
    /// Creates a schema from its URI, name and attributes.
    ///
    /// # Errors
    ///
    /// If the URI has no scheme, or if an attribute is not well formed or is defined twice. The error
    /// names the attribute.
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<Self, SchemaError> {
        let inner = Inner {
            id: id.into(),
            name: name.into(),
            description: String::new(),
            attributes: attributes.into_iter().collect(),
        };
        if !is_uri(&inner.id) {
            return Err(SchemaError::new(&inner.id, "the `id` of a schema must be an absolute URI"));
        }
        check_all(&inner.attributes).map_err(|error| error.within(&inner.id))?;
        Ok(Self(Arc::new(inner)))
    }

    /// Reads a schema in the JSON form of RFC 7643 section 7, as `/Schemas` serves it.
    ///
    /// ```
    /// let schema = scim_schema::Schema::from_json(r#"{
    ///     "id": "urn:example:params:scim:schemas:extension:badge:2.0:User",
    ///     "name": "Badge",
    ///     "attributes": [{ "name": "tag", "type": "string" }]
    /// }"#)?;
    /// assert_eq!(schema.name(), "Badge");
    /// # Ok::<(), scim_schema::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or is not a schema. The error names the attribute.
    pub fn from_json(text: &str) -> Result<Self, SchemaError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| SchemaError::new("", format!("not JSON: {error}")))?;
        Self::from_value(&value)
    }

    /// Reads a schema from parsed JSON; see [`from_json`](Self::from_json).
    ///
    /// # Errors
    ///
    /// If the value is not a schema. The error names the attribute.
    pub fn from_value(value: &Value) -> Result<Self, SchemaError> {
        let invalid = |reason: &str| SchemaError::new("", reason);
        let object = value.as_object().ok_or_else(|| invalid("a schema must be a JSON object"))?;
        let id = text(object, "id")?.ok_or_else(|| invalid("a schema must have an `id`"))?;
        let read = || {
            if member(object, "attributes").is_none() {
                return Err(invalid("a schema must have `attributes`"));
            }
            let attributes = Attribute::list_from_json(object, "attributes")?;
            Ok((
                attributes,
                text(object, "name")?.unwrap_or(id),
                text(object, "description")?.unwrap_or_default(),
            ))
        };
        let (attributes, name, description) = read().map_err(|error| error.within(id))?;
        Ok(Self::new(id, name, attributes)?.with_description(description))
    }

    /// Sets the description, which `/Schemas` shows.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).description = text.into();
        self
    }

    /// Changes one attribute (`userName`) or sub-attribute (`emails.type`).
    ///
    /// # Errors
    ///
    /// If the schema has no such attribute, or if the result is not well formed.
    pub fn adjust(
        self,
        name: &str,
        change: impl FnOnce(Attribute) -> Attribute,
    ) -> Result<Self, SchemaError> {
        self.edit(name, |attribute| Some(change(attribute)))
    }

    /// Adds an attribute at the end.
    ///
    /// Meant for schemas of the host. To a standard schema, add only `externalId`, to make its definition
    /// stricter: every resource has this attribute anyway (RFC 7643 section 3.1). Other attributes belong into
    /// an extension.
    ///
    /// # Errors
    ///
    /// If the schema has an attribute of that name already, or if the new one is not well formed.
    pub fn with_attribute(self, attribute: Attribute) -> Result<Self, SchemaError> {
        self.with_attributes(self.attributes().iter().cloned().chain([attribute]).collect())
    }

    /// Removes an attribute or sub-attribute that the host does not support, so that `/Schemas` does not
    /// list it.
    ///
    /// # Errors
    ///
    /// If the schema has no such attribute, or if it is the only sub-attribute of its parent.
    pub fn without(self, name: &str) -> Result<Self, SchemaError> {
        self.edit(name, |_| None)
    }

    /// Keeps only these attributes (`userName`) and sub-attributes (`name.givenName`), for an application that does not
    /// store the others. An attribute that is named without a sub-attribute keeps all of them.
    ///
    /// ```
    /// use scim_schema::standard;
    ///
    /// let user = standard::user().only(["userName", "active", "name.givenName", "name.familyName"])?;
    /// assert_eq!(user.attributes().len(), 3);
    /// assert_eq!(user.attribute("name").unwrap().sub_attributes().len(), 2);
    /// # Ok::<(), scim_schema::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the schema has no attribute of such a name.
    pub fn only<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Result<Self, SchemaError> {
        let names: Vec<T> = names.into_iter().collect();
        let names: Vec<&str> = names.iter().map(T::as_ref).collect();
        let attributes = only_named(self.attributes(), &names).map_err(|error| error.within(self.id()))?;
        self.with_attributes(attributes)
    }

    fn edit(
        self,
        name: &str,
        change: impl FnOnce(Attribute) -> Option<Attribute>,
    ) -> Result<Self, SchemaError> {
        let attributes =
            edit_list(self.attributes(), name, change).map_err(|error| error.within(self.id()))?;
        self.with_attributes(attributes)
    }

    fn with_attributes(&self, attributes: Vec<Attribute>) -> Result<Self, SchemaError> {
        Ok(Self::new(self.id(), self.name(), attributes)?.with_description(self.description()))
    }

    /// The URI.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The name, such as `User`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The description, which `/Schemas` shows.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// The attributes, in the order in which responses list them.
    pub fn attributes(&self) -> &[Attribute] {
        &self.0.attributes
    }

    /// The attribute with this name in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.0.attributes.iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// Whether a URI is the id of this schema, in any case (RFC 7644 section 3.10).
    pub fn has_id(&self, uri: &str) -> bool {
        self.0.id == uri || self.0.id.eq_ignore_ascii_case(uri)
    }
}

/// The definitions that are named, each with all sub-attributes or, if the names are dotted, with the named ones.
fn only_named(list: &[Attribute], names: &[&str]) -> Result<Vec<Attribute>, SchemaError> {
    let split = |name: &&'_ str| -> (String, Option<String>) {
        match name.split_once('.') {
            Some((first, rest)) => (first.to_owned(), Some(rest.to_owned())),
            None => ((*name).to_owned(), None),
        }
    };
    let names: Vec<(String, Option<String>)> = names.iter().map(split).collect();
    let is_named = |attribute: &Attribute, name: &str| attribute.name().eq_ignore_ascii_case(name);
    if let Some((name, _)) = names.iter().find(|(name, _)| !list.iter().any(|a| is_named(a, name))) {
        return Err(SchemaError::new(name, "the schema has no such attribute"));
    }
    let mut kept = Vec::new();
    for attribute in list {
        let own: Vec<_> = names.iter().filter(|(name, _)| is_named(attribute, name)).collect();
        let subs: Option<Vec<&str>> = own.iter().map(|(_, sub)| sub.as_deref()).collect();
        match subs {
            Some(subs) if subs.is_empty() => {}
            Some(subs) => {
                let subs = only_named(attribute.sub_attributes(), &subs);
                let subs = subs.map_err(|error| error.within(attribute.name()))?;
                kept.push(attribute.clone().with_sub_attributes(subs));
            }
            None => kept.push(attribute.clone()),
        }
    }
    Ok(kept)
}

/// Returns a copy of the definitions in which the attribute with the dotted name `name` is changed, or removed if
/// `change` returns `None`.
fn edit_list(
    list: &[Attribute],
    name: &str,
    change: impl FnOnce(Attribute) -> Option<Attribute>,
) -> Result<Vec<Attribute>, SchemaError> {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let (before, rest_of_list) = match list.iter().position(|a| a.name().eq_ignore_ascii_case(first)) {
        Some(index) => list.split_at(index),
        None => return Err(SchemaError::new(first, "the schema has no such attribute")),
    };
    let Some((attribute, after)) = rest_of_list.split_first() else { return Ok(list.to_vec()) };
    let edited = match rest {
        None => change(attribute.clone()),
        Some(rest) => {
            let subs = edit_list(attribute.sub_attributes(), rest, change);
            let subs = subs.map_err(|error| error.within(attribute.name()))?;
            Some(attribute.clone().with_sub_attributes(subs))
        }
    };
    Ok(before.iter().cloned().chain(edited).chain(after.iter().cloned()).collect())
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.id())
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
