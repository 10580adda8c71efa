//! Required values are judged on the resource as it is when all operations are done.

use scim_schema::{AttributeRef, Mutability, ScimType};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::error::Result;
use crate::step::Step;

/// Refuses the result if a required value is missing. An operation may remove one and another add it again.
pub(super) fn check_required(
    target: &AttributeRef,
    steps: &[Step],
    object: &Map<String, Value>,
) -> Result<()> {
    check_not_missing(target, steps, object)?;
    let mut needed = target.sub_attributes().iter().filter(|sub| is_needed(sub)).peekable();
    if needed.peek().is_none() {
        return Ok(());
    }
    let Some(value) = object.get(target.attribute().name()) else { return Ok(()) };
    let elements = match value {
        Value::Array(list) => list.as_slice(),
        value => std::slice::from_ref(value),
    };
    for sub in needed {
        if elements.iter().any(|element| element.get(sub.definition().name()).is_none()) {
            return Err(missing_error(sub, Some(sub.definition().name()), steps));
        }
    }
    Ok(())
}

pub(super) fn check_not_missing(
    target: &AttributeRef,
    steps: &[Step],
    object: &Map<String, Value>,
) -> Result<()> {
    if is_needed(target) && !object.contains_key(target.attribute().name()) {
        return Err(missing_error(target, None, steps));
    }
    Ok(())
}

/// Whether a stored resource must have a value for it. What is `writeOnly` is stored elsewhere.
pub(super) fn is_needed(target: &AttributeRef) -> bool {
    let definition = target.definition();
    definition.is_required()
        && !matches!(definition.mutability(), Mutability::ReadOnly | Mutability::WriteOnly)
}

/// The error for a required value that is missing: because an operation removed it, or because none set it.
pub(super) fn missing_error(target: &AttributeRef, sub: Option<&str>, steps: &[Step]) -> PatchError {
    let removing =
        steps.iter().rev().find(|step| target.attribute() == step.target.attribute() && step.removes(sub));
    match (removing, steps.last()) {
        (Some(step), _) => PatchError::new(ScimType::Mutability, target, "is required and cannot be removed")
            .at(step.operation),
        (None, Some(step)) => {
            PatchError::new(ScimType::InvalidValue, target, "is required").at(step.operation)
        }
        (None, None) => PatchError::new(ScimType::InvalidValue, target, "is required"),
    }
}
