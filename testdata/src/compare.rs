//! Comparing a JSON body, whole, with what was expected.

use serde_json::{Map, Value};

use crate::placeholder::Bindings;

/// Compares two JSON values and describes every difference by its JSON pointer.
///
/// Members of objects come in any order, elements of arrays in the one that was expected; a member that is
/// missing is as wrong as one too many, because a server that says more than it should is wrong as well.
pub(crate) fn differences(expected: &Value, actual: &Value, bindings: &mut Bindings) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, "", bindings, &mut found);
    found
}

fn compare(expected: &Value, actual: &Value, at: &str, bindings: &mut Bindings, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => objects(expected, actual, at, bindings, found),
        (Value::Array(expected), Value::Array(actual)) => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{at}/{index}"), bindings, found);
            }
            for (index, missing) in expected.iter().enumerate().skip(actual.len()) {
                found.push(format!("{at}/{index}: expected {missing}, but the array ends before it"));
            }
            for (index, surplus) in actual.iter().enumerate().skip(expected.len()) {
                found.push(format!("{at}/{index}: nothing was expected here, but there is {surplus}"));
            }
        }
        (Value::String(template), Value::String(text)) => {
            if let Err(reason) = bindings.check(template, text) {
                found.push(format!("{}: expected {expected}, got {actual} ({reason})", pointer(at)));
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!("{}: expected {expected}, got {actual}", pointer(at))),
    }
}

fn objects(
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    at: &str,
    bindings: &mut Bindings,
    found: &mut Vec<String>,
) {
    for (key, expected) in expected {
        let at = format!("{at}/{}", escape(key));
        match actual.get(key) {
            Some(actual) => compare(expected, actual, &at, bindings, found),
            None => found.push(format!("{at}: expected {expected}, but it is missing")),
        }
    }
    for (key, surplus) in actual.iter().filter(|(key, _)| !expected.contains_key(*key)) {
        found.push(format!("{at}/{}: nothing was expected here, but there is {surplus}", escape(key)));
    }
}

/// A key as a step of a JSON pointer (RFC 6901, section 3).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The pointer for a message; the whole document's is the empty string, which would look like a mistake.
fn pointer(at: &str) -> &str {
    if at.is_empty() { "the body" } else { at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differ(expected: Value, actual: Value) -> Vec<String> {
        differences(&expected, &actual, &mut Bindings::new("http://localhost/v2"))
    }

    #[test]
    fn equal_bodies_do_not_differ_whatever_the_order_of_members() {
        let expected = json!({ "a": [1, { "b": null, "c": "{{id}}" }], "d": true });
        let actual =
            json!({ "d": true, "a": [1, { "c": "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516", "b": null }] });
        assert_eq!(differ(expected, actual), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named_by_its_pointer() {
        let cases = [
            (json!({ "a": 1 }), json!({ "a": 2 }), "/a: expected 1, got 2"),
            (json!({ "a": 1 }), json!({ "a": "1" }), "/a: expected 1, got \"1\""),
            (json!({ "a": { "b/c": 1 } }), json!({ "a": {} }), "/a/b~1c: expected 1, but it is missing"),
            (json!({}), json!({ "a": null }), "/a: nothing was expected here, but there is null"),
            (json!([1, 2]), json!([1]), "/1: expected 2, but the array ends before it"),
            (json!([]), json!([7]), "/0: nothing was expected here, but there is 7"),
            (
                json!({ "a": "x" }),
                json!({ "a": "y" }),
                "/a: expected \"x\", got \"y\" (\"y\" does not begin with \"x\")",
            ),
            (json!({ "a": "x" }), json!({ "a": null }), "/a: expected \"x\", got null"),
            (json!(1), json!([]), "the body: expected 1, got []"),
            (
                json!(["{{version}}"]),
                json!(["7"]),
                "/0: expected \"{{version}}\", got \"7\" (is not a weak entity tag)",
            ),
        ];
        for (expected, actual, message) in cases {
            assert_eq!(differ(expected, actual), [message]);
        }
    }

    #[test]
    fn arrays_are_ordered() {
        assert_eq!(differ(json!([1, 2]), json!([2, 1])).len(), 2);
    }

    #[test]
    fn one_name_in_two_places_must_agree() {
        let expected = json!([{ "id": "{{id.a}}" }, "{{id.a}}"]);
        let id = "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";
        let other = "1b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";
        assert!(differ(expected.clone(), json!([{ "id": id }, id])).is_empty());
        assert_eq!(differ(expected, json!([{ "id": id }, other])).len(), 1);
    }
}
