//! The form of the Authorization header (RFC 9110 section 11.6.2), and what the answer says if it is wrong.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::Error;

/// The credentials of a request, if they have the form `scheme credentials`: the scheme and what follows it.
///
/// # Errors
///
/// The detail of an error 401 that says what is wrong with the header.
pub(crate) fn parse(headers: &HeaderMap) -> Result<(&[u8], &[u8]), &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes().trim_ascii());
    let value = values.next().unwrap_or_default();
    if value.is_empty() {
        return Err("authentication is required; send an Authorization header");
    }
    if values.next().is_some() {
        return Err("authentication is required; send one Authorization header, not several");
    }
    let space = value.iter().position(|byte| *byte == b' ');
    match space.and_then(|space| value.split_at_checked(space)) {
        Some((scheme, credentials)) => Ok((scheme, credentials.trim_ascii())),
        None => Err(
            "authentication is required; the Authorization header must be a scheme, a space and credentials, \
                     as in `Bearer <token>`",
        ),
    }
}

/// Adds to an error 401 what is wrong with the form of the header.
pub(crate) fn explain(error: Error, headers: &HeaderMap) -> Error {
    match parse(headers) {
        Err(detail) if error.status() == StatusCode::UNAUTHORIZED => error.with_detail(detail),
        _ => error,
    }
}
