//! Bringing client data into canonical form: names, null, lists, tolerated types.
//!
//! Once a resource is canonical, every later step finds its attributes by exact lookups.

use std::collections::HashSet;
use std::fmt::Display;

use serde_json::{Map, Value};

use crate::resource_type::{Extension, Named, ResourceType};
use crate::target::{Target, find};
use crate::{Mutability, Quirk, Reading, ScimType, Type, Violation};

impl ResourceType {
    /// Brings a resource that a client sent into canonical form, in place.
    ///
    /// - names get the case of their definition (RFC 7643 section 2.1);
    /// - null, `[]` and objects without values are the same as absence (RFC 7643 section 2.5);
    /// - `readOnly` attributes are dropped (RFC 7644 section 3.3), and so is the `$ref` of a
    ///   reference whose `value` is there: the service writes it from the value;
    /// - extension attributes end up under their schema's URI, and `schemas` lists the core schema
    ///   and the extensions that have values (RFC 7643 section 3);
    /// - what [`Quirk`] lists is put right if the reading tolerates it.
    ///
    /// Values stay as they were sent otherwise. Whether they are right is what
    /// [`validate`](Self::validate) says.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` for a name that occurs twice, or that is unknown where that is not
    /// tolerated; `invalidValue` for what cannot be brought into form. The resource is then in no
    /// particular state.
    pub fn normalize(&self, resource: &mut Map<String, Value>, reading: &mut Reading<'_>) -> Result<(), Violation> {
        let mut strays = Vec::new();
        for (key, value) in resource.iter_mut() {
            let keep = if let Some(target) = self.attributes().find(|t| t.attribute().name() == key) {
                normalize_writable(target, value, reading)?
            } else if let Some(extension) = self.extensions().find(|e| e.schema().id() == key) {
                normalize_extension(extension, value, reading)?
            } else {
                false
            };
            if !keep {
                strays.push(key.clone());
            }
        }
        for key in strays {
            if let Some(value) = resource.remove(&key) {
                self.place_stray(resource, &key, value, reading)?;
            }
        }
        self.normalize_schemas(resource, reading)
    }

    /// Puts the value of a key that is not canonical where it belongs.
    fn place_stray(
        &self,
        resource: &mut Map<String, Value>,
        key: &str,
        mut value: Value,
        reading: &mut Reading<'_>,
    ) -> Result<(), Violation> {
        // Only what has a value is worth an opinion on its name.
        if value.is_null() {
            return Ok(());
        }
        match self.named(key, reading) {
            Some(Named::Extension(extension)) => {
                let canonical = extension.schema().id() != key;
                if canonical && normalize_extension(extension, &mut value, reading)? {
                    insert_once(resource, extension.schema().id(), value)?;
                }
                Ok(())
            }
            Some(Named::Attribute(target)) => {
                let in_place = target.path().as_str() == key && target.extension().is_none();
                if in_place || !normalize_writable(&target, &mut value, reading)? {
                    return Ok(());
                }
                target.insert(resource, value)
            }
            None => unknown(key, reading),
        }
    }

    fn normalize_schemas(&self, resource: &mut Map<String, Value>, reading: &mut Reading<'_>) -> Result<(), Violation> {
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidSyntax, "schemas", reason));
        let mut core = false;
        match resource.get("schemas") {
            None => {}
            Some(Value::Array(uris)) => {
                for uri in uris {
                    let Some(uri) = uri.as_str() else { return wrong("must be an array of strings") };
                    if self.schema().is(uri) {
                        core = true;
                    } else if self.extension(uri).is_none() && !reading.tolerates(Quirk::ForeignSchema, "schemas") {
                        return wrong("lists a URI that is not a schema of this resource type");
                    }
                }
            }
            Some(_) => return wrong("must be an array of strings"),
        }
        if !core && !reading.tolerates(Quirk::MissingSchemas, "schemas") {
            return wrong("must list the core schema of the resource type");
        }
        self.update_schemas(resource);
        Ok(())
    }

    /// Makes `schemas` list the core schema, the required extensions, and those that have values.
    pub fn update_schemas(&self, resource: &mut Map<String, Value>) {
        fn listed<'a>(on: &'a ResourceType, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
            let extensions = on
                .extensions()
                .filter(|e| e.is_required() || resource.contains_key(e.schema().id()))
                .map(|e| e.schema().id());
            std::iter::once(on.schema().id()).chain(extensions)
        }
        let same = resource
            .get("schemas")
            .and_then(Value::as_array)
            .is_some_and(|uris| uris.iter().filter_map(Value::as_str).eq(listed(self, resource)));
        if !same {
            let uris = listed(self, resource).map(Value::from).collect();
            resource.insert("schemas".to_owned(), Value::Array(uris));
        }
    }
}

impl Target {
    /// Brings a value for this attribute into canonical form; false if that leaves it unassigned.
    ///
    /// The `readOnly` sub-attributes of a complex value are dropped. This is what
    /// [`ResourceType::normalize`] does to each attribute, for values that come alone in a PATCH.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn normalize(&self, value: &mut Value, reading: &mut Reading<'_>) -> Result<bool, Violation> {
        if !self.definition().is_multi_valued() {
            if let Value::Array(list) = value {
                match list.as_mut_slice() {
                    [] => return Ok(false),
                    [one] if reading.tolerates(Quirk::ListForSingular, self) => *value = one.take(),
                    _ => return Ok(true),
                }
            }
            return self.normalize_one(value, reading);
        }
        match value {
            Value::Null => return Ok(false),
            Value::Array(_) => {}
            _ if is_unassigned(value) => return Ok(false),
            _ => {
                if !reading.tolerates(Quirk::SingularForList, self) {
                    return Ok(true);
                }
                *value = Value::Array(vec![value.take()]);
            }
        }
        let Value::Array(list) = value else { return Ok(true) };
        let mut failed = None;
        list.retain_mut(|element| {
            if failed.is_some() {
                return true;
            }
            if element.as_object().is_some_and(Map::is_empty) {
                failed = Some(Violation::new(ScimType::InvalidValue, self, "an element has no sub-attributes"));
            }
            self.normalize_one(element, reading).unwrap_or_else(|violation| {
                failed = Some(violation);
                true
            })
        });
        match failed {
            Some(violation) => Err(violation),
            None => {
                self.drop_repeated_keys(list);
                Ok(!list.is_empty())
            }
        }
    }

    /// Of elements that are identified by their `value`, the first with each stays.
    fn drop_repeated_keys(&self, list: &mut Vec<Value>) {
        if !self.is_keyed() || list.len() < 2 {
            return;
        }
        let rule = self.sub_attribute("value").map_or(self.comparison(), Self::comparison);
        let mut seen = HashSet::with_capacity(list.len());
        list.retain(|element| {
            let key = element.get("value").and_then(Value::as_str);
            key.is_none_or(|key| seen.insert(rule.fold(key).into_owned()))
        });
    }

    /// One value: of a singular attribute, or an element of a list.
    fn normalize_one(&self, value: &mut Value, reading: &mut Reading<'_>) -> Result<bool, Violation> {
        match (self.definition().data_type(), &mut *value) {
            (_, Value::Null) => return Ok(false),
            (Type::Complex, Value::Object(object)) => {
                normalize_members(self.sub_attributes(), object, self, reading)?;
                self.drop_derived_reference(object);
                return Ok(!object.is_empty());
            }
            (Type::Complex, Value::String(text)) if self.sub_attribute("value").is_some() => {
                if text.is_empty() {
                    return Ok(!reading.tolerates(Quirk::EmptyForComplex, self));
                }
                if reading.tolerates(Quirk::StringForComplex, self) {
                    let text = std::mem::take(text);
                    *value = Value::Object(Map::from_iter([("value".to_owned(), Value::String(text))]));
                }
            }
            (Type::Boolean, Value::String(text)) => {
                let flag = if text.eq_ignore_ascii_case("true") {
                    true
                } else if text.eq_ignore_ascii_case("false") {
                    false
                } else {
                    return Ok(true);
                };
                if reading.tolerates(Quirk::BooleanAsString, self) {
                    *value = Value::Bool(flag);
                }
            }
            (Type::String, Value::Number(number)) => {
                if reading.tolerates(Quirk::NumberForString, self) {
                    *value = Value::String(number.to_string());
                }
            }
            (Type::Integer | Type::Decimal, Value::String(text)) => {
                if let Ok(number) = text.trim().parse()
                    && reading.tolerates(Quirk::NumberAsString, self)
                {
                    *value = Value::Number(number);
                }
            }
            (Type::Binary, Value::String(text)) => {
                if !is_base64(text) && !reading.tolerates(Quirk::NotBase64, self) {
                    return Err(Violation::new(ScimType::InvalidValue, self, "not base64"));
                }
            }
            _ => {}
        }
        Ok(true)
    }

    /// The service writes the `$ref` of its own resources from the `value` beside it, so that it is
    /// always right; one that a client sent is not kept.
    fn drop_derived_reference(&self, object: &mut Map<String, Value>) {
        let derived = self.sub_attributes().iter().any(|sub| sub.definition().is_resource_reference());
        if derived && object.contains_key("value") {
            object.remove("$ref");
        }
    }

    /// Puts a canonical value where the attribute lives, making the objects around it.
    fn insert(&self, resource: &mut Map<String, Value>, value: Value) -> Result<(), Violation> {
        let wrong = || Violation::new(ScimType::InvalidValue, self, "the attribute around it is not an object");
        let object = match self.extension() {
            None => resource,
            Some(uri) => resource
                .entry(uri)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut()
                .ok_or_else(wrong)?,
        };
        let Some(sub) = self.sub() else { return insert_once(object, self.attribute().name(), value) };
        let parent = object
            .entry(self.attribute().name())
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
            .ok_or_else(wrong)?;
        insert_once(parent, sub.name(), value)
    }
}

fn normalize_writable(target: &Target, value: &mut Value, reading: &mut Reading<'_>) -> Result<bool, Violation> {
    let read_only = target.definition().mutability() == Mutability::ReadOnly;
    Ok(!read_only && target.normalize(value, reading)?)
}

fn normalize_extension(
    extension: Extension<'_>,
    value: &mut Value,
    reading: &mut Reading<'_>,
) -> Result<bool, Violation> {
    let uri = extension.schema().id();
    match value {
        Value::Null => Ok(false),
        Value::Object(object) => {
            normalize_members(extension.attributes(), object, &uri, reading)?;
            Ok(!object.is_empty())
        }
        _ => Err(Violation::new(ScimType::InvalidValue, uri, "an extension must be an object")),
    }
}

/// The members of an extension object or of a complex value.
pub(crate) fn normalize_members(
    targets: &[Target],
    object: &mut Map<String, Value>,
    owner: &dyn Display,
    reading: &mut Reading<'_>,
) -> Result<(), Violation> {
    let mut strays = Vec::new();
    for (key, value) in object.iter_mut() {
        let keep = match targets.iter().find(|target| target.definition().name() == key) {
            Some(target) => normalize_writable(target, value, reading)?,
            None => false,
        };
        if !keep {
            strays.push(key.clone());
        }
    }
    for key in strays {
        let Some(mut value) = object.remove(&key) else { continue };
        let target = find(targets, &key, |target| target.definition().name());
        let target = match target {
            None if key.eq_ignore_ascii_case("displayName") => {
                let display = find(targets, "display", |target| target.definition().name());
                display.filter(|_| reading.tolerates(Quirk::DisplayNameForDisplay, owner))
            }
            found => found,
        };
        match target {
            Some(target) if target.definition().name() == key => {}
            Some(target) => {
                if normalize_writable(target, &mut value, reading)? {
                    insert_once(object, target.definition().name(), value)?;
                }
            }
            None if value.is_null() => {}
            None => unknown(format_args!("{owner}.{key}"), reading)?,
        }
    }
    Ok(())
}

fn insert_once(object: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Violation> {
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Violation::new(ScimType::InvalidSyntax, name, "the attribute is there twice")),
    }
}

fn unknown(path: impl Display, reading: &mut Reading<'_>) -> Result<(), Violation> {
    if reading.tolerates(Quirk::UnknownAttribute, &path) {
        return Ok(());
    }
    Err(Violation::new(ScimType::InvalidSyntax, path, "the resource type has no such attribute"))
}

/// Whether a value is the same as no value: null, `[]`, or an object of such (RFC 7643 section 2.5).
///
/// ```
/// use serde_json::json;
///
/// assert!(scim_schema::is_unassigned(&json!({ "a": null, "b": [] })));
/// assert!(!scim_schema::is_unassigned(&json!("")) && !scim_schema::is_unassigned(&json!(false)));
/// ```
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().all(is_unassigned),
        Value::Object(object) => object.values().all(is_unassigned),
        _ => false,
    }
}

/// Base64 or base64url, padded or not (RFC 7643 section 2.3.6).
fn is_base64(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    data.len() % 4 != 1
        && (padding == 0 || (padding <= 2 && text.len() % 4 == 0))
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}
