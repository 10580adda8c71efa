//! Comparing the elements of multi-valued attributes.
//!
//! Two elements are the same element if their identifying sub-attributes are equal: `value`, and `type` where
//! an element has one. An element without a `value` is identified by all its sub-attributes. `identity` gives
//! the same answer as `is_same_element`, as a text that can be hashed.

use std::borrow::Cow;

use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::key::is_keyed;

/// Returns the names of the sub-attributes that identify an element: its `value`, and its `type` if it has
/// one; without a `value`, all its sub-attributes (RFC 7644 section 3.5.2.1). Empty for a simple value.
pub(crate) fn identifying_names<'a>(target: &AttributeRef, element: &'a Value) -> Vec<&'a str> {
    let Some(element) = element.as_object() else { return Vec::new() };
    let by_type = element.contains_key("type") && !is_keyed(target);
    match element.contains_key("value") {
        true if by_type => vec!["value", "type"],
        true => vec!["value"],
        false => {
            let mut names: Vec<&str> = element
                .keys()
                .map(String::as_str)
                .filter(|name| target.sub_attribute(name).is_some())
                .collect();
            names.sort_unstable();
            names
        }
    }
}

/// Returns the values of these sub-attributes as a text that is equal for equal elements, or `None` if a
/// sub-attribute is missing.
pub(crate) fn identity<'a>(
    target: &AttributeRef,
    names: &[&str],
    element: &'a Value,
) -> Option<Cow<'a, str>> {
    let value = |name: &str| Some(target.sub_attribute(name)?.equality_key(element.get(name)?));
    match names {
        [] => Some(target.equality_key(element)),
        [name] => value(name),
        names => {
            let values: Option<Vec<_>> = names.iter().map(|name| value(name)).collect();
            Some(format!("{:?}", values?).into())
        }
    }
}

/// Whether a stored element is the same element as a requested one: equal in the sub-attributes that identify
/// the requested one.
pub(crate) fn is_same_element(target: &AttributeRef, stored: &Value, requested: &Value) -> bool {
    match identifying_names(target, requested).as_slice() {
        [] => target.values_equal(stored, requested),
        names => names.iter().all(|name| {
            match (target.sub_attribute(name), stored.get(name), requested.get(name)) {
                (Some(sub), Some(stored), Some(requested)) => sub.values_equal(stored, requested),
                _ => false,
            }
        }),
    }
}

/// Whether a stored element of a keyed list already is what a request wants for its key: it has all the
/// requested sub-attributes, and any others that it has are immutable or `readOnly`. The service may have
/// added those, and clients leave them out (RFC 7643 section 4.2). References that the service derives from
/// the key are ignored.
pub(crate) fn matches_request(
    list: &AttributeRef,
    stored: &Map<String, Value>,
    requested: &Map<String, Value>,
) -> bool {
    list.sub_attributes().iter().all(|sub| {
        let name = sub.definition().name();
        match (stored.get(name), requested.get(name)) {
            _ if name == "value" || sub.is_derived() => true,
            (Some(stored), Some(requested)) => sub.values_equal(stored, requested),
            (Some(_), None) => sub.is_fixed(),
            (None, requested) => requested.is_none(),
        }
    })
}

/// Whether a list has elements without a `value`. All sub-attributes identify such an element, so any change
/// may make two of them the same.
pub(crate) fn has_elements_without_value(list: &[Value]) -> bool {
    list.iter().any(|element| element.is_object() && element.get("value").is_none())
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
