//! Compares the body of an answer with what it must have.
//!
//! An object must have the named members, and may have others. Each element of an expected list must be found in the list, in any
//! order. `{"$absent": true}` is a member that must not be there, `{"$present": true}` one with any value,
//! `{"$length": 2}` a list of that length, `{"$atMost": 2}` one that is not longer, `{"$text": "a"}` a text without regard to case,
//! and `{"$atLeast": 2}` a number that is not smaller.

use serde_json::Value;

use super::Bindings;

/// # Errors
///
/// The path of the first difference, and what is different.
pub(super) fn compare(
    expected: &Value,
    found: &Value,
    path: &str,
    bindings: &mut Bindings,
) -> Result<(), String> {
    let place = if path.is_empty() { "the body" } else { path };
    match expected {
        Value::Object(members) => {
            if let Some(result) = special(expected, found, place) {
                return result;
            }
            let Value::Object(object) = found else {
                return Err(format!("{place} is not an object, but {}", shortened(found)));
            };
            for (name, expected) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match object.get(name) {
                    _ if expected.get("$absent").is_some() => {
                        if object
                            .get(name)
                            .is_some_and(|value| !value.is_null() && *value != Value::Array(Vec::new()))
                        {
                            return Err(format!("{path} is there, and must not be"));
                        }
                    }
                    Some(found) => compare(expected, found, &path, bindings)?,
                    None => return Err(format!("{path} is missing")),
                }
            }
            Ok(())
        }
        Value::Array(elements) => {
            let Value::Array(list) = found else {
                return Err(format!("{place} is not a list, but {}", shortened(found)));
            };
            for (index, expected) in elements.iter().enumerate() {
                // An element that does not fit must give no values to placeholders.
                let fits = |element: &&Value| {
                    let mut tried = bindings.clone();
                    compare(expected, element, path, &mut tried).ok().map(|()| tried)
                };
                match list.iter().find_map(|element| fits(&element)) {
                    Some(tried) => *bindings = tried,
                    None => return Err(format!("{path}[{index}], {}, is missing", shortened(expected))),
                }
            }
            Ok(())
        }
        Value::String(text) => match found {
            Value::String(found) => {
                bindings.match_text(text, found).map_err(|error| format!("{place}: {error}"))
            }
            found => Err(format!("{place}: expected `{text}`, got {}", shortened(found))),
        },
        expected if expected == found => Ok(()),
        expected => Err(format!("{place}: expected {expected}, got {}", shortened(found))),
    }
}

/// Compares with an object such as `{"$length": 2}`; `None` if it is an ordinary one.
fn special(expected: &Value, found: &Value, place: &str) -> Option<Result<(), String>> {
    let (name, value) =
        expected.as_object()?.iter().next().filter(|(name, _)| name.starts_with('$') && *name != "$ref")?;
    let length = found.as_array().map(|list| list.len() as u64);
    let holds = match name.as_str() {
        "$present" => !found.is_null(),
        "$length" => length == value.as_u64(),
        "$atMost" => length.is_some() && length <= value.as_u64(),
        "$atLeast" => found.as_u64() >= value.as_u64() && found.is_u64(),
        "$text" => found.as_str().zip(value.as_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)),
        _ => return Some(Err(format!("{place}: `{name}` is not a known comparison"))),
    };
    Some(match holds {
        true => Ok(()),
        false => Err(format!(
            "{place}: expected {} {value}, got {}",
            name.trim_start_matches('$'),
            shortened(found)
        )),
    })
}

/// A value as text that fits on a line.
fn shortened(value: &Value) -> String {
    const MAX: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bindings, compare};
    use serde_json::json;

    #[test]
    fn a_body_must_have_what_is_named() {
        let found = json!({
            "id": "7", "active": true, "totalResults": 3, "emails": [{ "value": "a@example.com" }, { "value": "b@example.com", "type": "work" }]
        });
        let cases = [
            (json!({ "id": "{{id}}", "active": true }), None),
            (json!({ "emails": [{ "value": "b@example.com" }] }), None),
            (
                json!({ "emails": { "$length": 2 }, "totalResults": { "$atLeast": 3 }, "name": { "$absent": true } }),
                None,
            ),
            (json!({ "id": { "$present": true }, "emails": { "$atMost": 5 } }), None),
            (json!({ "active": false }), Some("active: expected false, got true")),
            (json!({ "name": {} }), Some("name is missing")),
            (json!({ "emails": [{ "type": "home" }] }), Some(r#"emails[0], {"type":"home"}, is missing"#)),
            (json!({ "emails": { "$length": 3 } }), Some("emails: expected length 3")),
            (json!({ "active": { "$absent": true } }), Some("active is there, and must not be")),
            (json!({ "id": { "x": 1 } }), Some(r#"id is not an object, but "7""#)),
            (json!({ "totalResults": "3" }), Some("totalResults: expected `3`, got 3")),
        ];
        for (expected, error) in cases {
            let result = compare(&expected, &found, "", &mut Bindings::default());
            match error {
                None => assert_eq!(result, Ok(()), "{expected}"),
                Some(error) => assert!(result.clone().unwrap_err().contains(error), "{expected}: {result:?}"),
            }
        }
    }
}
