//! The projections of a resource type: by default, and as the query parameters `attributes` and
//! `excludedAttributes` ask (RFC 7644 section 3.9).

use std::borrow::Cow;

use super::ResourceType;
use crate::attr_path::AttrPath;
use crate::projection::Projection;
use crate::{AttributeRef, ReadContext};

impl Projection {
    /// What is shown when nothing is asked for: `always` and `default`.
    pub fn new(resource_type: &ResourceType) -> Self {
        resource_type.default_projection().clone()
    }

    /// The attributes that are always returned and those that a comma-separated list names.
    ///
    /// An extension's URI stands for all of its attributes. Names that the type does not have are
    /// ignored, and so is a value filter after a name.
    pub fn only(resource_type: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        resource_type.default_projection().with_only(&named_attributes(resource_type, names, read_context))
    }

    /// The attributes that are returned by default without those that a comma-separated list names.
    pub fn excluding(resource_type: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        resource_type.default_projection().without(&named_attributes(resource_type, names, read_context))
    }
}

/// The attributes and sub-attributes that a comma-separated list names.
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

/// A name without its value filter, which says of which elements; a projection shows parts of all.
fn without_filter(name: &str) -> Cow<'_, str> {
    match (name.split_once('['), name.rsplit_once(']')) {
        (Some((attribute, _)), Some((_, sub))) => Cow::Owned(format!("{}{}", attribute.trim(), sub.trim())),
        _ => Cow::Borrowed(name),
    }
}
