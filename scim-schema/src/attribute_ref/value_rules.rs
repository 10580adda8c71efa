//! The characteristics of an attribute that are needed for every value, in a form that is fast to read.

use serde_json::Value;

use crate::{Attribute, Mutability, Type};

/// The answers to what normalization and validation ask about an attribute for every value, computed once.
pub(super) struct ValueRules {
    pub(super) read_only: bool,
    /// Whether a client must send a value.
    pub(super) is_required_from_client: bool,
    /// Whether every value of the right JSON type is valid.
    pub(super) accepts_any_value: bool,
    /// The JSON type of its value, if it is singular and of a type that JSON writes as a string or a boolean.
    json_type: Option<JsonType>,
    /// The maximum length of a string in bytes.
    pub(super) max_text: usize,
    /// Whether it is the id of a resource, which must not be empty.
    pub(super) is_id: bool,
}

/// The JSON types that [`ValueRules::is_ordinary_value`] knows.
#[derive(PartialEq)]
enum JsonType {
    String,
    Boolean,
}

impl ValueRules {
    pub(super) fn new(definition: &Attribute, max_text: usize, is_id: bool) -> Self {
        let read_only = definition.mutability() == Mutability::ReadOnly;
        let json_type = match definition.data_type() {
            Type::String | Type::DateTime => Some(JsonType::String),
            Type::Boolean => Some(JsonType::Boolean),
            _ => None,
        };
        let has_further_rules = is_id
            || definition.is_required()
            || definition.is_only_canonical()
            || definition.max_length().is_some();
        // Binary data and URIs can be long, so only the limit of the request body applies. If the host sets a
        // maximum length, that one applies instead.
        let is_unlimited = matches!(definition.data_type(), Type::Binary | Type::Reference)
            || definition.max_length().is_some();
        Self {
            max_text: if is_unlimited { usize::MAX } else { max_text },
            is_id,
            read_only,
            is_required_from_client: definition.is_required() && !read_only,
            accepts_any_value: matches!(definition.data_type(), Type::String | Type::Boolean)
                && !has_further_rules,
            json_type: json_type.filter(|_| !definition.is_multi_valued()),
        }
    }

    /// See [`AttributeRef::is_ordinary_value`](super::AttributeRef::is_ordinary_value).
    pub(super) fn is_ordinary_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.json_type == Some(JsonType::String) && text.len() <= self.max_text,
            Value::Bool(_) => self.json_type == Some(JsonType::Boolean),
            _ => false,
        }
    }
}
