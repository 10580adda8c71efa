//! Builds the projections of a resource type: the default one, and those for the query parameters `attributes` and
//! `excludedAttributes` (RFC 7644 section 3.9).

use std::borrow::Cow;

use super::ResourceType;
use crate::attr_path::AttrPath;
use crate::projection::Projection;
use crate::{AttributeRef, ReadContext};

impl Projection {
    /// Shows the attributes that are returned always or by default, for a request without `attributes` and
    /// `excludedAttributes`.
    pub fn new(resource_type: &ResourceType) -> Self {
        resource_type.default_projection().clone()
    }

    /// Shows the attributes in a comma-separated list and those that are always returned.
    ///
    /// The URI of a schema means all of its attributes. Unknown names are ignored, and so is a value filter after a
    /// name.
    pub fn only(resource_type: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        resource_type.default_projection().with_only(&named_attributes(resource_type, names, read_context))
    }

    /// Shows the attributes that are returned by default, except those in a comma-separated list.
    pub fn excluding(resource_type: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        resource_type.default_projection().without(&named_attributes(resource_type, names, read_context))
    }
}

/// Finds the attributes and sub-attributes in a comma-separated list. A comma inside brackets belongs to a value
/// filter and does not separate names.
fn named_attributes<'a>(
    resource_type: &'a ResourceType,
    names: &str,
    read_context: &mut ReadContext<'_>,
) -> Vec<&'a AttributeRef> {
    let mut depth = 0_usize;
    let names = names.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let mut found = Vec::new();
    for name in names {
        let name = &*without_filter(name.trim());
        if let Some(extension) = resource_type.extension(name) {
            found.extend(extension.attributes());
        } else if resource_type.schema().has_id(name) {
            found.extend(resource_type.attributes());
        } else if let Ok(path) = AttrPath::parse(name) {
            found.extend(resource_type.find_path(&path, read_context));
        }
    }
    found
}

/// Removes the value filter from a name. It would select elements, but a projection applies to all elements.
fn without_filter(name: &str) -> Cow<'_, str> {
    match (name.split_once('['), name.rsplit_once(']')) {
        (Some((attribute, _)), Some((_, sub))) => Cow::Owned(format!("{}{}", attribute.trim(), sub.trim())),
        _ => Cow::Borrowed(name),
    }
}
