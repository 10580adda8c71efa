//! Reading JSON that a client sent.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Reads a JSON value; an object with a name twice is refused: which of the two is meant would be a
/// guess, and two readers of one document must not see different things (RFC 8259 section 4). So is
/// U+0000 in a string, which not every store can keep.
///
/// ```
/// use scim_schema::UniqueNames;
///
/// assert_eq!(UniqueNames::read(br#"{ "op": "add" }"#).unwrap()["op"], "add");
/// assert!(UniqueNames::read(br#"{ "op": "add", "op": "remove" }"#).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UniqueNames;

impl UniqueNames {
    /// Reads a text that is one JSON value, nested no deeper than `serde_json` allows (128 levels).
    ///
    /// # Errors
    ///
    /// If it is not JSON, or if it is refused for what the type says.
    pub fn read(text: &[u8]) -> serde_json::Result<Value> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for UniqueNames {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNames {
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
        without_nul(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        without_nul(&text)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(UniqueNames)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            without_nul(&key)?;
            let value = object.next_value_seed(UniqueNames)?;
            // With `serde_json/arbitrary_precision` a number arrives as an object with this name.
            if key == "$serde_json::private::Number"
                && let Some(number) = value.as_str().and_then(|text| text.parse().ok())
            {
                return Ok(Value::Number(number));
            }
            match map.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => {
                    let name = entry.key().chars().take(80).collect::<String>();
                    return Err(A::Error::custom(format_args!("`{}` is there twice", name.escape_debug())));
                }
            }
        }
        Ok(Value::Object(map))
    }
}

fn without_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a string holds U+0000")) } else { Ok(()) }
}
