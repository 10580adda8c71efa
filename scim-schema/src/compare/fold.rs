//! Folding: bringing text into the form in which equal texts are the same.

use std::borrow::Cow;

use unicode_normalization::char::decompose_compatible;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Unicode simple case folding (CaseFolding.txt, statuses C and S): one character to one.
pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    unicode_case_mapping::case_folded(c).and_then(|folded| char::from_u32(folded.get())).unwrap_or(c)
}

/// A user name: width mapping, case folding, composition (RFC 8265 section 3.3).
///
/// Composed before it is folded as well as after, since folding takes characters as they are: only
/// then do all ways of writing the same name fold to the same text.
pub(crate) fn fold_user_name(text: &str) -> String {
    let mut folded: String = text.chars().map(map_width).nfc().map(fold_char).collect();
    while !is_nfc(&folded) {
        folded = folded.nfc().map(fold_char).collect();
    }
    folded
}

/// The usual form of a full-width or half-width character (RFC 8265 section 3.3.2): one character
/// to one.
fn map_width(c: char) -> char {
    let jamo = |from: char, to: u32| char::from_u32(c as u32 - from as u32 + to).unwrap_or(c);
    match c {
        // The compatible decomposition of these would change more than the width.
        '\u{ffa0}' => '\u{3164}',
        '\u{ffa1}'..='\u{ffbe}' => jamo('\u{ffa1}', 0x3131),
        '\u{ffc2}'..='\u{ffc7}' => jamo('\u{ffc2}', 0x314f),
        '\u{ffca}'..='\u{ffcf}' => jamo('\u{ffca}', 0x3155),
        '\u{ffd2}'..='\u{ffd7}' => jamo('\u{ffd2}', 0x315b),
        '\u{ffda}'..='\u{ffdc}' => jamo('\u{ffda}', 0x3161),
        '\u{ffe3}' => '\u{af}',
        '\u{3000}' | '\u{ff00}'..='\u{ffef}' => {
            let mut mapped = c;
            decompose_compatible(c, |part| mapped = part);
            mapped
        }
        _ => c,
    }
}

/// The URI of a resource, without what does not tell resources apart: the API version (RFC 7643
/// section 2.4, RFC 7644 section 3.13), and what RFC 3986 section 6.2.2 calls equivalent in the case
/// of scheme and host and in percent-encoding.
pub(crate) fn fold_reference(text: &str) -> Cow<'_, str> {
    let mut uri = if text.contains('%') { Cow::Owned(normalize_percent(text)) } else { Cow::Borrowed(text) };
    let host_end = uri
        .split_once("://")
        .map_or(0, |(scheme, rest)| scheme.len() + 3 + rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some(head) = uri.get(..host_end)
        && head.bytes().any(|b| b.is_ascii_uppercase())
        && let Some(head) = uri.to_mut().get_mut(..host_end)
    {
        head.make_ascii_lowercase();
    }
    while let Some(version) = version_segment(&uri, host_end) {
        uri.to_mut().replace_range(version, "");
    }
    uri
}

/// Where in a URI the segment `v2/` in front of an endpoint and an id is.
fn version_segment(uri: &str, host_end: usize) -> Option<std::ops::Range<usize>> {
    let path = uri.get(host_end..)?;
    let path = path.split(['?', '#']).next()?;
    let mut segments = path.rsplitn(4, '/');
    let (id, endpoint, version) = (segments.next()?, segments.next()?, segments.next()?);
    let number = version.strip_prefix('v')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !is_number || id.is_empty() || endpoint.is_empty() {
        return None;
    }
    let end = host_end + path.len() - id.len() - endpoint.len() - 1;
    Some(end - version.len() - 1..end)
}

/// Percent-encoding in one way: none for what needs none, capital digits for the rest.
///
/// The crate `percent-encoding` decodes everything or nothing. Here `%2F` must stay, since a URI with `/` in
/// its place is another one (RFC 3986 section 6.2.2.2), and so must a `%` without digits.
fn normalize_percent(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte))
            }
            Some(byte) => normal.push_str(&format!("%{byte:02X}")),
            None => normal.push('%'),
        }
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    normal.push_str(rest);
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_protocol_does_not_tell_resources_apart() {
        for (uri, folded) in [
            ("https://example.com/v2/Users/12", "https://example.com/Users/12"),
            ("https://example.com/Users/12", "https://example.com/Users/12"),
            (
                "https://example.com/scim/v2.1/Users/12?x=/v1/a/b",
                "https://example.com/scim/Users/12?x=/v1/a/b",
            ),
            ("/v2/Users/12", "/Users/12"),
            ("v2/Users/12", "Users/12"),
            ("HTTPS://Example.COM/Users/Ab", "https://example.com/Users/Ab"),
            ("https://example.com/Users/%41%2f%e9%zz%", "https://example.com/Users/A%2F%E9%zz%"),
            ("https://v2/Users/12", "https://v2/Users/12"),
            ("https://example.com/v2/v1/Users/12", "https://example.com/Users/12"),
            // Not in front of an endpoint and an id.
            ("https://example.com/v2/Users/", "https://example.com/v2/Users/"),
            ("https://example.com/Users/v2", "https://example.com/Users/v2"),
            ("https://example.com/va/Users/12", "https://example.com/va/Users/12"),
            ("https://example.com/v/Users/12", "https://example.com/v/Users/12"),
            ("urn:example:Ab", "urn:example:Ab"),
            ("", ""),
        ] {
            assert_eq!(fold_reference(uri), folded, "{uri}");
        }
    }

    #[test]
    fn width_is_all_that_width_mapping_changes() {
        for c in '\u{ff00}'..='\u{ffef}' {
            let mut parts = Vec::new();
            decompose_compatible(c, |part| parts.push(part));
            // Where the decomposition goes further than the width, it goes through the usual form.
            let mut through = Vec::new();
            decompose_compatible(map_width(c), |part| through.push(part));
            assert_eq!(parts, through, "{c:?}");
        }
        assert_eq!(map_width('ﾡ'), 'ㄱ');
        assert_eq!(map_width('\u{ffdc}'), 'ㅣ');
        assert_eq!(map_width('￣'), '¯');
        assert_eq!(map_width('ｶ'), 'カ');
        assert_eq!(map_width('\u{3000}'), ' ');
        assert_eq!(map_width('ﬁ'), 'ﬁ');
    }
}
