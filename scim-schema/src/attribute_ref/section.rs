//! The attributes of one schema of a resource type.

use std::fmt;

use super::{AttributeRef, AttributeRefs};
use crate::Schema;

/// The core schema or an extension, with its attributes as targets.
pub(crate) struct Section {
    pub(crate) schema: Schema,
    pub(crate) required: bool,
    pub(crate) attributes: AttributeRefs,
}

impl Section {
    pub(crate) fn new(schema: Schema, required: bool, attributes: Vec<AttributeRef>) -> Self {
        Self { schema, required, attributes: AttributeRefs::new(attributes) }
    }

    /// The attribute of that name, in any case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeRef> {
        self.attributes.find(name)
    }
}

/// An extension of a resource type.
#[derive(Clone, Copy)]
pub struct Extension<'a> {
    pub(crate) section: &'a Section,
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
    pub fn attributes(&self) -> &'a [AttributeRef] {
        self.section.attributes.as_slice()
    }

    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'a AttributeRef> {
        self.section.attribute(name)
    }

    pub(crate) fn attribute_refs(&self) -> &'a AttributeRefs {
        &self.section.attributes
    }
}

impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extension({})", self.schema().id())
    }
}
