//! Reading the message, and what real clients do to it.

use scim_schema::{Quirk, Reading, ScimType, UniqueNames};
use serde::de::DeserializeSeed;
use serde_json::Value;

use crate::error::{Result, shortened};
use crate::{Limits, Op, Operation, PATCH_OP, PatchError, PatchRequest};

impl PatchRequest {
    /// Reads a request from the bytes of its body.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is not JSON or not a PatchOp message; too large if it has more
    /// operations than the limits allow.
    pub fn parse(body: &[u8], limits: &Limits, reading: &mut Reading<'_>) -> Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let message = UniqueNames.deserialize(&mut json).and_then(|message| json.end().map(|()| message));
        Self::from_value(message.map_err(|error| wrong("", format!("not JSON: {error}")))?, limits, reading)
    }

    /// Reads a request from its JSON value.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_value(message: Value, limits: &Limits, reading: &mut Reading<'_>) -> Result<Self> {
        let [schemas, operations] = members(message, ["schemas", "Operations"], reading)?;
        let listed = schemas.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_patch = |uri: &Value| uri.as_str().is_some_and(|uri| uri.eq_ignore_ascii_case(PATCH_OP));
        if !listed.iter().any(is_patch) && !reading.tolerates(Quirk::MessageSchemas, "schemas") {
            return Err(wrong("schemas", format!("must list {PATCH_OP}")));
        }
        let operations = match operations {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            Some(Value::Array(_)) => return Err(wrong("Operations", "must have at least one operation")),
            Some(_) => return Err(wrong("Operations", "must be an array")),
            None => return Err(wrong("Operations", "is required")),
        };
        if operations.len() > limits.operations {
            let reason = format!("more than {} operations; send fewer at a time", limits.operations);
            return Err(PatchError::too_large("Operations", reason));
        }
        let read = operations.into_iter().enumerate().map(|(index, operation)| {
            reading.at_operation(Some(index));
            Operation::from_value(operation, reading).map_err(|error| error.at(index))
        });
        let operations = read.collect::<Result<_>>()?;
        reading.at_operation(None);
        Ok(Self { operations })
    }
}

impl Operation {
    fn from_value(operation: Value, reading: &mut Reading<'_>) -> Result<Self> {
        let [op, path, value] = members(operation, ["op", "path", "value"], reading)?;
        let op = match op {
            Some(Value::String(text)) => read_op(&text, reading)?,
            Some(_) => return Err(wrong("op", "must be a string: add, remove or replace")),
            None => return Err(wrong("op", "is required: add, remove or replace")),
        };
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => return Err(PatchError::new(ScimType::InvalidPath, "path", "must be a string")),
        };
        Ok(Self { op, path, value })
    }
}

fn read_op(text: &str, reading: &mut Reading<'_>) -> Result<Op> {
    if let Some(op) = Op::ALL.iter().find(|op| op.as_str() == text) {
        return Ok(*op);
    }
    match Op::ALL.iter().find(|op| op.as_str().eq_ignore_ascii_case(text)) {
        Some(op) if reading.tolerates(Quirk::OperationCase, "op") => Ok(*op),
        _ => {
            let reason = format!("`{}` is not an operation; send add, remove or replace", shortened(text));
            Err(wrong("op", reason))
        }
    }
}

/// The members of a message, by their names; the names are all that it may have.
fn members<const N: usize>(
    message: Value,
    names: [&str; N],
    reading: &mut Reading<'_>,
) -> Result<[Option<Value>; N]> {
    let Value::Object(message) = message else { return Err(wrong("", "must be a JSON object")) };
    let mut found = [const { None }; N];
    for (name, value) in message {
        let Some(place) = place(&name, &names, reading)? else { continue };
        if let Some(slot) = found.get_mut(place)
            && slot.replace(value).is_some()
        {
            return Err(wrong(&name, "the member is there twice"));
        }
    }
    Ok(found)
}

/// Which of the names is meant; `None` if it is foreign and that is tolerated.
fn place(given: &str, names: &[&str], reading: &mut Reading<'_>) -> Result<Option<usize>> {
    if let Some(place) = names.iter().position(|name| *name == given) {
        return Ok(Some(place));
    }
    match names.iter().position(|name| name.eq_ignore_ascii_case(given)) {
        Some(place) if reading.tolerates(Quirk::MemberCase, shortened(given)) => Ok(Some(place)),
        None if reading.tolerates(Quirk::ForeignMember, shortened(given)) => Ok(None),
        _ => Err(wrong(given, format!("is not a member of the message; send {}", names.join(", ")))),
    }
}

fn wrong(path: &str, reason: impl Into<String>) -> PatchError {
    PatchError::new(ScimType::InvalidSyntax, path, reason)
}
