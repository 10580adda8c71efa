//! Whether a resource in canonical form conforms to its resource type.

use serde_json::{Map, Value};

use crate::resource_type::{ResourceType, Section};
use crate::target::Target;
use crate::{Attribute, Instant, Mutability, ScimType, Type, Violation};

impl ResourceType {
    /// Checks a resource in canonical form: types, required attributes, canonical values where only
    /// those are allowed, at most one primary element, and that no immutable value changed from
    /// `before` (RFC 7643 sections 2.2 to 2.4 and 7).
    ///
    /// Changes nothing. `readOnly` attributes need not be there; if they are, their types are
    /// checked too, so that it serves for what a provider returns as well. A required `writeOnly`
    /// attribute must be there only when there is no `before`, since it is never read back.
    ///
    /// # Errors
    ///
    /// The first violation: `invalidValue`, or `mutability` for an immutable value that changed.
    pub fn validate(&self, next: &Map<String, Value>, before: Option<&Map<String, Value>>) -> Result<(), Violation> {
        let mut known = 0;
        for (index, section) in self.sections().iter().enumerate() {
            let object = if index == 0 {
                next
            } else {
                match next.get(section.schema.id()) {
                    None if section.required => return Err(missing(section.schema.id())),
                    None => continue,
                    Some(Value::Object(object)) => {
                        known += 1;
                        object
                    }
                    Some(_) => return Err(Violation::new(ScimType::InvalidValue, section.schema.id(), "must be an object")),
                }
            };
            let valid = section.validate(object, before.is_some())?;
            if index == 0 {
                known += valid;
            } else if valid != object.len() {
                return Err(stray(object, |key| section.attributes.iter().any(|t| t.attribute().name() == key)));
            }
        }
        if known != next.len() {
            return Err(stray(next, |key| {
                self.attributes().any(|t| t.attribute().name() == key)
                    || self.extensions().any(|e| e.schema().id() == key)
            }));
        }
        match before {
            Some(before) => self.immutable_unchanged(next, before),
            None => Ok(()),
        }
    }

    fn immutable_unchanged(&self, next: &Map<String, Value>, before: &Map<String, Value>) -> Result<(), Violation> {
        for target in self.all_attributes() {
            let fixed = target.definition().mutability() == Mutability::Immutable;
            if fixed {
                unchanged(target, target.get(before), target.get(next))?;
            } else if !target.definition().is_multi_valued() {
                // The elements of a list come and go; what is fixed in each is decided by its key.
                for sub in target.sub_attributes() {
                    if sub.definition().mutability() == Mutability::Immutable {
                        unchanged(sub, sub.values(before).next(), sub.values(next).next())?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn unchanged(target: &Target, before: Option<&Value>, next: Option<&Value>) -> Result<(), Violation> {
    match (before, next) {
        (Some(before), next) if !next.is_some_and(|next| target.same_value(before, next)) => {
            Err(Violation::new(ScimType::Mutability, target, "an immutable value cannot be changed"))
        }
        _ => Ok(()),
    }
}

impl Section {
    /// Validates the members that the section defines; how many there are.
    fn validate(&self, object: &Map<String, Value>, stored: bool) -> Result<usize, Violation> {
        let mut known = 0;
        for (key, value) in object {
            if let Some(target) = self.attributes.iter().find(|target| target.attribute().name() == key) {
                target.validate(value)?;
                known += 1;
            }
        }
        for target in &self.attributes {
            let attribute = target.attribute();
            if attribute.is_required()
                && attribute.mutability() != Mutability::ReadOnly
                && !(stored && attribute.mutability() == Mutability::WriteOnly)
                && !object.contains_key(attribute.name())
            {
                return Err(missing(target.path().as_str()));
            }
        }
        Ok(known)
    }
}

impl Target {
    /// Checks a canonical value of this attribute, as [`ResourceType::validate`] does for each.
    ///
    /// # Errors
    ///
    /// `invalidValue`, naming the attribute or sub-attribute.
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        if !self.definition().is_multi_valued() {
            return self.validate_one(value);
        }
        let Value::Array(list) = value else { return wrong("must be a list") };
        let mut primary = false;
        for element in list {
            self.validate_one(element)?;
            if element.get("primary") == Some(&Value::Bool(true)) && std::mem::replace(&mut primary, true) {
                return wrong("at most one element can be primary");
            }
        }
        Ok(())
    }

    /// Checks one value: of a singular attribute, or an element of a list.
    ///
    /// # Errors
    ///
    /// As for [`validate`](Self::validate).
    pub fn validate_one(&self, value: &Value) -> Result<(), Violation> {
        let definition = self.definition();
        let wrong = |reason: &str| Err(Violation::new(ScimType::InvalidValue, self, reason));
        match (definition.data_type(), value) {
            (Type::String, Value::String(text)) => self.validate_text(definition, text),
            (Type::Boolean, Value::Bool(_)) | (Type::Decimal, Value::Number(_)) => Ok(()),
            (Type::Binary, Value::String(_)) => Ok(()),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
            (Type::DateTime, Value::String(text)) if Instant::parse(text).is_some() => Ok(()),
            (Type::Reference, Value::String(text)) if text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
                wrong("a URI holds no blanks")
            }
            (Type::Reference, Value::String(_)) => Ok(()),
            (Type::Complex, Value::Object(object)) => self.validate_members(object),
            (Type::String, _) => wrong("must be a string"),
            (Type::Boolean, _) => wrong("must be true or false"),
            (Type::Decimal, _) => wrong("must be a number"),
            (Type::Integer, _) => wrong("must be a whole number"),
            (Type::DateTime, _) => wrong("must be a date and time such as \"2024-05-17T08:30:00Z\""),
            (Type::Reference, _) => wrong("must be a URI in a string"),
            (Type::Binary, _) => wrong("must be base64 in a string"),
            (Type::Complex, _) => wrong("must be an object"),
        }
    }

    fn validate_text(&self, definition: &Attribute, text: &str) -> Result<(), Violation> {
        let wrong = |reason: String| Err(Violation::new(ScimType::InvalidValue, self, reason));
        if definition.is_required() && text.trim().is_empty() {
            return wrong("is required and must not be blank".to_owned());
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

    fn validate_members(&self, object: &Map<String, Value>) -> Result<(), Violation> {
        for (key, value) in object {
            match self.sub_attributes().iter().find(|sub| sub.definition().name() == key) {
                Some(sub) => sub.validate(value)?,
                None => {
                    let path = format_args!("{self}.{key}");
                    return Err(Violation::new(ScimType::InvalidValue, path, "there is no such sub-attribute"));
                }
            }
        }
        for sub in self.sub_attributes() {
            let definition = sub.definition();
            if definition.is_required()
                && definition.mutability() != Mutability::ReadOnly
                && !object.contains_key(definition.name())
            {
                return Err(missing(sub.path().as_str()));
            }
        }
        Ok(())
    }

    /// Whether two values of this attribute are the same: sub-attributes by their own rules, lists
    /// in any order, and without regard to what the service fills in (`$ref`).
    pub fn same_value(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| self.same_value(x, y)))
            }
            (Value::Object(a), Value::Object(b)) if self.is_complex() => {
                self.sub_attributes().iter().filter(|sub| !sub.definition().is_resource_reference()).all(|sub| {
                    match (a.get(sub.definition().name()), b.get(sub.definition().name())) {
                        (Some(a), Some(b)) => sub.same_value(a, b),
                        (None, None) => true,
                        _ => false,
                    }
                })
            }
            _ => self.comparison().same(a, b),
        }
    }
}

fn missing(path: &str) -> Violation {
    Violation::new(ScimType::InvalidValue, path, "is required")
}

fn stray(object: &Map<String, Value>, known: impl Fn(&str) -> bool) -> Violation {
    let key = object.keys().find(|key| !known(key)).map(String::as_str).unwrap_or_default();
    Violation::new(ScimType::InvalidValue, key, "the resource type has no such attribute")
}
