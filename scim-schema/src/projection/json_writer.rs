//! Writing JSON (RFC 8259) without blanks, as `serde_json` writes it.
//!
//! `serde_json` looks for characters to escape byte by byte. A resource consists of short strings, nearly all
//! of which have none, and of names that never have any. So this writer looks at many bytes of a string at once,
//! and does not look at names. The bar `schema/serialize` is at 0.31 Y with it, at 0.42 Y with
//! `serde_json::to_writer`, and must not exceed 0.35 Y (`benches/README.md`). Of a whole request that shows a
//! resource for the first time it saves about 1 %.

use std::io::Write as _;

use serde_json::{Map, Value};

/// Appends a value.
pub(super) fn write_value(text: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Bool(true) => text.extend_from_slice(b"true"),
        Value::Bool(false) => text.extend_from_slice(b"false"),
        // Writing to a vector does not fail.
        Value::Number(number) => _ = write!(text, "{number}"),
        Value::String(string) => write_string(text, string),
        Value::Array(list) => write_array(text, list, write_value),
        Value::Object(object) => write_map(text, object),
    }
}

fn write_map(text: &mut Vec<u8>, object: &Map<String, Value>) {
    write_object(text, |members| {
        for (name, value) in object {
            write_value(members.name(name), value);
        }
    });
}

/// Appends an array; `write` appends each of its elements.
pub(super) fn write_array<T>(
    text: &mut Vec<u8>,
    elements: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Vec<u8>, T),
) {
    text.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write(text, element);
    }
    text.push(b']');
}

/// Appends an object; `write` appends its members.
#[inline]
pub(super) fn write_object(text: &mut Vec<u8>, write: impl FnOnce(&mut Members<'_>)) {
    text.push(b'{');
    write(&mut Members { text, is_first: true });
    text.push(b'}');
}

/// The members of an object that is being written.
pub(super) struct Members<'a> {
    text: &'a mut Vec<u8>,
    is_first: bool,
}

impl Members<'_> {
    /// Appends the name of the next member; its value is to be appended to what this returns.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        write_string(self.text, name);
        self.text.push(b':');
        self.text
    }

    /// The same for the name of an attribute or the URI of a schema, which have nothing to escape: a schema
    /// with other names cannot be made.
    #[inline]
    pub(super) fn plain_name(&mut self, name: &str) -> &mut Vec<u8> {
        debug_assert!(all_stand_for_themselves(name.as_bytes()), "{name} must be escaped");
        self.comma();
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        self.text
    }

    #[inline]
    fn comma(&mut self) {
        if !self.is_first {
            self.text.push(b',');
        }
        self.is_first = false;
    }
}

/// Appends a string with its quotes (RFC 8259 section 7).
#[inline]
pub(super) fn write_string(text: &mut Vec<u8>, string: &str) {
    let bytes = string.as_bytes();
    text.reserve(bytes.len() + 2);
    text.push(b'"');
    if all_stand_for_themselves(bytes) {
        text.extend_from_slice(bytes);
    } else {
        write_escaped(text, bytes);
    }
    text.push(b'"');
}

/// Whether a string has nothing to escape.
#[inline]
fn all_stand_for_themselves(bytes: &[u8]) -> bool {
    // Without an early exit, the compiler looks at many bytes at once.
    bytes.iter().fold(true, |all, byte| all & stands_for_itself(*byte))
}

#[inline]
fn stands_for_itself(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

#[inline(never)]
fn write_escaped(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes.iter().copied() {
        match byte {
            byte if stands_for_itself(byte) => text.push(byte),
            b'"' => text.extend_from_slice(b"\\\""),
            b'\\' => text.extend_from_slice(b"\\\\"),
            8 => text.extend_from_slice(b"\\b"),
            b'\t' => text.extend_from_slice(b"\\t"),
            b'\n' => text.extend_from_slice(b"\\n"),
            12 => text.extend_from_slice(b"\\f"),
            b'\r' => text.extend_from_slice(b"\\r"),
            // Writing to a vector does not fail.
            _ => _ = write!(text, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn assert_same(value: &Value) {
        let mut text = Vec::new();
        write_value(&mut text, value);
        assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(value).unwrap());
    }

    /// Each ASCII character and some others, at each place of strings that are shorter and longer than what
    /// a processor looks at at once.
    #[test]
    fn each_character_is_written_as_serde_json_does_at_each_place() {
        let others = ['\u{80}', '\u{9f}', 'é', '\u{ff}', 'ß', '\u{2028}', '\u{d7ff}', '\u{ffff}', '😀'];
        for c in ('\0'..='\u{7f}').chain(others) {
            for before in 0..=17 {
                for after in [0, 1, 7, 8, 9, 16, 17] {
                    let string = format!("{}{c}{}", "x".repeat(before), "y".repeat(after));
                    assert_same(&json!(string));
                    assert_same(&json!({ string: null }));
                }
            }
        }
    }

    #[test]
    fn each_pair_of_characters_is_written_as_serde_json_does() {
        for a in '\0'..='\u{80}' {
            for b in '\0'..='\u{80}' {
                assert_same(&json!(format!("{a}{b}")));
                assert_same(&json!(format!("plain text {a} and {b} more of it")));
            }
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_does(text in any::<String>(), ascii in "[\u{0}-\u{7f}]{0,40}") {
            assert_same(&json!(text));
            assert_same(&json!(ascii));
            assert_same(&json!(BTreeMap::from([(text, ascii)])));
        }

        #[test]
        fn numbers_are_written_as_serde_json_does(a in any::<f64>(), b in any::<i64>(), c in any::<u64>()) {
            assert_same(&json!([a, b, c]));
        }
    }

    #[test]
    fn values_are_written_as_serde_json_does() {
        assert_same(&json!({ "a": [1.5, -2, null, [], {}, true, false], "b": { "c": [{ "d": "\u{1}" }] } }));
        assert_same(&json!([f64::MAX, f64::MIN_POSITIVE, 1e16, 1e-7, 0.1, -0.0, 100.0, u64::MAX, i64::MIN]));
        for text in ["12345678901234567890123", "1.10", "1e400", "1E5", "-0", "0.30000000000000004"] {
            // Some of them are numbers only with `serde_json/arbitrary_precision`.
            if let Ok(number) = serde_json::from_str(text) {
                assert_same(&Value::Number(number));
            }
        }
    }
}
