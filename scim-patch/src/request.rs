//! The wire form of a PATCH (RFC 7644 section 3.5.2).

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// The URI of the PatchOp message schema.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A PATCH request as it was sent: the operations, with paths that are not resolved yet.
///
/// Serializes to the message that a client sends.
///
/// ```
/// use scim_patch::{Op, Operation, PATCH_OP, PatchRequest};
/// use serde_json::json;
///
/// let operation = Operation { op: Op::Replace, path: Some("active".to_owned()), value: Some(json!(false)) };
/// let request = PatchRequest { operations: vec![operation] };
/// assert_eq!(serde_json::to_value(&request).unwrap(), json!({
///     "schemas": [PATCH_OP],
///     "Operations": [{ "op": "replace", "path": "active", "value": false }]
/// }));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct PatchRequest {
    /// The operations, in order.
    pub operations: Vec<Operation>,
}

/// One operation of a PATCH request.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The operation to perform.
    pub op: Op,
    /// The attribute path, or `None` to name the attributes by the keys of `value`.
    pub path: Option<String>,
    /// The value; JSON null is a value too (`Some(Value::Null)`).
    pub value: Option<Value>,
}

/// The kind of an operation.
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
    /// All kinds of operations.
    pub const ALL: &[Op] = &[Self::Add, Self::Remove, Self::Replace];

    /// The keyword that a request uses.
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

impl Serialize for PatchRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_map(Some(2))?;
        message.serialize_entry("schemas", &[PATCH_OP])?;
        message.serialize_entry("Operations", &self.operations)?;
        message.end()
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operation = serializer.serialize_map(None)?;
        operation.serialize_entry("op", self.op.as_str())?;
        if let Some(path) = &self.path {
            operation.serialize_entry("path", path)?;
        }
        if let Some(value) = &self.value {
            operation.serialize_entry("value", value)?;
        }
        operation.end()
    }
}
