//! The state while one operation is resolved, and the checks that apply to the value of any attribute.

use std::fmt;

use scim_schema::internal::StrictJson;
use scim_schema::{AttributeRef, Quirk, ReadContext, ResourceType, ScimType};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::step::{Action, Step};
use crate::{Op, PatchError, PatchLimits};

/// Resolves one operation.
pub(super) struct Resolver<'a, 'r> {
    pub(super) resource_type: &'a ResourceType,
    pub(super) limits: &'a PatchLimits,
    pub(super) read_context: &'a mut ReadContext<'r>,
    /// The index of the operation.
    pub(super) operation: usize,
    pub(super) op: Op,
    /// Whether the keys of the value name attributes, instead of the path.
    pub(super) names_in_value: bool,
    /// Whether the operation removes all attributes of an extension by its URI.
    pub(super) removes_extension: bool,
    pub(super) steps: &'a mut Vec<Step>,
    pub(super) read_attributes: &'a mut Vec<AttributeRef>,
}

impl Resolver<'_, '_> {
    /// Appends a step.
    pub(super) fn push(&mut self, target: &AttributeRef, action: Action) {
        // A step changes a top-level attribute.
        let attribute = if target.sub_attribute_definition().is_some() {
            self.resource_type.parent_attribute(target)
        } else {
            None
        };
        let target = attribute.unwrap_or(target).clone();
        let removes_extension = self.removes_extension;
        self.steps.push(Step { operation: self.operation, target, action, removes_extension });
    }

    /// Records attributes whose stored values decide what the patch does; see
    /// [`Patch::read_attributes`](crate::Patch::read_attributes).
    pub(super) fn record_reads(&mut self, targets: impl IntoIterator<Item = AttributeRef>) {
        for target in targets {
            if !self.read_attributes.contains(&target) {
                self.read_attributes.push(target);
            }
        }
    }

    /// Unpacks a value that a client has sent as JSON text, or under the name of the attribute as in
    /// `{"members": [..]}` for `members`. Refuses lists that are longer than the limit.
    pub(super) fn unpack(&mut self, target: &AttributeRef, mut value: Value) -> Result<Value> {
        if target.is_complex() {
            value = self.unpack_json_text(value, target);
        }
        let name = target.definition().name();
        if let Value::Object(object) = &mut value
            && object.len() == 1
            && target.sub_attribute(name).is_none()
            && object.keys().all(|key| key.eq_ignore_ascii_case(name))
            && self.read_context.allow_quirk(Quirk::WrappedValue, target)
        {
            value = object.values_mut().next().map(Value::take).unwrap_or_default();
        }
        if value.as_array().is_some_and(|list| list.len() > self.limits.values()) {
            let reason = format!(
                "more than {} elements in one value; split them into several requests",
                self.limits.values()
            );
            return Err(PatchError::too_large(target, reason));
        }
        Ok(value)
    }

    /// Parses a string that contains JSON, where only an object or a list is valid.
    pub(super) fn unpack_json_text(&mut self, value: Value, path: impl fmt::Display) -> Value {
        if let Value::String(text) = &value
            && text.trim_start().starts_with(['{', '['])
            && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = StrictJson::read(text.as_bytes())
            && self.read_context.allow_quirk(Quirk::JsonText, path)
        {
            return inner;
        }
        value
    }

    /// Returns the value as an object of attributes, or an error.
    pub(super) fn expect_object(&mut self, value: Option<Value>, path: &str) -> Result<Map<String, Value>> {
        let reason = match value.map(|value| self.unpack_json_text(value, path)) {
            Some(Value::Object(object)) => return Ok(object),
            Some(_) => "must be an object that maps attribute names to values",
            None => "is required; send an object that maps attribute names to values",
        };
        Err(PatchError::new(ScimType::InvalidValue, path, reason))
    }

    /// Refuses an `add` of null unless it is tolerated.
    pub(super) fn allow_null_for_add(&mut self, path: impl fmt::Display) -> Result<()> {
        if self.read_context.allow_quirk(Quirk::AddNothing, &path) {
            return Ok(());
        }
        let reason =
            "an add operation requires a value that is not null; send a remove operation to delete a value";
        Err(PatchError::new(ScimType::InvalidValue, path, reason))
    }

    /// Refuses a `remove` with a value unless it is tolerated.
    pub(super) fn allow_value_for_remove(&mut self, target: &AttributeRef) -> Result<()> {
        if self.read_context.allow_quirk(Quirk::RemoveWithValue, target) {
            return Ok(());
        }
        let reason = "a remove operation takes no `value`; select the values to remove in the path, for example `members[value eq \"..\"]`";
        Err(PatchError::new(ScimType::InvalidValue, target, reason))
    }
}

pub(super) fn missing_value(target: &AttributeRef) -> PatchError {
    PatchError::new(ScimType::InvalidValue, target, "the operation requires a `value`")
}

/// Whether a value means that the attribute is unassigned (RFC 7643 section 2.5).
pub(super) fn is_null_or_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

pub(super) fn without_nulls(members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
