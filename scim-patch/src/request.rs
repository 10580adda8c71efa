//! The wire form of a PATCH (RFC 7644 section 3.5.2).

use std::fmt;

use scim_schema::{Quirk, Reading, ScimType, read_message};
use serde_json::Value;

use crate::{Limits, PatchError};

/// The URI of the PatchOp message schema.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A PATCH request as it was sent: operations with paths that are still text.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// The operations, in order.
    pub operations: Vec<Operation>,
}

/// One operation of a PATCH request.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; `None` stands for the resource.
    pub path: Option<String>,
    /// With what; JSON null is a value.
    pub value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Adds a value, or replaces that of a singular attribute (RFC 7644 section 3.5.2.1).
    Add,
    /// Removes a value (RFC 7644 section 3.5.2.2).
    Remove,
    /// Replaces a value (RFC 7644 section 3.5.2.3).
    Replace,
}

impl Op {
    /// The keyword as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PatchRequest {
    /// Reads a request from the bytes of its body.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is not JSON or not a PatchOp message; too large if it has more
    /// operations, or values in one, than the limits allow.
    pub fn parse(body: &[u8], limits: &Limits, reading: &mut Reading<'_>) -> Result<Self, PatchError> {
        let value = serde_json::from_slice(body)
            .map_err(|error| PatchError::new(ScimType::InvalidSyntax, "", format!("not JSON: {error}")))?;
        Self::from_value(value, limits, reading)
    }

    /// Reads a request from its JSON value.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_value(message: Value, limits: &Limits, reading: &mut Reading<'_>) -> Result<Self, PatchError> {
        let wrong = |reason: &str| Err(PatchError::new(ScimType::InvalidSyntax, "Operations", reason));
        let mut message = read_message(message, Some(PATCH_OP), &["Operations"], reading)?;
        let operations = match message.remove("Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            Some(Value::Array(_)) => return wrong("must have at least one operation"),
            Some(_) => return wrong("must be an array"),
            None => return wrong("is required"),
        };
        if operations.len() > limits.operations {
            let reason = format!("more than {} operations", limits.operations);
            return Err(PatchError::too_large("Operations", reason));
        }
        let mut read = Vec::with_capacity(operations.len());
        for (index, operation) in operations.into_iter().enumerate() {
            reading.at_operation(Some(index));
            read.push(Operation::from_value(operation, limits, reading).map_err(|error| error.at(index))?);
        }
        reading.at_operation(None);
        Ok(Self { operations: read })
    }
}

impl Operation {
    fn from_value(operation: Value, limits: &Limits, reading: &mut Reading<'_>) -> Result<Self, PatchError> {
        let wrong = |path: &str, reason: &str| Err(PatchError::new(ScimType::InvalidSyntax, path, reason));
        let mut operation = read_message(operation, None, &["op", "path", "value"], reading)?;
        let op = match operation.remove("op") {
            Some(Value::String(text)) => read_op(&text, reading)?,
            Some(_) => return wrong("op", "must be a string"),
            None => return wrong("op", "is required: add, remove or replace"),
        };
        let path = match operation.remove("path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => return Err(PatchError::new(ScimType::InvalidPath, "path", "must be a string")),
        };
        let value = operation.remove("value");
        if value.as_ref().and_then(Value::as_array).is_some_and(|list| list.len() > limits.values) {
            return Err(PatchError::too_large("value", format!("more than {} elements", limits.values)));
        }
        Ok(Self { op, path, value })
    }
}

fn read_op(text: &str, reading: &mut Reading<'_>) -> Result<Op, PatchError> {
    let all = [Op::Add, Op::Remove, Op::Replace];
    if let Some(op) = all.into_iter().find(|op| op.as_str() == text) {
        return Ok(op);
    }
    match all.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(text)) {
        Some(op) if reading.tolerates(Quirk::OperationCase, "op") => Ok(op),
        _ => {
            let reason = format!("`{}` is not an operation; send add, remove or replace", text.escape_debug());
            Err(PatchError::new(ScimType::InvalidSyntax, "op", reason))
        }
    }
}
