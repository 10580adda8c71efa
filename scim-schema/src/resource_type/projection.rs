//! The projections of a resource type: by default, and as the query parameters `attributes` and
//! `excludedAttributes` ask (RFC 7644 section 3.9).

use std::borrow::Cow;

use super::ResourceType;
use crate::path::AttrPath;
use crate::projection::Projection;
use crate::{AttributeRef, ReadContext};

impl Projection {
    /// What is shown when nothing is asked for: `always` and `default`.
    pub fn new(on: &ResourceType) -> Self {
        on.default_projection().clone()
    }

    /// The attributes that are always returned and those that a comma-separated list names.
    ///
    /// An extension's URI stands for all of its attributes. Names that the type does not have are
    /// ignored, and so is a value filter after a name.
    pub fn only(on: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        on.default_projection().with_only(&named(on, names, read_context))
    }

    /// The attributes that are returned by default without those that a comma-separated list names.
    pub fn excluding(on: &ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Self {
        on.default_projection().without(&named(on, names, read_context))
    }
}

/// The attributes and sub-attributes that a comma-separated list names.
fn named<'a>(on: &'a ResourceType, names: &str, read_context: &mut ReadContext<'_>) -> Vec<&'a AttributeRef> {
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
        if let Some(extension) = on.extension(name) {
            found.extend(extension.attributes());
        } else if on.schema().has_id(name) {
            found.extend(on.attributes());
        } else if let Ok(path) = AttrPath::parse(name) {
            found.extend(on.find_path(&path, read_context));
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
