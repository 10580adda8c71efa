//! `bulkId:` references in paths and data (RFC 7644 section 3.7.2).
//!
//! Only what refers to a resource is looked at: paths, reference attributes and `value`
//! sub-attributes. A display name that begins with `bulkId:` is just a name.

use scim_filter::{Limits, PatchPath};
use scim_schema::{AttrPath, Quirk, Reading, ResourceType, Target, Tolerance, Type};
use serde_json::{Map, Value};

use crate::{Error, Result};

const PREFIX: &str = "bulkId:";

/// What is to become of a reference.
pub(super) enum Fate {
    Keep,
    Replace(String),
    /// The attribute, or the element of a list, is left out.
    LeaveOut,
}

/// The references in the data of one operation.
pub(super) struct References<'a> {
    pub(super) on: &'a ResourceType,
    /// Decides by `bulkId`.
    pub(super) fate: &'a mut dyn FnMut(&str) -> Fate,
    /// Where what was left out goes: the attribute's path, and the value.
    pub(super) left_out: &'a mut Vec<(String, Value)>,
}

/// References in the path of an operation, such as `/Groups/bulkId:staff`.
pub(super) fn in_path(path: &str, fate: &mut dyn FnMut(&str) -> Fate) -> String {
    let segments = path.split('/').map(|segment| match segment.strip_prefix(PREFIX).map(&mut *fate) {
        Some(Fate::Replace(id)) => id,
        _ => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A required attribute cannot be left out, so its circle cannot be resolved.
pub(super) fn check_not_required(on: &ResourceType, data: &Value, path: &str) -> Result<()> {
    let required = on.all_attributes().find(|t| t.path().as_str() == path && t.attribute().is_required());
    let Some(target) = required else { return Ok(()) };
    let present = data
        .as_object()
        .and_then(|data| target.get(data))
        .is_some_and(|value| !scim_schema::is_unassigned(value));
    if present {
        return Ok(());
    }
    let detail =
        format!("`{path}` is required, and the operations refer to each other in a circle through it");
    Err(Error::new(http::StatusCode::CONFLICT, detail))
}

impl References<'_> {
    /// The data of a POST or a PUT.
    pub(super) fn in_resource(&mut self, data: &mut Value) {
        let Some(object) = data.as_object_mut() else { return };
        let on = self.on;
        object.retain(|key, value| {
            if let Some(extension) = on.extension(key) {
                if let Some(members) = value.as_object_mut() {
                    members.retain(|key, value| match extension.attribute(key) {
                        Some(target) => self.in_attribute(target, value),
                        None => true,
                    });
                }
                return true;
            }
            match self.find(key) {
                Some(target) => self.in_attribute(&target, value),
                None => true,
            }
        });
    }

    /// The data of a PATCH.
    pub(super) fn in_patch(&mut self, data: &mut Value) {
        let Some(message) = data.as_object_mut() else { return };
        let operations = message.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("Operations"));
        for operation in operations.and_then(|(_, list)| list.as_array_mut()).into_iter().flatten() {
            let Some(operation) = operation.as_object_mut() else { continue };
            let path =
                member(operation, "path").and_then(|path| path.as_str().map(|path| self.in_patch_path(path)));
            if let (Some(path), Some(slot)) = (&path, member(operation, "path")) {
                *slot = Value::from(path.as_str());
            }
            let Some(value) = member(operation, "value") else { continue };
            match path.as_deref() {
                None => self.in_resource(value),
                Some(path) => {
                    let target =
                        PatchPath::parse(path, &Limits::default(), &mut Reading::new(&Tolerance::lenient()));
                    let target = target.ok().and_then(|path| match path {
                        PatchPath::Attribute(path) => self.find(path.as_str()),
                        PatchPath::Value { path, sub: None, .. } => self.find(path.as_str()),
                        PatchPath::Value { path, sub: Some(sub), .. } => {
                            self.find(path.as_str()).and_then(|target| target.sub_attribute(&sub).cloned())
                        }
                    });
                    if let Some(target) = target
                        && !self.in_attribute(&target, value)
                    {
                        *value = Value::Null;
                    }
                }
            }
        }
    }

    /// References in the value filter of a path, as in `members[value eq "bulkId:bea"]`.
    fn in_patch_path(&mut self, path: &str) -> String {
        let mut out = String::new();
        let mut rest = path;
        let quoted = format!("\"{PREFIX}");
        while let Some((before, after)) = rest.split_once(&quoted) {
            let (bulk_id, tail) = after.split_once('"').unwrap_or((after, ""));
            out.push_str(before);
            out.push('"');
            match (self.fate)(bulk_id) {
                Fate::Replace(id) => out.push_str(&id),
                Fate::Keep | Fate::LeaveOut => {
                    out.push_str(PREFIX);
                    out.push_str(bulk_id);
                }
            }
            out.push('"');
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    fn find(&self, name: &str) -> Option<Target> {
        let tolerance = Tolerance::strict().with(Quirk::DottedUri);
        self.on.resolve(&AttrPath::parse(name).ok()?, &mut Reading::new(&tolerance)).ok()
    }

    /// The value of an attribute; false if it is left out.
    fn in_attribute(&mut self, target: &Target, value: &mut Value) -> bool {
        match value {
            Value::Array(list) => {
                list.retain_mut(|element| self.in_value(target, element));
                true
            }
            value => self.in_value(target, value),
        }
    }

    /// One value; false if it is left out.
    fn in_value(&mut self, target: &Target, value: &mut Value) -> bool {
        let stays = match &mut *value {
            // A string for a complex attribute is its `value`.
            Value::String(text) if target.is_complex() || refers(target) => self.in_text(text),
            Value::Object(members) => {
                members.iter_mut().all(|(key, value)| match (target.sub_attribute(key), value) {
                    (Some(sub), Value::String(text)) if refers(sub) => self.in_text(text),
                    _ => true,
                })
            }
            _ => true,
        };
        if !stays {
            self.left_out.push((target.path().to_string(), value.take()));
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
