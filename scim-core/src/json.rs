//! Reading JSON that a client sent.

use std::fmt;

use scim_schema::UniqueNames;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Error, Result};

/// Reads a body as JSON. An object with a name twice is refused: which of the two is meant would be
/// a guess, and two readers of one document must not see different things. So is U+0000, which not
/// every store can keep.
///
/// Nesting is limited by `serde_json` (128 levels).
pub(crate) fn parse(body: &[u8]) -> Result<Value> {
    if body.is_empty() {
        return Err(Error::invalid_syntax("the request needs a body"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = UniqueNames
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(invalid)?;
    Ok(value)
}

/// Reads an object whose members are to be read later, each on its own.
pub(crate) fn members(body: &[u8]) -> Result<Vec<(String, Box<RawValue>)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = object.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = deserializer.deserialize_map(Members);
    members.and_then(|members| deserializer.end().map(|()| members)).map_err(invalid)
}

/// Reads an array whose elements are to be read later, each on its own.
pub(crate) fn elements(array: &RawValue) -> Result<Vec<Box<RawValue>>> {
    serde_json::from_str(array.get()).map_err(invalid)
}

fn invalid(error: serde_json::Error) -> Error {
    Error::invalid_syntax(format!("the body is not valid JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_serde_json() {
        let text = r#"{ "a": [1, -2, 1.5, 1e3, 18446744073709551615, true, null, "\u00e9\ud83d\ude00"], "b": { "c": {} } }"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn refuses_hostile_bodies() {
        let deep = "[".repeat(100_000);
        let repeated = r#"[{"x":{"b":1,"b":2}}]"#;
        let nul = [r#""a\u0000b""#, r#"{"\u0000":1}"#];
        let bad = ["", "{", "tre", r#"{"a":1,"a":1}"#, repeated, "{} {}", r#""\ud800""#, &deep];
        for text in bad.into_iter().chain(nul) {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.scim_type(), Some(scim_schema::ScimType::InvalidSyntax), "{text:.20}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        // Too large for a float; kept as it is where serde_json keeps the digits.
        assert!(parse(b"1e999").map_or(true, |number| number.to_string().contains("999")));
    }
}
