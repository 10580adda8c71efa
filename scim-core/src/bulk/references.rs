//! `bulkId:` references in paths and data (RFC 7644 section 3.7.2).
//!
//! Only what refers to a resource is looked at: paths, reference attributes and `value`
//! sub-attributes. A display name that begins with `bulkId:` is just a name.

use scim_filter::{Filter, Limits, Literal, PatchPath};
use scim_schema::{AttrPath, Extension, Quirk, Reading, ResourceType, Target, Tolerance, Type};
use serde_json::{Map, Value};

use crate::route::decode;

const PREFIX: &str = "bulkId:";

/// Whether there may be a reference in JSON text, written with escapes or without.
pub(super) fn may_be_in(json: &str) -> bool {
    json.contains(PREFIX) || json.contains("\\u")
}

/// What is to become of a reference.
pub(super) enum Fate {
    Keep,
    Replace(String),
    /// The attribute, or the element of a list, is left out.
    LeaveOut,
}

/// The references in the data of one operation.
pub(super) struct References<'a> {
    on: &'a ResourceType,
    /// Decides by `bulkId`.
    fate: &'a mut dyn FnMut(&str) -> Fate,
    /// What was left out: the attributes, and the values.
    pub(super) left_out: Vec<(Target, Value)>,
    /// A required attribute of which nothing is left.
    pub(super) missing: Option<Target>,
}

/// References in the path of an operation, such as `/Groups/bulkId:staff`; as all of a path, they may be
/// percent-encoded.
pub(super) fn in_path(path: &str, fate: &mut dyn FnMut(&str) -> Fate) -> String {
    let mut fate_of = |bulk_id: &str| fate(&decode(bulk_id, false).unwrap_or_else(|| bulk_id.to_owned()));
    let segments = path.split('/').map(|segment| match segment.strip_prefix(PREFIX).map(&mut fate_of) {
        Some(Fate::Replace(id)) => id,
        _ => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

impl<'a> References<'a> {
    pub(super) fn new(on: &'a ResourceType, fate: &'a mut dyn FnMut(&str) -> Fate) -> Self {
        Self { on, fate, left_out: Vec::new(), missing: None }
    }

    /// The data of a POST or a PUT.
    pub(super) fn in_resource(&mut self, data: &mut Value) {
        let Some(object) = data.as_object_mut() else { return };
        let on = self.on;
        object.retain(|key, value| {
            if let Some(extension) = on.extension(key) {
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

    /// The data of a PATCH. Nothing of it is ever left out, since no operation refers to one.
    pub(super) fn in_patch(&mut self, data: &mut Value) {
        let operations = match data {
            Value::Object(message) => member(message, "Operations").and_then(Value::as_array_mut),
            // Some clients leave the message around the operations out.
            list => list.as_array_mut(),
        };
        for operation in operations.into_iter().flatten().filter_map(Value::as_object_mut) {
            let target = match member(operation, "path") {
                Some(Value::String(path)) => match self.on.extension(path) {
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

    /// References in the value filter of a path, as in `members[value eq "bulkId:bea"]`; what the
    /// path names.
    fn in_patch_path(&mut self, path: &mut String) -> Option<Target> {
        let tolerance = Tolerance::lenient();
        match PatchPath::parse(path, &Limits::default(), &mut Reading::new(&tolerance)).ok()? {
            PatchPath::Attribute(path) => self.find(path.as_str()),
            PatchPath::Value { path: list, mut filter, sub } => {
                let target = self.find(list.as_str())?;
                if path.contains(PREFIX) {
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

    fn in_filter(&mut self, parent: &Target, filter: &mut Filter) {
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

    fn find(&self, name: &str) -> Option<Target> {
        let tolerance = Tolerance::strict().with(Quirk::DottedUri);
        self.on.resolve(&AttrPath::parse(name).ok()?, &mut Reading::new(&tolerance)).ok()
    }

    /// The value of an attribute; false if nothing of it is left.
    fn in_attribute(&mut self, target: &Target, value: &mut Value) -> bool {
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

    /// One value; false if it is left out.
    fn in_value(&mut self, target: &Target, value: &mut Value) -> bool {
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
            text.split_once(PREFIX).filter(|(head, _)| head.is_empty() || head.ends_with('/'))
        else {
            return true;
        };
        match (self.fate)(bulk_id) {
            Fate::Keep => true,
            Fate::Replace(id) => {
                *text = format!("{before}{id}");
                true
            }
            Fate::LeaveOut => false,
        }
    }
}

/// Whether an attribute refers to resources.
fn refers(target: &Target) -> bool {
    let definition = target.definition();
    definition.data_type() == Type::Reference || target.sub().is_some() && definition.name() == "value"
}

fn member<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
