//! Builds resource types.

use std::sync::Arc;

use super::common_attributes::with_common_attributes;
use super::path_index::PathIndex;
use super::{Inner, ResourceType};
use crate::attribute_ref::Section;
use crate::projection::Projection;
use crate::{AttributeRef, Mutability, Schema, SchemaError, Violation};

/// The default of [`ResourceTypeBuilder::max_text`], in bytes.
const MAX_TEXT: usize = 64 * 1024;

impl ResourceType {
    /// Starts to build a resource type from its name, its endpoint below the base URL, and its core schema.
    pub fn builder(
        name: impl Into<String>,
        endpoint: impl Into<String>,
        schema: Schema,
    ) -> ResourceTypeBuilder {
        ResourceTypeBuilder {
            name: name.into(),
            endpoint: endpoint.into(),
            description: String::new(),
            schema,
            extensions: Vec::new(),
            max_text: MAX_TEXT,
            has_external_id: true,
        }
    }

    /// Starts to build a resource type from this one, to adjust it.
    ///
    /// ```
    /// use scim_schema::standard;
    ///
    /// let short = standard::user_type().to_builder().max_text(1024).build()?;
    /// assert_eq!(short.extensions().count(), 1);
    /// # Ok::<(), scim_schema::SchemaError>(())
    /// ```
    pub fn to_builder(&self) -> ResourceTypeBuilder {
        let extensions =
            self.extensions().map(|extension| (extension.schema().clone(), extension.is_required()));
        ResourceTypeBuilder {
            name: self.0.name.clone(),
            endpoint: self.0.endpoint.clone(),
            description: self.0.description.clone(),
            schema: self.schema().clone(),
            extensions: extensions.collect(),
            max_text: self.0.max_text,
            has_external_id: self.attribute("externalId").is_some(),
        }
    }
}

/// Builds a [`ResourceType`].
#[derive(Debug)]
#[must_use]
pub struct ResourceTypeBuilder {
    name: String,
    endpoint: String,
    description: String,
    schema: Schema,
    extensions: Vec<(Schema, bool)>,
    max_text: usize,
    has_external_id: bool,
}

impl ResourceTypeBuilder {
    /// Sets the description in `/ResourceTypes`.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Adds an optional extension.
    pub fn extension(mut self, schema: Schema) -> Self {
        self.extensions.push((schema, false));
        self
    }

    /// Adds an extension that every resource must have (RFC 7643 section 6).
    pub fn required_extension(mut self, schema: Schema) -> Self {
        self.extensions.push((schema, true));
        self
    }

    /// Changes the core schema and the schema of each extension.
    ///
    /// # Errors
    ///
    /// The first error that `change` returns.
    pub fn try_map_schemas(
        mut self,
        change: impl Fn(&Schema) -> Result<Schema, SchemaError>,
    ) -> Result<Self, SchemaError> {
        self.schema = change(&self.schema)?;
        for (schema, _) in &mut self.extensions {
            *schema = change(schema)?;
        }
        Ok(self)
    }

    /// Sets the maximum length of a string in bytes; 64 KiB by default. It bounds the cost of a filter.
    ///
    /// It does not apply to attributes of type `binary` or `reference`, nor to those with their own
    /// [maximum length](crate::Attribute::with_max_length).
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.max_text = bytes;
        self
    }

    /// Leaves out `externalId`, for an application that does not store it (RFC 7643 section 3.1 makes it optional). A
    /// client that sends it is then told that there is no such attribute, or it is ignored if
    /// [`Quirk::UnknownAttribute`](crate::Quirk::UnknownAttribute) is tolerated.
    ///
    /// ```
    /// use scim_schema::standard;
    ///
    /// let users = standard::user_type().to_builder().without_external_id().build()?;
    /// assert!(users.attribute("externalId").is_none());
    /// # Ok::<(), scim_schema::SchemaError>(())
    /// ```
    pub fn without_external_id(mut self) -> Self {
        self.has_external_id = false;
        self
    }

    /// Checks the definitions and builds the resource type.
    ///
    /// # Errors
    ///
    /// If the endpoint is not one path segment, if a schema occurs twice, if a sub-attribute is complex
    /// (RFC 7643 section 2.3.8), or if a default value is not valid for its attribute.
    pub fn build(self) -> Result<ResourceType, SchemaError> {
        let segment = self.endpoint.strip_prefix('/').unwrap_or(&self.endpoint);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~');
        if segment.is_empty() || !segment.chars().all(plain) {
            return Err(SchemaError::new(
                &self.endpoint,
                "an endpoint must be one path segment of ASCII letters, digits, `-`, `_` and `~`",
            ));
        }
        let mut sections: Vec<Section> = Vec::new();
        let schemas = std::iter::once((self.schema, true)).chain(self.extensions);
        for (index, (schema, required)) in schemas.enumerate() {
            if sections.iter().any(|section| section.schema.has_id(schema.id())) {
                return Err(SchemaError::new(schema.id(), "duplicate schema"));
            }
            let attributes = if index == 0 {
                with_common_attributes(&schema, self.has_external_id)
            } else {
                schema.attributes().to_vec()
            };
            let targets: Vec<AttributeRef> = attributes
                .iter()
                .enumerate()
                .map(|(attribute_index, a)| {
                    AttributeRef::new(&schema, index, attribute_index, a, self.max_text)
                })
                .collect();
            targets.iter().try_for_each(check).map_err(|error| error.within(schema.id()))?;
            sections.push(Section::new(schema, required, targets));
        }
        let sections: Arc<[Section]> = sections.into();
        Ok(ResourceType(Arc::new(Inner {
            paths: PathIndex::new(sections.iter().flat_map(|section| section.attributes.as_slice())),
            default_projection: Projection::from_sections(sections.clone()),
            immutable: sections
                .iter()
                .flat_map(|s| s.attributes.as_slice())
                .flat_map(immutable)
                .cloned()
                .collect(),
            name: self.name,
            endpoint: format!("/{segment}"),
            description: self.description,
            sections,
            max_text: self.max_text,
        })))
    }
}

fn check(target: &AttributeRef) -> Result<(), SchemaError> {
    if let Some(sub) = target.sub_attributes().iter().find(|sub| sub.is_complex()) {
        let path = format!("{}.{}", target.name(), sub.name());
        return Err(SchemaError::new(path, "a sub-attribute cannot be complex"));
    }
    for sub in target.sub_attributes() {
        check_default(sub).map_err(|error| error.within(target.name()))?;
    }
    check_default(target)
}

fn check_default(target: &AttributeRef) -> Result<(), SchemaError> {
    let Some(value) = target.definition().default_value() else { return Ok(()) };
    let unsuitable =
        |error: Violation| SchemaError::new(target.name(), format!("its default value {}", error.reason()));
    target.validate(value).map_err(unsuitable)
}

/// The attribute if it is immutable, else those of its sub-attributes that are.
///
/// Immutable sub-attributes of a list are left out: its elements can be added and removed, and which stored
/// element to compare a new one with depends on their keys.
fn immutable(target: &AttributeRef) -> impl Iterator<Item = &AttributeRef> {
    let is_immutable = |target: &&AttributeRef| target.definition().mutability() == Mutability::Immutable;
    let singular = !target.definition().is_multi_valued();
    let subs = if singular && !is_immutable(&target) { target.sub_attributes() } else { &[] };
    std::iter::once(target).chain(subs).filter(is_immutable)
}
