//! Reading JSON that a client sent.

use std::fmt;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::shortened::shortened;

/// Reads a JSON value more strictly than `serde_json` does.
///
/// An object in which a name occurs twice is an error. Parsers disagree on which of the two members counts
/// (RFC 8259 section 4), so a proxy in front of this service could check another value than the service uses.
///
/// The character U+0000 in a string is an error too, because not every store can keep it.
///
/// ```
/// use scim_schema::internal::StrictJson;
///
/// assert_eq!(StrictJson::read(br#"{ "op": "add" }"#).unwrap()["op"], "add");
/// assert!(StrictJson::read(br#"{ "op": "add", "op": "remove" }"#).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StrictJson;

impl StrictJson {
    /// Reads a text that consists of one JSON value, nested no deeper than `serde_json` allows (128 levels).
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or if it has a duplicate name or the character U+0000.
    pub fn read(text: &[u8]) -> serde_json::Result<Value> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for StrictJson {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictJson {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        check_nul(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        check_nul(&text)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(StrictJson)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            check_nul(&key)?;
            let value = object.next_value_seed(StrictJson)?;
            if NUMBER.as_deref() == Some(&*key)
                && let Some(number) = value.as_str().and_then(|text| text.parse().ok())
            {
                return Ok(Value::Number(number));
            }
            match map.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => {
                    let name = shortened(entry.key());
                    return Err(A::Error::custom(format_args!("duplicate name `{name}`")));
                }
            }
        }
        Ok(Value::Object(map))
    }
}

/// The member name by which `serde_json` marks a number, if the application turns on the feature
/// `serde_json/arbitrary_precision`; else `None`.
///
/// With that feature `serde_json` passes most numbers to a visitor as an object with a single member. The name
/// of that member is private to `serde_json`, so it is determined here by reading a number.
static NUMBER: LazyLock<Option<String>> =
    LazyLock::new(|| serde_json::Deserializer::from_str("0.5").deserialize_any(FirstName).ok());

/// Reads the first name of an object.
struct FirstName;

impl<'de> Visitor<'de> for FirstName {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a member")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<String, A::Error> {
        object.next_key()?.ok_or_else(|| A::Error::custom("the object has no member"))
    }
}

fn check_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        Err(E::custom("a string contains the character U+0000, which is not supported"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        StrictJson.deserialize(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn accepted_texts_are_read_as_serde_json_reads_them() {
        for text in [
            r#"{ "a": [1, -2, 1.50, 1e3, 18446744073709551615, -9223372036854775808], "b": { "a": null } }"#,
            r#"[true, false, "text", "\u00e9\n", {}, [], { "": 0 }]"#,
            // Digits that only `serde_json/arbitrary_precision` keeps.
            "[12345678901234567890123, 0.10, 1.000000000000000000000000001]",
            "0",
        ] {
            assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn duplicate_names_and_nul_are_refused() {
        for text in [
            r#"{ "a": 1, "a": 1 }"#,
            r#"[{ "a": { "b": 1, "c": 2, "b": 3 } }]"#,
            r#"{ "a": 1, "\u0061": 2 }"#,
            r#"["\u0000"]"#,
            r#"{ "a\u0000": 1 }"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
