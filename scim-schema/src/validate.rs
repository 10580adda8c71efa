//! Whether a resource in canonical form conforms to its resource type.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::resource_type::{Extension, ResourceType};
use crate::target::Target;
use crate::targets::Targets;
use crate::value::is_unassigned;
use crate::{Instant, Mutability, ScimType, Type, Violation};

impl ResourceType {
    /// Checks a resource in canonical form: types, required attributes, canonical values where only
    /// those are allowed, at most one primary element, and that no immutable value changed from
    /// `before` (RFC 7643 sections 2.2 to 2.4 and 7).
    ///
    /// Changes nothing. `readOnly` attributes need not be there; if they are, their types are
    /// checked too. A required `writeOnly` attribute must be there only when there is no `before`,
    /// since it is never read back.
    ///
    /// # Errors
    ///
    /// The first violation: `invalidValue`, or `mutability` for an immutable value that changed.
    pub fn validate(
        &self,
        next: &Map<String, Value>,
        before: Option<&Map<String, Value>>,
    ) -> Result<(), Violation> {
        self.validate_members(next, before.is_some())?;
        if let Some(before) = before {
            for target in self.immutable() {
                unchanged(target, before, next)?;
            }
        }
        Ok(())
    }

    /// Checks what a provider returns: as [`validate`](Self::validate), and that there is an `id`
    /// that no bulk request can take for one of its own (RFC 7643 section 3.1).
    ///
    /// For the tests of a provider; a service trusts its own.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let user = scim_schema::standard::user_type();
    /// let returned = json!({ "id": "42", "schemas": [scim_schema::standard::USER], "userName": 7 });
    /// let violation = user.validate_returned(returned.as_object().unwrap()).unwrap_err();
    /// assert_eq!(violation.to_string(), "`userName`: must be a string");
    /// ```
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn validate_returned(&self, resource: &Map<String, Value>) -> Result<(), Violation> {
        self.validate_members(resource, true)?;
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        if id.trim().is_empty() || id.contains("bulkId") {
            let reason = "must be there, and must not contain \"bulkId\"";
            return Err(Violation::new(ScimType::InvalidValue, "id", reason));
        }
        Ok(())
    }

    /// Checks the members; of a resource that is `stored`, secrets are not expected.
    fn validate_members(&self, resource: &Map<String, Value>, stored: bool) -> Result<(), Violation> {
        let core = &self.core().attributes;
        validate_members(core, resource, stored, |key, value| {
            let Some(extension) = self.extensions().find(|extension| extension.schema().id() == key) else {
                return Err(stray(&key));
            };
            let Value::Object(object) = value else {
                return Err(Violation::new(ScimType::InvalidValue, key, "must be an object"));
            };
            validate_members(extension.targets(), object, stored, |name, _| {
                Err(stray(&format_args!("{key}:{name}")))
            })
        })?;
        let mut required = self.extensions().filter(Extension::is_required);
        match required.find(|extension| !resource.contains_key(extension.schema().id())) {
            Some(extension) => Err(missing(&extension.schema().id())),
            None => Ok(()),
        }
    }
}

/// Checks each member, and that every required one is there; calls back for unknown ones.
fn validate_members(
    targets: &Targets,
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

impl Target {
    /// Checks a canonical value of this attribute, as [`ResourceType::validate`] does for each.
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
            return self.validate_one(value);
        }
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        let Value::Array(list) = value else { return wrong("must be a list") };
        list.iter().try_for_each(|element| self.validate_one(element))?;
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
    pub fn validate_one(&self, value: &Value) -> Result<(), Violation> {
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
        validate_members(self.subs(), object, false, |name, _| Err(stray(&format_args!("{self}.{name}"))))
    }
}

/// Whether an immutable value that was there is still the same.
fn unchanged(
    target: &Target,
    before: &Map<String, Value>,
    next: &Map<String, Value>,
) -> Result<(), Violation> {
    let value = |resource| target.holder(resource).and_then(|object| object.get(target.name()));
    match (value(before), value(next)) {
        (Some(before), Some(next)) if target.same_value(before, next) => Ok(()),
        (None, _) => Ok(()),
        _ => Err(Violation::new(ScimType::Mutability, target, "an immutable value cannot be changed")),
    }
}

fn missing(path: &dyn Display) -> Violation {
    Violation::new(ScimType::InvalidValue, path, "is required")
}

fn stray(path: &dyn Display) -> Violation {
    Violation::new(ScimType::InvalidValue, path, "the resource type has no such attribute")
}
