//! Checks a resource in canonical form against its resource type.

use serde_json::{Map, Value};

use super::value::{missing, unknown, validate_members};
use crate::{AttributeRef, Extension, ResourceType, ScimType, Violation};

impl ResourceType {
    /// Checks that a resource in canonical form conforms to this resource type (RFC 7643 sections 2.2 to 2.4
    /// and 7).
    ///
    /// It checks the types of all values, that required attributes are present, that values are canonical
    /// where only canonical values are allowed, and that a list has at most one primary element. With
    /// `before`, the stored resource, it also checks that no immutable value has changed.
    ///
    /// `readOnly` attributes may be missing; if they are present, their types are checked too. A required
    /// `writeOnly` attribute must be present only if `before` is `None`, because a store never returns it.
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

    /// Checks the members. If `stored`, required `writeOnly` attributes may be missing.
    fn validate_members(&self, resource: &Map<String, Value>, stored: bool) -> Result<(), Violation> {
        let core = &self.core().attributes;
        validate_members(core, resource, stored, |key, value| {
            let Some(extension) = self.extensions().find(|extension| extension.schema().id() == key) else {
                return Err(unknown(&key));
            };
            let Value::Object(object) = value else {
                return Err(Violation::new(ScimType::InvalidValue, key, "must be an object"));
            };
            validate_members(extension.attribute_refs(), object, stored, |name, _| {
                Err(unknown(&format_args!("{key}:{name}")))
            })
        })?;
        let mut required = self.extensions().filter(Extension::is_required);
        match required.find(|extension| !resource.contains_key(extension.schema().id())) {
            Some(extension) => Err(missing(&extension.schema().id())),
            None => Ok(()),
        }
    }
}

/// Checks that an immutable value has not changed since it was first set.
fn unchanged(
    target: &AttributeRef,
    before: &Map<String, Value>,
    next: &Map<String, Value>,
) -> Result<(), Violation> {
    let value = |resource| target.object_with_member(resource).and_then(|object| object.get(target.name()));
    match (value(before), value(next)) {
        (Some(before), Some(next)) if target.values_equal(before, next) => Ok(()),
        (None, _) => Ok(()),
        _ => Err(Violation::new(ScimType::Mutability, target, "an immutable value cannot be changed")),
    }
}
