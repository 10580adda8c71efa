//! Media types (RFC 7644 sections 3.1 and 3.8).

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use crate::error::shortened;
use crate::{Error, Result};

/// The media types of a body; clients without SCIM support of their own send the second one.
const JSON: [&str; 2] = ["application/scim+json", "application/json"];

/// Refuses a body whose headers declare anything but uncompressed JSON in UTF-8. A body without a
/// Content-Type is taken for that.
pub(super) fn check_body(headers: &HeaderMap) -> Result<()> {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let plain = |coding: &[u8]| coding.trim_ascii().is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if !codings.flat_map(|list| list.as_bytes().split(|byte| *byte == b',')).all(|c| plain(c.trim_ascii())) {
        return Err(Error::encoded());
    }
    let Some(declared) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let is_json = declared.to_str().is_ok_and(|declared| {
        let media = essence(declared);
        media.is_empty() || JSON.iter().any(|json| media.eq_ignore_ascii_case(json))
    });
    if !is_json {
        let detail = "the body must be application/scim+json or application/json";
        return Err(Error::unsupported_media_type(detail));
    }
    match declared.to_str().ok().and_then(charset) {
        Some(charset) if !["utf-8", "utf8"].iter().any(|utf8| charset.eq_ignore_ascii_case(utf8)) => {
            let detail = format!("the body must be UTF-8, not `{}` (charset)", shortened(charset));
            Err(Error::unsupported_media_type(detail))
        }
        _ => Ok(()),
    }
}

/// The `charset` of a media type.
fn charset(declared: &str) -> Option<&str> {
    declared.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let charset = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("charset") && !charset.is_empty()).then_some(charset)
    })
}

/// The body without a byte order mark, which some programs put in front of UTF-8 (RFC 8259 section 8.1).
pub(super) fn check_utf8(body: &[u8]) -> Result<&[u8]> {
    match body {
        [0xef, 0xbb, 0xbf, text @ ..] => Ok(text),
        // JSON begins with an ASCII character; UTF-16 and UTF-32 encode it with a byte 0.
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..] => {
            Err(Error::invalid_syntax("the body looks like UTF-16 or UTF-32; send it as UTF-8"))
        }
        text => Ok(text),
    }
}

/// Refuses a client that does not accept the media types of the service.
pub(super) fn check_accepted(headers: &HeaderMap) -> Result<()> {
    let mut asked = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if asked.peek().is_none() || asked.any(|list| list.split(',').any(accepts)) {
        return Ok(());
    }
    Err(Error::new(
        StatusCode::NOT_ACCEPTABLE,
        "responses are application/scim+json; send `Accept: application/scim+json`",
    ))
}

/// Whether a media range includes the media type of the responses.
fn accepts(range: &str) -> bool {
    let media = essence(range);
    let is_included =
        JSON.iter().chain(&["application/*", "*/*", ""]).any(|included| media.eq_ignore_ascii_case(included));
    is_included && !range.split(';').skip(1).any(is_zero_weight)
}

/// Whether a parameter is `q=0`: not acceptable (RFC 9110 section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0_f32))
}

/// A media type without its parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, http::HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_body_is_json_or_not_declared() {
        let good: [&[u8]; 5] = [
            b"application/scim+json",
            b"Application/JSON; charset=utf-8",
            b"application/json;",
            b"",
            b" ; x=y",
        ];
        for good in good {
            assert!(check_body(&headers(CONTENT_TYPE, &[good])).is_ok(), "{good:?}");
        }
        assert!(check_body(&HeaderMap::new()).is_ok());
        let bad: [&[u8]; 4] =
            [b"text/plain", b"application/xml", b"multipart/form-data", b"application/\xe4"];
        for bad in bad {
            let error = check_body(&headers(CONTENT_TYPE, &[bad])).unwrap_err();
            assert_eq!(error.status(), 415, "{bad:?}");
        }
    }

    #[test]
    fn one_acceptable_range_is_enough() {
        let good: [&[&[u8]]; 7] = [
            &[],
            &[b"application/json"],
            &[b"text/html, application/*;q=0.1"],
            &[b"text/html", b"*/*"],
            &[b"application/scim+json;q=0, */*"],
            &[b""],
            &[b"\xff"],
        ];
        for good in good {
            assert!(check_accepted(&headers(ACCEPT, good)).is_ok(), "{good:?}");
        }
        let bad: [&[&[u8]]; 4] =
            [&[b"text/html"], &[b"text/*, image/png"], &[b"application/scim+json; q=0.0"], &[b"*/*; Q = 0"]];
        for bad in bad {
            assert_eq!(check_accepted(&headers(ACCEPT, bad)).unwrap_err().status(), 406, "{bad:?}");
        }
    }
}
