//! Values that count as unassigned.

use serde_json::Value;

/// Whether a value counts as unassigned (RFC 7643 section 2.5): null, `[]`, or a list or object that contains only
/// unassigned values.
///
/// ```
/// use serde_json::json;
///
/// assert!(scim_schema::is_unassigned(&json!({ "a": null, "b": [] })));
/// assert!(!scim_schema::is_unassigned(&json!("")) && !scim_schema::is_unassigned(&json!(false)));
/// ```
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().all(is_unassigned),
        Value::Object(object) => object.values().all(is_unassigned),
        _ => false,
    }
}
