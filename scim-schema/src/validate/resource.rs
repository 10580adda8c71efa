//! Whether a resource in canonical form conforms to its resource type.

use serde_json::{Map, Value};

use super::value::{missing, unknown, validate_members};
use crate::{AttributeRef, Extension, ResourceType, ScimType, Violation};

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

    /// Checks the members; of a resource that is `stored`, secrets are not expected.
    fn validate_members(&self, resource: &Map<String, Value>, stored: bool) -> Result<(), Violation> {
        let core = &self.core().attributes;
        validate_members(core, resource, stored, |key, value| {
            let Some(extension) = self.extensions().find(|extension| extension.schema().id() == key) else {
                return Err(unknown(&key));
            };
            let Value::Object(object) = value else {
                return Err(Violation::new(ScimType::InvalidValue, key, "must be an object"));
            };
            validate_members(extension.targets(), object, stored, |name, _| {
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

/// Whether an immutable value that was there is still the same.
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
