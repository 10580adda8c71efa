//! Finds the members of objects in JSON text, without building values.

use serde::de::Error as _;
use serde_json::Result;

/// Reads JSON text (RFC 8259) from left to right.
///
/// It notices only those errors that keep it from finding the end of a value. Its callers read text that a store has
/// kept, which `serde_json` wrote.
#[derive(Clone, Copy)]
pub(super) struct JsonReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> JsonReader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte after white space, which is skipped.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(byte) if *byte <= b' ' => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Reads an object. Calls `member` for each member, with the text between the quotes of its name; it must read the
    /// value. Names of attributes have no escapes, so a name with escapes is none of an attribute.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.skip_byte(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, name)?;
            if !self.skip_byte(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Reads an array. Calls `element` for each element, which must read it.
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.skip_byte(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.skip_byte(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Reads a value of any kind, and returns its text.
    #[inline]
    pub(super) fn value(&mut self) -> Result<&'a str> {
        let first = self.peek();
        let start = *self;
        match first {
            Some(b'"') => self.skip_string()?,
            Some(b'{' | b'[') => self.skip_nested()?,
            Some(b'}' | b']' | b',' | b':') | None => return Err(self.invalid()),
            Some(_) => self.skip_scalar(),
        }
        Ok(self.text_since(&start))
    }

    /// Skips an object or an array. Uses no stack for what is nested in it.
    fn skip_nested(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                Some(b',' | b':') => self.at += 1,
                Some(_) => self.skip_scalar(),
                None => return Err(self.invalid()),
            }
        }
    }

    /// The text that was read since an earlier state of this reader.
    pub(super) fn text_since(&self, earlier: &Self) -> &'a str {
        self.text.get(earlier.at..self.at).unwrap_or_default()
    }

    /// Checks that nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.invalid()),
        }
    }

    /// Reads a string, and returns the text between its quotes.
    #[inline]
    fn string(&mut self) -> Result<&'a str> {
        if self.peek() != Some(b'"') {
            return Err(self.invalid());
        }
        let start = self.at + 1;
        self.skip_string()?;
        self.text.get(start..self.at - 1).ok_or_else(|| self.invalid())
    }

    /// Skips the string that begins here.
    #[inline]
    fn skip_string(&mut self) -> Result<()> {
        let mut at = self.at + 1;
        loop {
            let rest = self.text.as_bytes().get(at..).unwrap_or_default();
            match quote_or_backslash(rest) {
                Some((length, b'"')) => {
                    self.at = at + length + 1;
                    return Ok(());
                }
                // Skips the backslash and what it escapes.
                Some((length, _)) => at += length + 2,
                None => return Err(self.invalid()),
            }
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    fn skip_scalar(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| {
            matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b':' | b'{' | b'[')
        };
        self.at += rest.iter().position(is_end).unwrap_or(rest.len());
    }

    /// Skips a byte if it comes next.
    #[inline]
    fn skip_byte(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.skip_byte(byte) { Ok(()) } else { Err(self.invalid()) }
    }

    fn invalid(&self) -> serde_json::Error {
        serde_json::Error::custom(format_args!("the stored JSON is invalid at byte {}", self.at))
    }
}

/// The first quote or backslash, and its position. Most strings are so short that a call of `memchr` would take longer.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<(usize, u8)> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that is set is in the first byte that is equal; higher ones may be wrong.
    let equal = |word: u64, byte: u8| {
        let difference = word ^ (ONES * u64::from(byte));
        difference.wrapping_sub(ONES) & !difference & HIGH_BITS
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut position = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            position += found.trailing_zeros() as usize / 8;
            return Some((position, *bytes.get(position)?));
        }
        position += 8;
    }
    let at_end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some((position + at_end, *rest.get(at_end)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The members of an object, found by the reader and then parsed.
    fn members(text: &str) -> Result<Vec<(String, Value)>> {
        let mut reader = JsonReader::new(text);
        let mut members = Vec::new();
        reader.object(|reader, name| {
            let name = serde_json::from_str(&format!("\"{name}\""))?;
            members.push((name, serde_json::from_str(reader.value()?)?));
            Ok(())
        })?;
        reader.end()?;
        Ok(members)
    }

    #[test]
    fn text_that_is_cut_off_is_invalid() {
        let text =
            json!({ "a": [1, { "b\"c": "\\" }, null], "d": { "e": [[], {}] }, "f": "\u{1}é" }).to_string();
        assert_eq!(members(&text).unwrap().len(), 3);
        for (end, _) in text.char_indices() {
            assert!(members(text.get(..end).unwrap()).is_err(), "{end}");
        }
        for text in [
            "{}x",
            "[]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1]",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":]}",
            "{\"a\\",
            "",
        ] {
            assert!(members(text).is_err(), "{text}");
        }
    }

    #[test]
    fn white_space_and_deep_values_are_read() {
        let text = format!(" {{ \"a\" : {}1{} ,\n\"b\":true }} ", "[".repeat(100), "]".repeat(100));
        assert_eq!(members(&text).unwrap().len(), 2);
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(JsonReader::new(&deep).value().unwrap(), deep);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_that_serde_json_finds(a in value(), b in value(), pretty in any::<bool>()) {
            let object = json!({ "a": a, "b": b, "\"\\": 1 });
            let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
            let found: serde_json::Map<_, _> = members(&text.unwrap()).unwrap().into_iter().collect();
            prop_assert_eq!(Value::Object(found), object);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\{\\}\\[\\]\",:\\\\ae1 ]{0,40}") {
            let _ = members(&text);
            let _ = JsonReader::new(&text).array(|reader| reader.value().map(drop));
        }
    }
}
