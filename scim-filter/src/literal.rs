//! Reading the tokens of a filter: runs of characters, and JSON strings.

use nom::Parser;
use nom::bytes::complete::take_while;

use crate::error::ParseErrorKind as Kind;
use crate::parse::{Fault, Parsed};

/// Applies a parser of bytes: what is left, and what was read, if it fits.
///
/// Filters are read as bytes, since all that has a meaning in them is ASCII. A parser that ends
/// inside a character does not fit.
#[inline]
pub(crate) fn lex<'a, T>(
    input: &'a str,
    mut parser: impl Parser<&'a [u8], Output = T, Error = ()>,
) -> Option<(&'a str, T)> {
    let (rest, read) = parser.parse(input.as_bytes()).ok()?;
    Some((input.get(input.len() - rest.len()..)?, read))
}

/// Reads bytes as long as they are accepted: what is left, and what was read.
#[inline]
pub(crate) fn run(input: &str, accept: impl Fn(u8) -> bool) -> (&str, &str) {
    let length = lex(input, take_while(accept)).map_or(0, |(_, run)| run.len());
    let (run, rest) = input.split_at_checked(length).unwrap_or_default();
    (rest, run)
}

/// The byte that comes next, 0 at the end.
#[inline]
pub(crate) fn next(input: &str) -> u8 {
    input.bytes().next().unwrap_or(0)
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' '
}

/// Reads what looks like one thing, so that an error can point to it.
pub(crate) fn token(input: &str) -> &str {
    if let Ok((rest, _)) = string(input) {
        return input.strip_suffix(rest).unwrap_or(input);
    }
    if input.starts_with('"') {
        return input;
    }
    let (_, word) = run(input, |b| !b" ()[]\"".contains(&b));
    match input.chars().next() {
        Some(c) if word.is_empty() => input.get(..c.len_utf8()).unwrap_or_default(),
        _ => word,
    }
}

/// Reads a JSON string (RFC 8259 section 7).
pub(crate) fn string(input: &str) -> Parsed<'_, Box<str>> {
    let Some(body) = input.strip_prefix('"') else {
        return Fault::at(Kind::Literal, input, "", "a quoted string");
    };
    let (rest, plain) = run(body, is_plain);
    match rest.strip_prefix('"') {
        Some(rest) => Ok((rest, plain.into())),
        None => escaped(input, rest, plain.to_owned()),
    }
}

/// Reads the rest of a string, from the first character that is not plain.
fn escaped<'a>(input: &'a str, mut rest: &'a str, mut text: String) -> Parsed<'a, Box<str>> {
    loop {
        let c;
        (rest, c) = match rest.chars().next() {
            Some('"') => return Ok((rest.get(1..).unwrap_or_default(), text.into())),
            Some('\\') => match escape(rest) {
                Some(escape) => escape,
                None => {
                    let expected = "an escape of JSON, such as `\\\"` or `\\u00e9`";
                    return Fault::at(Kind::Literal, rest, "\\", expected);
                }
            },
            Some(_) => return Fault::at(Kind::Literal, rest, " ", "control characters to be escaped"),
            None => return Fault::at(Kind::Literal, input, input, "a string that ends with `\"`"),
        };
        text.push(c);
        let plain;
        (rest, plain) = run(rest, is_plain);
        text.push_str(plain);
    }
}

fn is_plain(byte: u8) -> bool {
    byte != b'"' && byte != b'\\' && byte >= b' '
}

/// Reads an escape, from its backslash.
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

/// Reads one UTF-16 code unit as `\uXXXX`, or a surrogate pair of them.
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
