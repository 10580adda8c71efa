//! URLs of resources, and percent-encoding (RFC 3986 section 2.1).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is encoded in a segment of a path (RFC 3986 section 3.3).
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b':')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// The URL of a resource.
pub(crate) fn resource_url(base_url: &str, endpoint: &str, id: &str) -> String {
    let mut url = String::with_capacity(base_url.len() + endpoint.len() + 1 + id.len());
    url.push_str(base_url);
    url.push_str(endpoint);
    url.push('/');
    url.extend(utf8_percent_encode(id, PATH_SEGMENT));
    url
}

/// Decodes a segment of a path; `None` if the result is not UTF-8. A `%` that begins no code stands for
/// itself.
pub(crate) fn decode_segment(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

/// Decodes a name or value of a query, where `+` stands for a blank; `None` if the result is not UTF-8.
pub(crate) fn decode_query(text: &str) -> Option<String> {
    decode_segment(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_either_case_and_keeps_lone_percent_signs() {
        assert_eq!(decode_query("a%2Fb%2fc+d").as_deref(), Some("a/b/c d"));
        assert_eq!(decode_query("a%2Bb").as_deref(), Some("a+b"));
        assert_eq!(decode_segment("a+b").as_deref(), Some("a+b"));
        assert_eq!(decode_query("100%").as_deref(), Some("100%"));
        assert_eq!(decode_query("%zz%4").as_deref(), Some("%zz%4"));
        assert_eq!(decode_query("%ff"), None);
    }

    #[test]
    fn encodes_an_id_as_one_segment_of_a_path() {
        let url = |id| resource_url("https://example.com/v2", "/Users", id);
        assert_eq!(url("a-b.c_d~@:!$&'()*+,;="), "https://example.com/v2/Users/a-b.c_d~@:!$&'()*+,;=");
        assert_eq!(url("a/b?c#d%\u{e9} "), "https://example.com/v2/Users/a%2Fb%3Fc%23d%25%C3%A9%20");
    }
}
