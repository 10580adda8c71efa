//! `bulkId:` references in paths and data (RFC 7644 section 3.7.2).
//!
//! References are found in paths, reference attributes and `value` sub-attributes only. A display name that
//! begins with `bulkId:` is just a name.

use scim_filter::{Filter, FilterLimits, Literal, PatchPath};
use scim_schema::{AttrPath, AttributeRef, Extension, Quirk, ReadContext, ResourceType, Tolerance, Type};
use serde_json::{Map, Value};

use crate::parse::BULK_ID_PREFIX;
use crate::url::decode_segment;

/// What replaces a reference.
pub(super) enum Replacement {
    /// Nothing: the reference stays.
    Keep,
    /// The id of the resource.
    Id(String),
    /// The attribute, or the element of a list, is left out.
    LeaveOut,
}

/// The references in the data of one operation.
pub(super) struct References<'a> {
    resource_type: &'a ResourceType,
    /// Chooses the replacement of a `bulkId`.
    replace: &'a mut dyn FnMut(&str) -> Replacement,
    /// The references that a later PATCH adds, because the resource that they refer to does not exist yet.
    pub(super) left_out: Vec<(AttributeRef, Value)>,
    /// A required attribute whose values were all left out.
    pub(super) missing: Option<AttributeRef>,
}

/// Replaces references in the path of an operation, such as `/Groups/bulkId:staff`. They may be
/// percent-encoded, as everything in a path.
pub(super) fn in_path(path: &str, replace: &mut dyn FnMut(&str) -> Replacement) -> String {
    let mut decoded = |bulk_id: &str| replace(&decode_segment(bulk_id).unwrap_or_else(|| bulk_id.to_owned()));
    let segments =
        path.split('/').map(|segment| match segment.strip_prefix(BULK_ID_PREFIX).map(&mut decoded) {
            Some(Replacement::Id(id)) => id,
            _ => segment.to_owned(),
        });
    segments.collect::<Vec<_>>().join("/")
}

impl<'a> References<'a> {
    pub(super) fn new(
        resource_type: &'a ResourceType,
        replace: &'a mut dyn FnMut(&str) -> Replacement,
    ) -> Self {
        Self { resource_type, replace, left_out: Vec::new(), missing: None }
    }

    /// Replaces references in the data of a POST or a PUT.
    pub(super) fn in_resource(&mut self, data: &mut Value) {
        let Some(object) = data.as_object_mut() else { return };
        let resource_type = self.resource_type;
        object.retain(|key, value| {
            if let Some(extension) = resource_type.extension(key) {
                self.in_extension(extension, value);
                return true;
            }
            self.find(key).is_none_or(|target| self.in_attribute(&target, value))
        });
    }

    fn in_extension(&mut self, extension: Extension<'_>, data: &mut Value) {
        let Some(object) = data.as_object_mut() else { return };
        object.retain(|key, value| {
            extension.attribute(key).is_none_or(|target| self.in_attribute(target, value))
        });
    }

    /// Replaces references in the data of a PATCH. None is left out: no operation can refer to a PATCH, so it
    /// is never part of a circle.
    pub(super) fn in_patch(&mut self, data: &mut Value) {
        let operations = match data {
            Value::Object(message) => member(message, "Operations").and_then(Value::as_array_mut),
            // Some clients send the list of operations without the message around it.
            list => list.as_array_mut(),
        };
        for operation in operations.into_iter().flatten().filter_map(Value::as_object_mut) {
            let target = match member(operation, "path") {
                Some(Value::String(path)) => match self.resource_type.extension(path) {
                    Some(extension) => {
                        member(operation, "value")
                            .into_iter()
                            .for_each(|value| self.in_extension(extension, value));
                        continue;
                    }
                    None => self.in_patch_path(path),
                },
                _ => {
                    member(operation, "value").into_iter().for_each(|value| self.in_resource(value));
                    continue;
                }
            };
            if let (Some(target), Some(value)) = (target, member(operation, "value")) {
                self.in_attribute(&target, value);
            }
        }
    }

    /// Replaces references in the value filter of a path, such as `members[value eq "bulkId:bea"]`. Returns the
    /// attribute that the path names.
    fn in_patch_path(&mut self, path: &mut String) -> Option<AttributeRef> {
        let tolerance = Tolerance::lenient();
        match PatchPath::parse(path, &FilterLimits::default(), &mut ReadContext::new(&tolerance)).ok()? {
            PatchPath::Attribute(path) => self.find(path.as_str()),
            PatchPath::Value { path: list, mut filter, sub } => {
                let target = self.find(list.as_str())?;
                if path.contains(BULK_ID_PREFIX) {
                    self.in_filter(&target, &mut filter);
                    *path = PatchPath::Value { path: list, filter, sub: sub.clone() }.to_string();
                }
                match sub {
                    None => Some(target),
                    Some(sub) => target.sub_attribute(&sub).cloned(),
                }
            }
        }
    }

    fn in_filter(&mut self, parent: &AttributeRef, filter: &mut Filter) {
        match filter {
            Filter::And(list) | Filter::Or(list) => {
                list.iter_mut().for_each(|filter| self.in_filter(parent, filter));
            }
            Filter::Not(inner) => self.in_filter(parent, inner),
            Filter::Compare { path, value: Literal::String(text), .. } => {
                if parent.sub_attribute(path.attribute()).is_some_and(refers) {
                    let mut id = text.to_string();
                    self.in_text(&mut id);
                    *text = id.into();
                }
            }
            Filter::Compare { .. } | Filter::Present(_) | Filter::Complex { .. } => {}
        }
    }

    fn find(&self, name: &str) -> Option<AttributeRef> {
        let tolerance = Tolerance::strict().with(Quirk::DottedUri);
        self.resource_type.resolve(&AttrPath::parse(name).ok()?, &mut ReadContext::new(&tolerance)).ok()
    }

    /// Replaces references in the value of an attribute. False if all of it was left out.
    fn in_attribute(&mut self, target: &AttributeRef, value: &mut Value) -> bool {
        let before = self.left_out.len();
        let left = match value {
            Value::Array(list) => {
                list.retain_mut(|element| self.in_value(target, element));
                !list.is_empty() || self.left_out.len() == before
            }
            value => self.in_value(target, value),
        };
        if !left && target.definition().is_required() {
            self.missing.get_or_insert_with(|| target.clone());
        }
        left
    }

    /// Replaces references in a single value. False if it is left out.
    fn in_value(&mut self, target: &AttributeRef, value: &mut Value) -> bool {
        let stays = match &mut *value {
            // A string for a complex attribute is its `value`.
            Value::String(text) if target.is_complex() || refers(target) => self.in_text(text),
            Value::Object(members) => members.iter_mut().all(|(key, value)| {
                match (target.sub_attribute(key), value) {
                    (Some(sub), Value::String(text)) if refers(sub) => self.in_text(text),
                    // Some clients repeat the name of the attribute around its value.
                    (None, value) if target.attribute().name().eq_ignore_ascii_case(key) => {
                        self.in_attribute(target, value)
                    }
                    _ => true,
                }
            }),
            _ => true,
        };
        if !stays {
            self.left_out.push((target.clone(), value.take()));
        }
        stays
    }

    fn in_text(&mut self, text: &mut String) -> bool {
        // A reference may also be a URL that ends in one.
        let Some((before, bulk_id)) =
            text.split_once(BULK_ID_PREFIX).filter(|(head, _)| head.is_empty() || head.ends_with('/'))
        else {
            return true;
        };
        match (self.replace)(bulk_id) {
            Replacement::Keep => true,
            Replacement::Id(id) => {
                *text = format!("{before}{id}");
                true
            }
            Replacement::LeaveOut => false,
        }
    }
}

/// Whether an attribute refers to resources.
fn refers(target: &AttributeRef) -> bool {
    let definition = target.definition();
    definition.data_type() == Type::Reference
        || target.sub_attribute_definition().is_some() && definition.name() == "value"
}

fn member<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
