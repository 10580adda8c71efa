//! Resource types: a schema with extensions at an endpoint (RFC 7643 section 6), and the only
//! place where names are resolved.

use std::fmt;
use std::sync::Arc;

use crate::directory::Directory;
use crate::projection::Projection;
use crate::standard::with_common;
use crate::target::Target;
use crate::targets::Targets;
use crate::{
    AttrPath, Mutability, Quirk, Reading, Schema, SchemaError, Tolerance, UnknownAttribute, Violation,
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
    directory: Directory,
    /// What is fixed once it has a value: attributes, and sub-attributes of singular ones.
    immutable: Vec<Target>,
    default_projection: Projection,
    max_text: usize,
}

/// The longest text in bytes unless an attribute says otherwise.
const MAX_TEXT: usize = 64 * 1024;

/// The core schema or an extension, with its attributes as targets.
pub(crate) struct Section {
    pub(crate) schema: Schema,
    pub(crate) required: bool,
    pub(crate) attributes: Targets,
}

impl Section {
    /// The attribute of that name, in any case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Target> {
        self.attributes.find(name)
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
        self.section.attributes.as_slice()
    }

    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'a Target> {
        self.section.attribute(name)
    }

    pub(crate) fn targets(&self) -> &'a Targets {
        &self.section.attributes
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

    pub(crate) fn core(&self) -> &Section {
        #[expect(clippy::indexing_slicing, reason = "build() puts the core there")]
        &self.0.sections[0]
    }

    pub(crate) fn shared_sections(&self) -> Arc<[Section]> {
        self.0.sections.clone()
    }

    pub(crate) fn immutable(&self) -> &[Target] {
        &self.0.immutable
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
        self.core().attributes.as_slice().iter()
    }

    /// Every attribute, those of extensions after those of the core.
    pub fn all_attributes(&self) -> impl Iterator<Item = &Target> {
        self.0.sections.iter().flat_map(|section| section.attributes.as_slice())
    }

    /// Every attribute and sub-attribute: each attribute, followed by its sub-attributes.
    ///
    /// ```
    /// let group = scim_schema::standard::group_type();
    /// let paths: Vec<_> = group.all_targets().map(|target| target.path().as_str()).collect();
    /// assert_eq!(paths[..5], ["schemas", "id", "externalId", "displayName", "members"]);
    /// assert_eq!(paths[5..7], ["members.value", "members.display"]);
    /// ```
    pub fn all_targets(&self) -> impl Iterator<Item = &Target> {
        self.all_attributes().flat_map(Target::self_and_sub_attributes)
    }

    /// The common or core attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Target> {
        self.core().attribute(name)
    }

    /// The top-level attribute of a target of this type: of `emails.value`, `emails`.
    pub fn attribute_of(&self, target: &Target) -> Option<&Target> {
        self.sections().get(target.place().section)?.attributes.as_slice().get(target.place().attribute)
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
        self.find(path, reading).cloned().ok_or_else(|| UnknownAttribute::new(path, &self.0.name))
    }

    /// Finds what a path names, as [`resolve`](Self::resolve) does, without an error or a clone.
    pub fn find(&self, path: &AttrPath, reading: &mut Reading<'_>) -> Option<&Target> {
        if let Some(target) = self.0.directory.get(path.as_str()) {
            return Some(target);
        }
        let attribute = match path.uri() {
            None => match self.attribute(path.attribute()) {
                Some(target) => target,
                None => self.unqualified(path.attribute(), Quirk::UnqualifiedExtension, reading)?,
            },
            Some(uri) => match self.section_of(uri) {
                Some(section) => section.attribute(path.attribute())?,
                None => return self.dotted(path, uri, reading),
            },
        };
        sub_attribute(attribute, path)
    }

    fn section_of(&self, uri: &str) -> Option<&Section> {
        self.0.sections.iter().find(|section| section.schema.is(uri))
    }

    /// An extension's attribute without the extension's URI, if only one extension has it.
    fn unqualified(&self, name: &str, quirk: Quirk, reading: &mut Reading<'_>) -> Option<&Target> {
        let mut found = self.extensions().filter_map(|extension| extension.attribute(name));
        let target = found.next()?;
        (found.next().is_none() && reading.tolerates(quirk, target)).then_some(target)
    }

    /// `urn:..:User.manager`, where the grammar takes `User` for an attribute of `urn:..`.
    fn dotted(&self, path: &AttrPath, uri: &str, reading: &mut Reading<'_>) -> Option<&Target> {
        let name = path.sub_attribute()?;
        let length = uri.len() + 1 + path.attribute().len();
        let section = self.section_of(path.as_str().get(..length)?)?;
        let target = section.attribute(name)?;
        reading.tolerates(Quirk::DottedUri, target).then_some(target)
    }

    /// Whether a text that is no name is the path of an attribute: `name.familyName`, or with a URI in front.
    /// For saying what is wrong with it where a name is wanted.
    pub fn has_path(&self, text: &str) -> bool {
        let tolerance = Tolerance::lenient();
        let is_known = |path: AttrPath| self.find(&path, &mut Reading::new(&tolerance)).is_some();
        text.contains(['.', ':']) && AttrPath::parse(text).is_ok_and(is_known)
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
        let target = match path.uri() {
            Some(_) => self.find(&path, reading)?,
            None => {
                // In a path the URI of an extension may be left out, in a resource it may not
                // (RFC 7643 section 3.3).
                let core = self.attribute(path.attribute());
                let flat = |reading| self.unqualified(path.attribute(), Quirk::FlatExtension, reading);
                sub_attribute(core.or_else(|| flat(reading))?, &path)?
            }
        };
        if let Some(quirk) = quirk {
            reading.tolerates(quirk, target);
        }
        Some(Named::Attribute(target.clone()))
    }
}

/// What a path names, given the attribute that it begins with.
fn sub_attribute<'a>(attribute: &'a Target, path: &AttrPath) -> Option<&'a Target> {
    match path.sub_attribute() {
        None => Some(attribute),
        Some(sub) => attribute.sub_attribute(sub),
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
    /// If the endpoint is not one path segment, a schema is there twice, an attribute is nested
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
            if sections.iter().any(|section| section.schema.is(schema.id())) {
                return Err(SchemaError::new(schema.id(), "the schema is there twice"));
            }
            let attributes = if index == 0 { with_common(&schema) } else { schema.attributes().to_vec() };
            let targets: Vec<Target> = attributes
                .iter()
                .enumerate()
                .map(|(at, a)| Target::new(&schema, index, at, a, self.max_text))
                .collect();
            targets.iter().try_for_each(check).map_err(|error| error.inside(schema.id()))?;
            sections.push(Section { schema, required, attributes: Targets::new(targets) });
        }
        let sections: Arc<[Section]> = sections.into();
        Ok(ResourceType(Arc::new(Inner {
            directory: Directory::of(sections.iter().flat_map(|section| section.attributes.as_slice())),
            default_projection: Projection::default_of(sections.clone()),
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

fn check(target: &Target) -> Result<(), SchemaError> {
    if let Some(sub) = target.sub_attributes().iter().find(|sub| sub.is_complex()) {
        let place = format!("{}.{}", target.name(), sub.name());
        return Err(SchemaError::new(place, "a sub-attribute cannot be complex"));
    }
    for sub in target.sub_attributes() {
        check_default(sub).map_err(|error| error.inside(target.name()))?;
    }
    check_default(target)
}

fn check_default(target: &Target) -> Result<(), SchemaError> {
    let Some(value) = target.definition().default_value() else { return Ok(()) };
    let unsuitable =
        |error: Violation| SchemaError::new(target.name(), format!("its default value {}", error.reason()));
    target.validate(value).map_err(unsuitable)
}

/// What is immutable of an attribute: all of it, or some of its sub-attributes. The elements of a
/// list come and go; what is fixed in each is decided by its key.
fn immutable(target: &Target) -> impl Iterator<Item = &Target> {
    let is_immutable = |target: &&Target| target.definition().mutability() == Mutability::Immutable;
    let singular = !target.definition().is_multi_valued();
    let subs = if singular && !is_immutable(&target) { target.sub_attributes() } else { &[] };
    std::iter::once(target).chain(subs).filter(is_immutable)
}
