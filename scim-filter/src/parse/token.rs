//! The tokens of a filter, and their errors.
//!
//! Filters are parsed as bytes, since every character with a meaning is ASCII.

use std::borrow::Cow;

use compact_str::CompactString;
use nom::Parser;
use nom::bytes::complete::take_while;

use crate::error::ParseErrorKind as Kind;

/// The rest of the text, or an error.
pub(crate) type Rest<'a> = Result<&'a str, SyntaxError<'a>>;

/// The rest of the text and the parsed part, or an error.
pub(crate) type Parsed<'a, T> = Result<(&'a str, T), SyntaxError<'a>>;

/// An error, its position, and what was expected there. A pointer, so that results stay small.
pub(crate) struct SyntaxError<'a>(Box<SyntaxErrorData<'a>>);

pub(crate) struct SyntaxErrorData<'a> {
    pub(crate) kind: Kind,
    /// The text from the error to the end.
    pub(crate) rest: &'a str,
    /// The number of bytes of the error.
    pub(crate) length: usize,
    pub(crate) expected: Cow<'static, str>,
}

impl<'a> SyntaxError<'a> {
    /// Something else was found than what was expected.
    #[cold]
    pub(crate) fn new(
        kind: Kind,
        rest: &'a str,
        wrong: &str,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(SyntaxErrorData { kind, rest, length: wrong.len(), expected: expected.into() }))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The text from the error to the end.
    pub(crate) fn rest(&self) -> &'a str {
        self.0.rest
    }

    pub(crate) fn into_inner(self) -> SyntaxErrorData<'a> {
        *self.0
    }
}

/// Applies a parser of bytes; `None` if it does not match.
///
/// A parser that ends inside a character does not match.
#[inline]
pub(crate) fn match_start<'a, T>(
    input: &'a str,
    mut parser: impl Parser<&'a [u8], Output = T, Error = ()>,
) -> Option<(&'a str, T)> {
    let (rest, read) = parser.parse(input.as_bytes()).ok()?;
    Some((input.get(input.len() - rest.len()..)?, read))
}

/// Splits off the bytes that are accepted. Returns the rest, and these bytes.
#[inline]
pub(crate) fn take_bytes_while(input: &str, accept: impl Fn(u8) -> bool) -> (&str, &str) {
    let length = match_start(input, take_while(accept)).map_or(0, |(_, run)| run.len());
    let (run, rest) = input.split_at_checked(length).unwrap_or_default();
    (rest, run)
}

/// The next byte; 0 at the end.
#[inline]
pub(crate) fn first_byte(input: &str) -> u8 {
    input.bytes().next().unwrap_or(0)
}

/// Whether the filter ends here.
#[inline]
pub(crate) fn at_close(input: &str) -> bool {
    input.is_empty() || matches!(first_byte(input), b')' | b']')
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' '
}

/// The bytes of names, of the URIs before them and of the dots between them.
pub(crate) fn is_path_byte(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'?'..=b'Z' | b'*'..=b';' | b'#'..=b'\'' | b'!' | b'=' | b'_' | b'~')
}

/// The bytes of a literal without quotation marks.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'\\' | 0x7f)
}

/// The bytes that need no escape in a JSON string. A table, since most of a filter is strings.
#[inline]
fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0x20;
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        while byte < 256 {
            plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
            byte += 1;
        }
        plain
    };
    PLAIN.get(usize::from(byte)) == Some(&true)
}

/// A range that looks like one token, for an error to point to.
pub(crate) fn token_at(input: &str) -> &str {
    if first_byte(input) == b'"' {
        return match string(input) {
            Ok((rest, _)) => input.strip_suffix(rest).unwrap_or(input),
            Err(_) => input,
        };
    }
    let (_, word) = take_bytes_while(input, |byte| !matches!(byte, b' ' | b'(' | b')' | b'[' | b']' | b'"'));
    match input.chars().next() {
        Some(c) if word.is_empty() => input.get(..c.len_utf8()).unwrap_or_default(),
        _ => word,
    }
}

/// Parses a JSON string (RFC 8259 section 7).
#[inline]
pub(crate) fn string(input: &str) -> Parsed<'_, CompactString> {
    let body = input.get(1..).unwrap_or_default();
    let (rest, plain) = take_bytes_while(body, is_plain);
    match rest.strip_prefix('"') {
        Some(rest) => Ok((rest, plain.into())),
        None => irregular_string(input, plain, rest),
    }
}

/// Parses the rest of a string with escapes.
#[inline(never)]
fn irregular_string<'a>(input: &'a str, plain: &str, mut rest: &'a str) -> Parsed<'a, CompactString> {
    let mut text = plain.to_owned();
    loop {
        let c;
        (rest, c) = match first_byte(rest) {
            b'"' => return Ok((rest.get(1..).unwrap_or_default(), text.into())),
            b'\\' => escape(rest).ok_or_else(|| {
                let expected = "an escape of JSON, such as `\\\"` or `\\u00e9`";
                SyntaxError::new(Kind::Literal, rest, "\\", expected)
            })?,
            _ if rest.is_empty() => {
                return Err(SyntaxError::new(
                    Kind::Literal,
                    input,
                    input,
                    "a string that ends with a double quote, `\"`",
                ));
            }
            _ => return Err(SyntaxError::new(Kind::Literal, rest, " ", "control characters to be escaped")),
        };
        text.push(c);
        let plain;
        (rest, plain) = take_bytes_while(rest, is_plain);
        text.push_str(plain);
    }
}

/// Parses an escape, from its backslash.
fn escape(input: &str) -> Option<(&str, char)> {
    let mut chars = input.chars();
    let c = match (chars.next()?, chars.next()?) {
        ('\\', c @ ('"' | '\\' | '/')) => c,
        ('\\', 'b') => '\u{8}',
        ('\\', 'f') => '\u{c}',
        ('\\', 'n') => '\n',
        ('\\', 'r') => '\r',
        ('\\', 't') => '\t',
        _ => return unicode_escape(input),
    };
    Some((chars.as_str(), c))
}

/// Parses a UTF-16 code unit, which is `\u` and four digits, or a surrogate pair.
fn unicode_escape(input: &str) -> Option<(&str, char)> {
    let (rest, first) = code_unit(input)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some((rest, c));
    }
    let (rest, second) = code_unit(rest)?;
    Some((rest, char::decode_utf16([first, second]).next()?.ok()?))
}

fn code_unit(input: &str) -> Option<(&str, u16)> {
    let (digits, rest) = input.strip_prefix("\\u")?.split_at_checked(4)?;
    let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    Some((rest, u16::from_str_radix(digits, 16).ok().filter(|_| hex)?))
}
