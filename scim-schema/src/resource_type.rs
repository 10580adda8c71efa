//! Resource types: a schema with extensions at an endpoint (RFC 7643 section 6), and the only
//! place where names are resolved.

use std::fmt;
use std::sync::Arc;

use crate::projection::Projection;
use crate::target::{Target, find};
use crate::{
    AttrPath, Attribute, Mutability, Quirk, Reading, Returned, Schema, SchemaError, Type, Uniqueness,
    UnknownAttribute,
};

/// A kind of resource: `User` at `/Users`, or a host's own. Cheap to clone.
///
/// ```
/// use scim_schema::{Attribute, ResourceType, Schema};
///
/// let device = Schema::new(
///     "urn:example:params:scim:schemas:core:2.0:Device",
///     "Device",
///     [Attribute::string("displayName").required(), Attribute::boolean("active")],
/// )?;
/// let devices = ResourceType::builder("Device", "/Devices", device).build()?;
/// assert_eq!(devices.attributes().map(|t| t.path().as_str()).collect::<Vec<_>>(),
///     ["schemas", "id", "externalId", "displayName", "active", "meta"]);
/// # Ok::<(), scim_schema::SchemaError>(())
/// ```
#[derive(Clone)]
pub struct ResourceType(Arc<Inner>);

struct Inner {
    name: String,
    endpoint: String,
    description: String,
    /// The core, then the extensions.
    sections: Arc<[Section]>,
    default_projection: Projection,
}

/// The core schema or an extension, with its attributes as targets.
pub(crate) struct Section {
    pub(crate) schema: Schema,
    pub(crate) required: bool,
    pub(crate) attributes: Vec<Target>,
}

impl Section {
    /// The attribute of that name, in any case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Target> {
        find(&self.attributes, name, |target| target.attribute().name())
    }
}

/// An extension of a resource type.
#[derive(Clone, Copy)]
pub struct Extension<'a> {
    section: &'a Section,
}

impl<'a> Extension<'a> {
    /// The schema.
    pub fn schema(&self) -> &'a Schema {
        &self.section.schema
    }

    /// Whether every resource must have it.
    pub fn is_required(&self) -> bool {
        self.section.required
    }

    /// The attributes, in schema order.
    pub fn attributes(&self) -> &'a [Target] {
        &self.section.attributes
    }

    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'a Target> {
        self.section.attribute(name)
    }
}

/// What a member name of a resource object means.
pub enum Named<'a> {
    /// An attribute, or a sub-attribute where the name had a dot.
    Attribute(Target),
    /// The object that holds an extension's attributes.
    Extension(Extension<'a>),
}

impl ResourceType {
    /// Begins a resource type: its name, its endpoint below the base URL, and its core schema.
    pub fn builder(name: impl Into<String>, endpoint: impl Into<String>, schema: Schema) -> ResourceTypeBuilder {
        ResourceTypeBuilder {
            name: name.into(),
            endpoint: endpoint.into(),
            description: String::new(),
            schema,
            extensions: Vec::new(),
        }
    }

    /// The name, such as `User`; also the `meta.resourceType` of its resources.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The endpoint with its slash, such as `/Users`.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// The text that `/ResourceTypes` shows.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    fn core(&self) -> &Section {
        #[expect(clippy::indexing_slicing, reason = "build() puts the core there")]
        &self.0.sections[0]
    }

    pub(crate) fn shared_sections(&self) -> Arc<[Section]> {
        self.0.sections.clone()
    }

    pub(crate) fn default_projection(&self) -> &Projection {
        &self.0.default_projection
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.0.sections
    }

    /// The core schema.
    pub fn schema(&self) -> &Schema {
        &self.core().schema
    }

    /// The extensions, in the order of registration.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.0.sections.iter().skip(1).map(|section| Extension { section })
    }

    /// The extension that a URI names, in any case.
    pub fn extension(&self, uri: &str) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.schema().is(uri))
    }

    /// The common and core attributes in the order in which they are served: `schemas`, `id`,
    /// `externalId`, those of the schema, `meta`.
    pub fn attributes(&self) -> impl Iterator<Item = &Target> {
        self.core().attributes.iter()
    }

    /// Every attribute, those of extensions after those of the core.
    pub fn all_attributes(&self) -> impl Iterator<Item = &Target> {
        self.0.sections.iter().flat_map(|section| &section.attributes)
    }

    /// The common or core attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Target> {
        self.core().attribute(name)
    }

    /// The top-level attribute of a target of this type: of `emails.value`, `emails`.
    pub fn attribute_of(&self, target: &Target) -> Option<&Target> {
        self.sections().get(target.place().section)?.attributes.get(target.place().attribute)
    }

    /// Finds what a path names (RFC 7644 section 3.10).
    ///
    /// A URI may be any schema of the type; a name without one is a core attribute, else that of
    /// the only extension that has it.
    ///
    /// # Errors
    ///
    /// If the type has no such attribute.
    pub fn resolve(&self, path: &AttrPath, reading: &mut Reading<'_>) -> Result<Target, UnknownAttribute> {
        self.lookup(path, reading).ok_or_else(|| UnknownAttribute::new(path, &self.0.name))
    }

    fn lookup(&self, path: &AttrPath, reading: &mut Reading<'_>) -> Option<Target> {
        let attribute = match path.uri() {
            None => match self.attribute(path.attribute()) {
                Some(target) => target,
                None => self.unqualified(path.attribute(), reading)?,
            },
            Some(uri) => match self.section_of(uri) {
                Some(section) => section.attribute(path.attribute())?,
                None => return self.dotted(path, uri, reading),
            },
        };
        match path.sub_attribute() {
            None => Some(attribute.clone()),
            Some(sub) => attribute.sub_attribute(sub).cloned(),
        }
    }

    fn section_of(&self, uri: &str) -> Option<&Section> {
        self.0.sections.iter().find(|section| section.schema.is(uri))
    }

    /// An extension's attribute without the extension's URI, if only one extension has it.
    fn unqualified(&self, name: &str, reading: &mut Reading<'_>) -> Option<&Target> {
        let mut found = self.extensions().filter_map(|extension| extension.attribute(name));
        let target = found.next()?;
        if found.next().is_some() || !reading.tolerates(Quirk::UnqualifiedExtension, target) {
            return None;
        }
        Some(target)
    }

    /// `urn:..:User.manager`, where the grammar takes `User` for an attribute of `urn:..`.
    fn dotted(&self, path: &AttrPath, uri: &str, reading: &mut Reading<'_>) -> Option<Target> {
        let name = path.sub_attribute()?;
        let length = uri.len() + 1 + path.attribute().len();
        let section = self.section_of(path.as_str().get(..length)?)?;
        let target = section.attribute(name)?;
        reading.tolerates(Quirk::DottedUri, target).then(|| target.clone())
    }

    /// Finds what a member name of a resource object, or of the value of a PATCH operation without
    /// a path, means: an attribute, an extension's URI, or one of the tolerated forms.
    pub fn named(&self, key: &str, reading: &mut Reading<'_>) -> Option<Named<'_>> {
        if let Some(target) = self.attribute(key) {
            return Some(Named::Attribute(target.clone()));
        }
        if let Some(extension) = self.extension(key) {
            return Some(Named::Extension(extension));
        }
        let path = AttrPath::parse(key).ok()?;
        let quirk = match (path.uri(), path.sub_attribute()) {
            (Some(_), _) => Some(Quirk::QualifiedKey),
            (None, Some(_)) => Some(Quirk::DottedKey),
            (None, None) => None,
        };
        if quirk.is_some_and(|quirk| !reading.tolerance().allows(quirk)) {
            return None;
        }
        let target = self.lookup(&path, reading)?;
        if let Some(quirk) = quirk {
            reading.tolerates(quirk, &target);
        }
        Some(Named::Attribute(target))
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceType({} at {})", self.name(), self.endpoint())
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

    /// Checks and makes the resource type.
    ///
    /// # Errors
    ///
    /// If the endpoint is not one path segment, a schema is there twice, or an attribute is nested
    /// deeper than RFC 7643 section 2.3.8 allows.
    pub fn build(self) -> Result<ResourceType, SchemaError> {
        let segment = self.endpoint.strip_prefix('/').unwrap_or(&self.endpoint);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~');
        if segment.is_empty() || !segment.chars().all(plain) {
            return Err(SchemaError::new(&self.endpoint, "an endpoint is one path segment of letters and digits"));
        }
        let mut sections: Vec<Section> = Vec::new();
        let all = std::iter::once((self.schema, true)).chain(self.extensions);
        for (index, (schema, required)) in all.enumerate() {
            if sections.iter().any(|section| section.schema.is(schema.id())) {
                return Err(SchemaError::new(schema.id(), "the schema is there twice"));
            }
            let attributes = if index == 0 { with_common(&schema) } else { schema.attributes().to_vec() };
            for attribute in &attributes {
                if let Some(sub) = attribute.sub_attributes().iter().find(|sub| sub.data_type() == Type::Complex) {
                    let place = format!("{}.{}", attribute.name(), sub.name());
                    return Err(SchemaError::new(place, "a sub-attribute cannot be complex"));
                }
            }
            let attributes =
                attributes.iter().enumerate().map(|(at, a)| Target::new(&schema, index, at, a)).collect();
            sections.push(Section { schema, required, attributes });
        }
        let sections: Arc<[Section]> = sections.into();
        Ok(ResourceType(Arc::new(Inner {
            default_projection: Projection::default_of(sections.clone()),
            name: self.name,
            endpoint: format!("/{segment}"),
            description: self.description,
            sections,
        })))
    }
}

/// The attributes of a core schema with the common ones around them (RFC 7643 section 3.1).
///
/// A schema may define `externalId` itself, to tighten it.
fn with_common(schema: &Schema) -> Vec<Attribute> {
    let read_only = Mutability::ReadOnly;
    let schemas = Attribute::string("schemas").multi_valued().required().with_returned(Returned::Always);
    let id = Attribute::string("id")
        .case_exact(true)
        .with_mutability(read_only)
        .with_returned(Returned::Always)
        .with_uniqueness(Uniqueness::Server);
    let external_id = schema
        .attribute("externalId")
        .cloned()
        .unwrap_or_else(|| Attribute::string("externalId").case_exact(true));
    let meta = Attribute::complex(
        "meta",
        [
            Attribute::string("resourceType").case_exact(true),
            Attribute::date_time("created"),
            Attribute::date_time("lastModified"),
            Attribute::reference("location", ["uri"]),
            Attribute::string("version").case_exact(true),
        ],
    )
    .with_mutability(read_only);

    let common = ["schemas", "id", "externalId", "meta"];
    let own = schema.attributes().iter().filter(|a| !common.iter().any(|name| a.name().eq_ignore_ascii_case(name)));
    [schemas, id, external_id].into_iter().chain(own.cloned()).chain([meta]).collect()
}
