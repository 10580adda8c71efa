//! Compares a complete JSON body with the expected one.

use serde_json::{Map, Value};

use crate::placeholder::Bindings;

/// Compares two JSON values and describes every difference by its JSON pointer.
///
/// Members of objects can be in any order, elements of arrays must be in the expected order. Unexpected members are
/// differences too, since a server must not return more than it should.
pub(crate) fn differences(expected: &Value, actual: &Value, bindings: &mut Bindings) -> Vec<String> {
    let mut differences = Vec::new();
    compare(expected, actual, "", bindings, &mut differences);
    differences
}

fn compare(
    expected: &Value,
    actual: &Value,
    pointer: &str,
    bindings: &mut Bindings,
    differences: &mut Vec<String>,
) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            compare_objects(expected, actual, pointer, bindings, differences);
        }
        (Value::Array(expected), Value::Array(actual)) => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{pointer}/{index}"), bindings, differences);
            }
            for (index, missing) in expected.iter().enumerate().skip(actual.len()) {
                differences
                    .push(format!("{pointer}/{index}: expected {missing}, but the array ends before it"));
            }
            for (index, unexpected) in actual.iter().enumerate().skip(expected.len()) {
                differences
                    .push(format!("{pointer}/{index}: nothing was expected here, but there is {unexpected}"));
            }
        }
        (Value::String(template), Value::String(text)) => {
            if let Err(reason) = bindings.check(template, text) {
                differences
                    .push(format!("{}: expected {expected}, got {actual} ({reason})", describe(pointer)));
            }
        }
        _ if expected == actual => {}
        _ => differences.push(format!("{}: expected {expected}, got {actual}", describe(pointer))),
    }
}

fn compare_objects(
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    pointer: &str,
    bindings: &mut Bindings,
    differences: &mut Vec<String>,
) {
    for (key, expected) in expected {
        let pointer = format!("{pointer}/{}", escape(key));
        match actual.get(key) {
            Some(actual) => compare(expected, actual, &pointer, bindings, differences),
            None => differences.push(format!("{pointer}: expected {expected}, but it is missing")),
        }
    }
    for (key, unexpected) in actual.iter().filter(|(key, _)| !expected.contains_key(*key)) {
        differences
            .push(format!("{pointer}/{}: nothing was expected here, but there is {unexpected}", escape(key)));
    }
}

/// Escapes a key for a JSON pointer (RFC 6901, section 3).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A pointer for a message. The one of the complete body is the empty string, which nobody would see.
fn describe(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences_of(expected: Value, actual: Value) -> Vec<String> {
        differences(&expected, &actual, &mut Bindings::new("http://localhost/v2"))
    }

    #[test]
    fn equal_bodies_do_not_differ_in_any_order_of_members() {
        let expected = json!({ "a": [1, { "b": null, "c": "{{id}}" }], "d": true });
        let actual =
            json!({ "d": true, "a": [1, { "c": "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516", "b": null }] });
        assert_eq!(differences_of(expected, actual), Vec::<String>::new());
    }

    #[test]
    fn each_difference_has_its_json_pointer() {
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
            assert_eq!(differences_of(expected, actual), [message]);
        }
    }

    #[test]
    fn elements_of_arrays_must_be_in_the_expected_order() {
        assert_eq!(differences_of(json!([1, 2]), json!([2, 1])).len(), 2);
    }

    #[test]
    fn placeholders_with_the_same_name_must_have_the_same_value() {
        let expected = json!([{ "id": "{{id.a}}" }, "{{id.a}}"]);
        let id = "0b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";
        let other = "1b6f4a32-5d1e-4f07-9a6b-c1d2e3f40516";
        assert!(differences_of(expected.clone(), json!([{ "id": id }, id])).is_empty());
        assert_eq!(differences_of(expected, json!([{ "id": id }, other])).len(), 1);
    }
}
