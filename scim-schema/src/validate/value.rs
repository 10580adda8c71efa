//! Whether a value in canonical form conforms to the definition of its attribute.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::attribute_ref::AttributeRefs;
use crate::{AttributeRef, Instant, Mutability, ScimType, Type, Violation, is_unassigned};

impl AttributeRef {
    /// Checks a canonical value of this attribute, as [`ResourceType::validate`](crate::ResourceType::validate) does for each.
    ///
    /// # Errors
    ///
    /// `invalidValue`, naming the attribute or sub-attribute.
    #[inline]
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        // Most values are any text or truth value, so this is not worth a call.
        if self.is_plain(value) && self.takes_any() { Ok(()) } else { self.validate_fully(value) }
    }

    fn validate_fully(&self, value: &Value) -> Result<(), Violation> {
        if !self.definition().is_multi_valued() {
            return self.validate_single(value);
        }
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        let Value::Array(list) = value else { return wrong("must be a list") };
        list.iter().try_for_each(|element| self.validate_single(element))?;
        if self.holds_members()
            && list.iter().any(|element| !element.get("value").is_some_and(Value::is_string))
        {
            return wrong("each element must have a `value`, the id of a resource");
        }
        let is_primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
        if list.len() > 1 && list.iter().filter(is_primary).nth(1).is_some() {
            return wrong("at most one element can be primary");
        }
        Ok(())
    }

    /// Checks one value: of a singular attribute, or an element of a list.
    ///
    /// # Errors
    ///
    /// As for [`validate`](Self::validate).
    pub fn validate_single(&self, value: &Value) -> Result<(), Violation> {
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        match (self.definition().data_type(), value) {
            (Type::String | Type::Reference | Type::Binary, Value::String(text)) => self.validate_text(text),
            (Type::Boolean, Value::Bool(_)) | (Type::Decimal, Value::Number(_)) => Ok(()),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
            (Type::DateTime, Value::String(text)) if Instant::parse(text).is_some() => Ok(()),
            (Type::Complex, Value::Object(object)) => self.validate_object(object),
            (Type::String, _) => wrong("must be a string"),
            (Type::Boolean, _) => wrong("must be true or false"),
            (Type::Decimal, _) => wrong("must be a number"),
            (Type::Integer, _) => wrong("must be a whole number"),
            (Type::DateTime, _) => wrong("must be a date and time such as \"2024-05-17T08:30:00Z\""),
            (Type::Reference, _) => wrong("must be a URI in a string"),
            (Type::Binary, _) => wrong("must be base64 in a string"),
            (Type::Complex, _) if self.definition().is_multi_valued() => {
                wrong("each element must be an object")
            }
            (Type::Complex, _) => wrong("must be an object"),
        }
    }

    fn validate_text(&self, text: &str) -> Result<(), Violation> {
        let definition = self.definition();
        let wrong = |reason: String| Err(Violation::new(ScimType::InvalidValue, self, reason));
        if definition.is_required() && text.trim().is_empty() {
            return wrong("is required and must not be blank".to_owned());
        }
        if self.is_resource_id() && text.trim().is_empty() {
            return wrong("must be the id of a resource, not an empty text".to_owned());
        }
        if text.len() > self.max_text() {
            return wrong(format!("is longer than {} bytes", self.max_text()));
        }
        if let Some(max) = definition.max_length()
            && text.len() > max
            && text.chars().count() > max
        {
            return wrong(format!("is longer than {max} characters"));
        }
        if definition.is_only_canonical() {
            let rule = self.comparison();
            let folded = rule.fold(text);
            if !definition.canonical_values().iter().any(|canonical| rule.fold(canonical) == folded) {
                return wrong(format!("must be one of {}", definition.canonical_values().join(", ")));
            }
        }
        Ok(())
    }

    fn validate_object(&self, object: &Map<String, Value>) -> Result<(), Violation> {
        validate_members(self.subs(), object, false, |name, _| Err(unknown(&format_args!("{self}.{name}"))))
    }
}

/// Checks each member, and that every required one is there; calls back for unknown ones.
pub(super) fn validate_members(
    targets: &AttributeRefs,
    object: &Map<String, Value>,
    stored: bool,
    unknown: impl Fn(&str, &Value) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let mut lookup = targets.lookup();
    let mut required = 0;
    for (name, value) in object {
        match lookup(name) {
            Some(target) => {
                target.validate(value)?;
                required += usize::from(target.must_be_given() && !is_unassigned(value));
            }
            None => unknown(name, value)?,
        }
    }
    if required == targets.required().len() {
        return Ok(());
    }
    for target in targets.required() {
        let secret = stored && target.definition().mutability() == Mutability::WriteOnly;
        if !secret && object.get(target.name()).is_none_or(is_unassigned) {
            return Err(missing(target));
        }
    }
    Ok(())
}

pub(super) fn missing(path: &dyn Display) -> Violation {
    Violation::new(ScimType::InvalidValue, path, "is required")
}

pub(super) fn unknown(path: &dyn Display) -> Violation {
    Violation::new(ScimType::InvalidValue, path, "the resource type has no such attribute")
}
