//! The bearer token of a request.

use http::HeaderMap;

use super::Refusal;
use crate::{Challenge, authorization_header};

/// Reads the bearer token of a request from its `Authorization` header (RFC 6750 section 2.1), for an
/// [`Authenticate`](crate::Authenticate) that looks tokens up itself. Tokens in the body or in the query are not read.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// assert_eq!(scim_core::bearer_token(&headers).unwrap_err().status(), 401);
/// headers.insert("authorization", "Bearer 8f14e45fceea167a".parse()?);
/// assert_eq!(scim_core::bearer_token(&headers)?, b"8f14e45fceea167a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Refusal::unauthorized`] with the challenge `Bearer`, if the header is missing, malformed, there twice, or of another
/// scheme. The detail says which.
pub fn bearer_token(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let missing = |detail| Refusal::unauthorized(Challenge::bearer()).with_detail(detail);
    match authorization_header::parse(headers).map_err(missing)? {
        (scheme, token) if scheme.eq_ignore_ascii_case(b"Bearer") => Ok(token),
        _ => Err(missing("authentication is required; send a bearer token")),
    }
}
