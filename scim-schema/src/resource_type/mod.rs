//! Resource types: a schema with extensions at an endpoint (RFC 7643 section 6).

mod builder;
mod common_attributes;
mod lookup;
mod path_index;
mod projection;

use std::fmt;
use std::sync::Arc;

use self::path_index::PathIndex;
use crate::attribute_ref::Section;
use crate::projection::Projection;
use crate::{AttributeRef, Extension, Schema};

pub use builder::ResourceTypeBuilder;
pub use common_attributes::external_id;
pub use lookup::ResolvedName;

/// A type of resource, such as `User` at `/Users`: a core schema, extensions and an endpoint. Cheap to clone.
///
/// # Looking attributes up
///
/// | you have | example | use |
/// |---|---|---|
/// | the name of a common or core attribute | `userName` | [`attribute`](Self::attribute) |
/// | the name of an attribute of an extension | `department` | [`extension`](Self::extension), then [`Extension::attribute`] |
/// | the name of a sub-attribute, and its attribute | `familyName` | [`AttributeRef::sub_attribute`] |
/// | a path from a client or a configuration | `name.familyName`, `urn:..:User:department` | [`resolve`](Self::resolve); [`find_path`](Self::find_path) if the error is not needed |
/// | the name of a member in a resource from a client | `userName`, or the URI of an extension | [`resolve_name`](Self::resolve_name) |
/// | the reference to a sub-attribute | `emails.value` | [`parent_attribute`](Self::parent_attribute) for `emails` |
///
/// All of them ignore the case of names (RFC 7643 section 2.1). Those that take a [`ReadContext`](crate::ReadContext)
/// also accept what its tolerance allows, and record it.
///
/// # Example
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
    paths: PathIndex,
    /// The immutable attributes, and the immutable sub-attributes of singular attributes.
    immutable: Vec<AttributeRef>,
    default_projection: Projection,
    max_text: usize,
}

impl ResourceType {
    /// The name, such as `User`; also the `meta.resourceType` of its resources.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The endpoint with its slash, such as `/Users`.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// The description, which `/ResourceTypes` shows.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    pub(crate) fn core(&self) -> &Section {
        #[expect(clippy::indexing_slicing, reason = "build() puts the core schema first")]
        &self.0.sections[0]
    }

    pub(crate) fn immutable(&self) -> &[AttributeRef] {
        &self.0.immutable
    }

    fn default_projection(&self) -> &Projection {
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

    /// The extension with this URI in any case.
    pub fn extension(&self, uri: &str) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.schema().has_id(uri))
    }

    /// The common attributes and those of the core schema, in the order in which responses list them: `schemas`,
    /// `id`, `externalId`, the attributes of the schema, `meta`.
    pub fn attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        self.core().attributes.as_slice().iter()
    }

    /// Every attribute: those of the core schema, then those of the extensions.
    pub fn all_attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        self.0.sections.iter().flat_map(|section| section.attributes.as_slice())
    }

    /// Every attribute and sub-attribute: each attribute, followed by its sub-attributes.
    ///
    /// ```
    /// let group = scim_schema::standard::group_type();
    /// let paths: Vec<_> = group.all_attribute_refs().map(|target| target.path().as_str()).collect();
    /// assert_eq!(paths[..5], ["schemas", "id", "externalId", "displayName", "members"]);
    /// assert_eq!(paths[5..7], ["members.value", "members.display"]);
    /// ```
    pub fn all_attribute_refs(&self) -> impl Iterator<Item = &AttributeRef> {
        self.all_attributes().flat_map(AttributeRef::self_and_sub_attributes)
    }

    /// The common or core attribute with this name in any case.
    pub fn attribute(&self, name: &str) -> Option<&AttributeRef> {
        self.core().attribute(name)
    }

    /// The top-level attribute of an attribute or sub-attribute of this type: `emails` for `emails.value`.
    pub fn parent_attribute(&self, target: &AttributeRef) -> Option<&AttributeRef> {
        let position = target.position();
        self.sections().get(position.section)?.attributes.as_slice().get(position.attribute)
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceType({} at {})", self.name(), self.endpoint())
    }
}
