//! Which elements of a list are the same, and which of them is primary.

use std::borrow::Cow;

use scim_schema::AttributeRef;
use serde_json::{Map, Value};

use crate::key::is_keyed;

/// The names of the sub-attributes that identify an element: its `value`, and its `type` if it has one; without
/// a `value`, all that it has (RFC 7644 section 3.5.2.1). None if it is a simple value.
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

/// The values of the named sub-attributes as a text that the same elements share; `None` if one is missing.
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

/// Whether a stored element is the one that a request means: the same in what identifies that.
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

/// Whether a stored element of a keyed list has all that a request says of the element with the same key, and
/// nothing else but what is fixed: the service may have filled that in, and clients leave it out (RFC 7643
/// section 4.2). References that the service derives from the key do not count.
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

/// Whether a list has elements without a `value`. These are identified by all that they have, so that any change
/// may make two of them the same.
pub(crate) fn has_elements_without_value(list: &[Value]) -> bool {
    list.iter().any(|element| element.is_object() && element.get("value").is_none())
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
