//! Parses the JSON of a body.

use std::fmt;

use scim_schema::internal::StrictJson;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Parses a body as JSON. Refuses an object with a duplicate name, since parsers disagree about which of the
/// two counts, and U+0000, which some databases cannot store.
///
/// `serde_json` limits nesting to 128 levels.
pub(super) fn parse(body: &[u8]) -> Result<Value> {
    StrictJson::read(not_empty(body)?).map_err(invalid)
}

/// The body, which must not be missing.
pub(super) fn not_empty(body: &[u8]) -> Result<&[u8]> {
    if body.is_empty() { Err(Error::invalid_syntax("the request has no body")) } else { Ok(body) }
}

/// A message with a list whose elements are parsed later, one at a time.
pub(super) struct Message {
    /// The members, in which the list is null.
    pub(super) members: Map<String, Value>,
    pub(super) list: Vec<Box<RawValue>>,
}

/// Parses a message, but not the elements of its list, which has a name in any case.
pub(super) fn parse_message(body: &[u8], list: &'static str) -> Result<Message> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let message = deserializer.deserialize_map(Members(list));
    message.and_then(|message| deserializer.end().map(|()| message)).map_err(|error| {
        // The message of serde_json quotes the value that it found, which may be long.
        match error.to_string().rsplit_once(", expected ") {
            Some((_, expected)) if error.is_data() => {
                let expected = expected.split(" at line ").next().unwrap_or_default();
                Error::invalid_syntax(expected.replacen(" to be ", " must be ", 1))
            }
            _ => invalid(error),
        }
    })
}

struct Members(&'static str);

impl<'de> Visitor<'de> for Members {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body to be a JSON object with `schemas` and `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Message, A::Error> {
        let mut message = Message { members: Map::new(), list: Vec::new() };
        while let Some(name) = object.next_key::<String>()? {
            let value = if name.eq_ignore_ascii_case(self.0) {
                message.list = object.next_value_seed(Elements(self.0))?;
                Value::Null
            } else {
                object.next_value_seed(StrictJson)?
            };
            if message.members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(message)
    }
}

struct Elements(&'static str);

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<Box<RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Box<RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` to be an array", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
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
        // Too large for a float. With `arbitrary_precision`, serde_json keeps its digits.
        assert!(parse(b"1e999").map_or(true, |number| number.to_string().contains("999")));
    }
}
