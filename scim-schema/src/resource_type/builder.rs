//! Making resource types.

use std::sync::Arc;

use super::common::with_common;
use super::path_index::PathIndex;
use super::{Inner, ResourceType};
use crate::attribute_ref::Section;
use crate::projection::Projection;
use crate::{AttributeRef, Mutability, Schema, SchemaError, Violation};

/// The longest text in bytes unless an attribute says otherwise.
const MAX_TEXT: usize = 64 * 1024;

impl ResourceType {
    /// Begins a resource type: its name, its endpoint below the base URL, and its core schema.
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
        }
    }

    /// Begins a resource type that is like this one, to be adjusted.
    ///
    /// ```
    /// use scim_schema::standard;
    ///
    /// let short = standard::user_type().to_builder().max_text(1024).build()?;
    /// assert_eq!(short.extensions().count(), 1);
    /// # Ok::<(), scim_schema::SchemaError>(())
    /// ```
    pub fn to_builder(&self) -> ResourceTypeBuilder {
        let extensions = self.extensions().map(|one| (one.schema().clone(), one.is_required()));
        ResourceTypeBuilder {
            name: self.0.name.clone(),
            endpoint: self.0.endpoint.clone(),
            description: self.0.description.clone(),
            schema: self.schema().clone(),
            extensions: extensions.collect(),
            max_text: self.0.max_text,
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
}

impl ResourceTypeBuilder {
    /// Sets the text that `/ResourceTypes` shows.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Adds an extension that resources may have.
    pub fn extension(mut self, schema: Schema) -> Self {
        self.extensions.push((schema, false));
        self
    }

    /// Adds an extension that every resource must have (RFC 7643 section 6).
    pub fn required_extension(mut self, schema: Schema) -> Self {
        self.extensions.push((schema, true));
        self
    }

    /// Changes each schema, the core one and those of extensions.
    ///
    /// # Errors
    ///
    /// The first that the change returns.
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

    /// Sets the longest text that a string may be, in bytes; 64 KiB by default. What a filter costs
    /// depends on it. An attribute of type `binary` or `reference`, and one with
    /// [a length of its own](crate::Attribute::with_max_length), is not concerned.
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.max_text = bytes;
        self
    }

    /// Checks and makes the resource type.
    ///
    /// # Errors
    ///
    /// If the endpoint is not one path segment, a schema occurs twice, an attribute is nested
    /// deeper than RFC 7643 section 2.3.8 allows, or a default value does not suit its attribute.
    pub fn build(self) -> Result<ResourceType, SchemaError> {
        let segment = self.endpoint.strip_prefix('/').unwrap_or(&self.endpoint);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~');
        if segment.is_empty() || !segment.chars().all(plain) {
            return Err(SchemaError::new(
                &self.endpoint,
                "an endpoint is one path segment of letters and digits",
            ));
        }
        let mut sections: Vec<Section> = Vec::new();
        let all = std::iter::once((self.schema, true)).chain(self.extensions);
        for (index, (schema, required)) in all.enumerate() {
            if sections.iter().any(|section| section.schema.has_id(schema.id())) {
                return Err(SchemaError::new(schema.id(), "duplicate schema"));
            }
            let attributes = if index == 0 { with_common(&schema) } else { schema.attributes().to_vec() };
            let targets: Vec<AttributeRef> = attributes
                .iter()
                .enumerate()
                .map(|(at, a)| AttributeRef::new(&schema, index, at, a, self.max_text))
                .collect();
            targets.iter().try_for_each(check).map_err(|error| error.inside(schema.id()))?;
            sections.push(Section::new(schema, required, targets));
        }
        let sections: Arc<[Section]> = sections.into();
        Ok(ResourceType(Arc::new(Inner {
            paths: PathIndex::new(sections.iter().flat_map(|section| section.attributes.as_slice())),
            default_projection: Projection::of_sections(sections.clone()),
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
        let place = format!("{}.{}", target.name(), sub.name());
        return Err(SchemaError::new(place, "a sub-attribute cannot be complex"));
    }
    for sub in target.sub_attributes() {
        check_default(sub).map_err(|error| error.inside(target.name()))?;
    }
    check_default(target)
}

fn check_default(target: &AttributeRef) -> Result<(), SchemaError> {
    let Some(value) = target.definition().default_value() else { return Ok(()) };
    let unsuitable =
        |error: Violation| SchemaError::new(target.name(), format!("its default value {}", error.reason()));
    target.validate(value).map_err(unsuitable)
}

/// What is immutable of an attribute: all of it, or some of its sub-attributes. The elements of a
/// list come and go; what is fixed in each is decided by its key.
fn immutable(target: &AttributeRef) -> impl Iterator<Item = &AttributeRef> {
    let is_immutable = |target: &&AttributeRef| target.definition().mutability() == Mutability::Immutable;
    let singular = !target.definition().is_multi_valued();
    let subs = if singular && !is_immutable(&target) { target.sub_attributes() } else { &[] };
    std::iter::once(target).chain(subs).filter(is_immutable)
}
