//! Writing JSON.
//!
//! Half of what a response costs is looking for characters that must be escaped. This looks at eight
//! bytes at a time where `serde_json` looks at each, and writes the same text otherwise.

use std::io::Write as _;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Error, Value};

type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Appends a value to a text as JSON without blanks, as `serde_json::to_writer` does, in less time.
///
/// ```
/// use scim_schema::{Projected, Projection, standard, write_json};
/// use serde_json::json;
///
/// let resource = json!({ "userName": "bea", "id": "7" });
/// let whole = Projection::new(&standard::user_type());
/// let mut text = Vec::new();
/// write_json(&mut text, &Projected::new(resource.as_object().unwrap(), &whole))?;
/// assert_eq!(text, br#"{"id":"7","userName":"bea"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// If the value refuses to be serialised, or has a key that is not text; what has been written until
/// then stays.
pub fn write_json<T: ?Sized + Serialize>(text: &mut Vec<u8>, value: &T) -> Result {
    value.serialize(Writer(text))
}

struct Writer<'a>(&'a mut Vec<u8>);

/// An array or object that is being written.
struct Compound<'a> {
    text: &'a mut Vec<u8>,
    /// Whether nothing has been written of it yet.
    first: bool,
    close: &'static str,
}

/// What `serde_json` calls the struct by which it hands text through that is JSON already: numbers
/// of any precision and raw values.
const VERBATIM: &str = "$serde_json::private::";

impl<'a> Writer<'a> {
    fn open(self, open: &str, close: &'static str) -> Compound<'a> {
        self.0.extend_from_slice(open.as_bytes());
        Compound { text: self.0, first: true, close }
    }

    /// An object whose only member is the name of a variant.
    fn variant(self, name: &str, open: &str, close: &'static str) -> Compound<'a> {
        self.0.push(b'{');
        string(self.0, name);
        self.0.push(b':');
        self.open(open, close)
    }

    fn verbatim(self, text: impl std::fmt::Display) -> Result {
        write!(self.0, "{text}").map_err(Error::io)
    }
}

macro_rules! verbatim {
    ($($name:ident: $kind:ty,)*) => {$(
        fn $name(self, v: $kind) -> Result {
            self.verbatim(v)
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    verbatim! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_f32(self, v: f32) -> Result {
        serde_json::to_writer(self.0, &v)
    }

    fn serialize_f64(self, v: f64) -> Result {
        serde_json::to_writer(self.0, &v)
    }

    fn serialize_char(self, v: char) -> Result {
        string(self.0, v.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result {
        string(self.0, v);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result {
        self.collect_seq(v)
    }

    fn serialize_none(self) -> Result {
        self.verbatim("null")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.verbatim("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        self.verbatim("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        let object = self.variant(variant, "", "}");
        value.serialize(Writer(object.text))?;
        object.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a>> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a>> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>> {
        Ok(self.variant(variant, "[", "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'a>> {
        Ok(if name.starts_with(VERBATIM) { self.open("", "") } else { self.open("{", "}") })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a>> {
        Ok(self.variant(variant, "{", "}}"))
    }
}

impl Compound<'_> {
    #[inline]
    fn comma(&mut self) {
        if !self.first {
            self.text.push(b',');
        }
        self.first = false;
    }

    #[inline]
    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.comma();
        value.serialize(Writer(self.text))
    }

    fn close(self) -> Result {
        self.text.extend_from_slice(self.close.as_bytes());
        Ok(())
    }
}

macro_rules! elements {
    ($($kind:ident::$element:ident,)*) => {$(
        impl $kind for Compound<'_> {
            type Ok = ();
            type Error = Error;

            fn $element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
                self.element(value)
            }

            fn end(self) -> Result {
                self.close()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result {
        self.comma();
        let begin = self.text.len();
        key.serialize(Writer(self.text))?;
        match self.text.get(begin) {
            Some(b'"') => Ok(()),
            _ => Err(Error::custom("a key must be text")),
        }
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.text.push(b':');
        value.serialize(Writer(self.text))
    }

    fn end(self) -> Result {
        self.close()
    }
}

impl SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result {
        if self.close.is_empty() {
            // As a value of its own it is the text, whatever it stands for.
            if let Value::String(json) = serde_json::to_value(value)? {
                self.text.extend_from_slice(json.as_bytes());
            }
            return Ok(());
        }
        SerializeMap::serialize_entry(self, key, value)
    }

    fn end(self) -> Result {
        self.close()
    }
}

impl SerializeStructVariant for Compound<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result {
        SerializeMap::serialize_entry(self, key, value)
    }

    fn end(self) -> Result {
        self.close()
    }
}

/// Writes a string with its quotes (RFC 8259 section 7).
#[inline]
fn string(text: &mut Vec<u8>, value: &str) {
    let value = value.as_bytes();
    text.reserve(value.len() + 2);
    text.push(b'"');
    if is_plain(value) {
        text.extend_from_slice(value);
    } else {
        escaped(text, value);
    }
    text.push(b'"');
}

/// Whether all bytes stand for themselves.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    // The highest bit of each byte that is less than `n`, and of some behind it: enough to know
    // whether there is one.
    let below = |word: u64, n: u64| word.wrapping_sub(EACH * n) & !word & HIGH;
    let is_plain = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        let (quotes, backslashes) = (word ^ (EACH * u64::from(b'"')), word ^ (EACH * u64::from(b'\\')));
        below(word, 0x20) | below(quotes, 1) | below(backslashes, 1) == 0
    };
    match (bytes.as_chunks(), bytes.last_chunk()) {
        // What is left over is seen again together with what is before it.
        ((words, _), Some(last)) => words.iter().all(is_plain) && is_plain(last),
        ((_, few), None) => few.iter().all(|byte| is_plain_byte(*byte)),
    }
}

fn is_plain_byte(byte: u8) -> bool {
    !matches!(byte, 0..0x20 | b'"' | b'\\')
}

#[inline(never)]
fn escaped(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if is_plain_byte(*byte) { text.push(*byte) } else { escape(text, *byte) }
    }
}

fn escape(text: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        8 => "\\b",
        9 => "\\t",
        10 => "\\n",
        12 => "\\f",
        13 => "\\r",
        _ => {
            let digits = b"0123456789abcdef";
            let digit = |n: u8| digits.get(usize::from(n)).copied().unwrap_or(b'0');
            text.extend_from_slice(b"\\u00");
            text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    text.extend_from_slice(short.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::value::RawValue;

    use super::*;

    fn same(value: &impl Serialize) {
        let mut text = Vec::new();
        write_json(&mut text, value).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(value).unwrap());
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_does(text in any::<String>(), odd in "[\u{0}-\u{7f}]{0,40}") {
            same(&text);
            same(&odd);
            same(&BTreeMap::from([(text, odd)]));
        }

        #[test]
        fn a_character_is_escaped_wherever_it_is(before in 0_usize..20, c in any::<char>(), after in 0_usize..20) {
            same(&format!("{}{c}{}", "x".repeat(before), "y".repeat(after)));
        }

        #[test]
        fn numbers_are_written_as_serde_json_does(a in any::<f64>(), b in any::<i64>(), c in any::<u64>(), d in any::<f32>()) {
            same(&(a, b, c, d));
            same(&Value::from(a));
        }
    }

    /// Each character that must be escaped, and those around it, at each place of texts that are looked
    /// at byte by byte, in one piece, and in several.
    #[test]
    fn the_first_and_the_last_of_what_is_escaped_are_so_at_every_place() {
        let odd = (0..=0x23).chain([0x5b, 0x5c, 0x5d, 0x7e, 0x7f, 0x80, 0xff]).map(char::from);
        for c in odd {
            for length in 1..=25 {
                for place in 0..length {
                    let around = |n: usize| "x".repeat(n);
                    same(&format!("{}{c}{}", around(place), around(length - place - 1)));
                }
            }
        }
    }

    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New(u8);
    #[derive(Serialize)]
    struct Two(i8, i16);
    #[derive(Serialize)]
    enum Any {
        Unit,
        New(u16),
        Two(i32, u32),
        Struct { a: char },
    }

    #[test]
    fn whatever_serde_knows_is_written() {
        same(&(Unit, New(1), Two(2, 3), (), None::<u8>, Some("x"), true, false, 'é'));
        same(&[Any::Unit, Any::New(1), Any::Two(2, 3), Any::Struct { a: '"' }]);
        same(&serde_json::json!({ "a": [1.5, -2, null, [], {}], "b": { "c": [{ "d": "\u{1}" }] } }));
        let raw = RawValue::from_string(r#"{ "kept":  [1.0e2] }"#.to_owned()).unwrap();
        same(&[&raw, &raw]);
        let exact: Value = serde_json::from_str("[12345678901234567890123, 1.10]").unwrap();
        same(&exact);
        assert!(write_json(&mut Vec::new(), &BTreeMap::from([(7, 8)])).is_err());
    }
}
