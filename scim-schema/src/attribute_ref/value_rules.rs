//! What normalising and validating ask of a definition for each value.

use serde_json::Value;

use crate::{Attribute, Mutability, Type};

/// What normalising and validating ask of each definition for each value, worked out once.
pub(super) struct ValueRules {
    pub(super) read_only: bool,
    /// Whether a client must give it a value.
    pub(super) is_required_from_client: bool,
    /// Whether every value of the right JSON type is valid.
    pub(super) accepts_any_value: bool,
    /// The JSON type of its values, if it holds one value and this is a string or a boolean.
    json_type: Option<JsonType>,
    /// The longest text in bytes.
    pub(super) max_text: usize,
    /// Whether it is the id of a resource, which is never empty.
    pub(super) is_id: bool,
}

/// The JSON type of a single value.
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
        // What is long by nature is limited with the body only, and a limit of the host's own goes before.
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

    /// Whether it holds one value, and this is of the right JSON type for it, and of a usual length: true
    /// of most.
    pub(super) fn is_ordinary_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.json_type == Some(JsonType::String) && text.len() <= self.max_text,
            Value::Bool(_) => self.json_type == Some(JsonType::Boolean),
            _ => false,
        }
    }
}
