//! Checks a value in canonical form against the definition of its attribute.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::attribute_ref::AttributeRefs;
use crate::{AttributeRef, Instant, Mutability, ScimType, Type, Violation, is_unassigned};

impl AttributeRef {
    /// Checks a value of this attribute in canonical form, as
    /// [`ResourceType::validate`](crate::ResourceType::validate) does for each attribute.
    ///
    /// # Errors
    ///
    /// `invalidValue`, naming the attribute or sub-attribute.
    #[inline]
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        // Most values are strings or booleans without further rules. They are checked here, where the
        // compiler can inline the check.
        if self.is_ordinary_value(value) && self.accepts_any_value() {
            Ok(())
        } else {
            self.validate_fully(value)
        }
    }

    fn validate_fully(&self, value: &Value) -> Result<(), Violation> {
        if !self.definition().is_multi_valued() {
            return self.validate_single(value);
        }
        let invalid = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        let Value::Array(list) = value else { return invalid("must be a list") };
        list.iter().try_for_each(|element| self.validate_single(element))?;
        if self.holds_members()
            && list.iter().any(|element| !element.get("value").is_some_and(Value::is_string))
        {
            return invalid("each element must have a `value`, the id of a resource");
        }
        let is_primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
        if list.len() > 1 && list.iter().filter(is_primary).nth(1).is_some() {
            return invalid("at most one element can be primary");
        }
        Ok(())
    }

    /// Checks the value of a singular attribute, or one element of a list.
    ///
    /// # Errors
    ///
    /// As for [`validate`](Self::validate).
    pub fn validate_single(&self, value: &Value) -> Result<(), Violation> {
        let invalid = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        match (self.definition().data_type(), value) {
            (Type::String | Type::Reference | Type::Binary, Value::String(text)) => self.validate_text(text),
            (Type::Boolean, Value::Bool(_)) | (Type::Decimal, Value::Number(_)) => Ok(()),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
            (Type::DateTime, Value::String(text)) if Instant::parse(text).is_some() => Ok(()),
            (Type::Complex, Value::Object(object)) => self.validate_object(object),
            (Type::String, _) => invalid("must be a string"),
            (Type::Boolean, _) => invalid("must be true or false"),
            (Type::Decimal, _) => invalid("must be a number"),
            (Type::Integer, _) => invalid("must be a whole number"),
            (Type::DateTime, _) => invalid("must be a date and time such as \"2024-05-17T08:30:00Z\""),
            (Type::Reference, _) => invalid("must be a string that holds a URI"),
            (Type::Binary, _) => invalid("must be a string in base64"),
            (Type::Complex, _) if self.definition().is_multi_valued() => {
                invalid("each element must be an object")
            }
            (Type::Complex, _) => invalid("must be an object"),
        }
    }

    fn validate_text(&self, text: &str) -> Result<(), Violation> {
        let definition = self.definition();
        let invalid = |reason: String| Err(Violation::new(ScimType::InvalidValue, self, reason));
        if definition.is_required() && text.trim().is_empty() {
            return invalid("is required and must not be blank".to_owned());
        }
        if self.is_resource_id() && text.trim().is_empty() {
            return invalid("must be the id of a resource, not an empty string".to_owned());
        }
        if text.len() > self.max_text() {
            return invalid(format!("is longer than {} bytes", self.max_text()));
        }
        if let Some(max) = definition.max_length()
            && text.len() > max
            && text.chars().count() > max
        {
            return invalid(format!("is longer than {max} characters"));
        }
        if definition.is_only_canonical() {
            let rule = self.comparison();
            let folded = rule.fold(text);
            if !definition.canonical_values().iter().any(|canonical| rule.fold(canonical) == folded) {
                return invalid(format!("must be one of: {}", definition.canonical_values().join(", ")));
            }
        }
        Ok(())
    }

    fn validate_object(&self, object: &Map<String, Value>) -> Result<(), Violation> {
        validate_members(self.sub_attribute_refs(), object, false, |name, _| {
            Err(unknown(&format_args!("{self}.{name}")))
        })
    }
}

/// Checks each member of an object, and that every required member is present. Calls `unknown` for each member
/// that is not an attribute. If `stored`, required `writeOnly` attributes may be missing.
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
                required += usize::from(target.is_required_from_client() && !is_unassigned(value));
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
