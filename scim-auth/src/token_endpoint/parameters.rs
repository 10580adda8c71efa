//! The parameters of a request for an access token.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::error::TokenError;

/// The longest body in bytes. An assertion may have 16 KiB.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// The parameters in the form of a request. Those with an empty value count as missing (RFC 6749 section 3.2).
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// # Errors
    ///
    /// If the request is no POST of a form, or repeats a parameter.
    pub(super) fn parse(parts: &Parts, body: &[u8]) -> Result<Self, TokenError> {
        if parts.method != http::Method::POST {
            return Err(TokenError::method_not_allowed());
        }
        if body.len() > MAX_BODY {
            return Err(TokenError::too_large());
        }
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(TokenError::invalid_request(
                "the URL has a query, which may get into logs; send all parameters in the body",
            ));
        }
        let content_type =
            parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(TokenError::invalid_request(
                "the Content-Type must be `application/x-www-form-urlencoded`",
            ));
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(TokenError::invalid_request(format!(
                    "the parameter `{}` is there twice; send it once",
                    name.escape_debug()
                )));
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter; `None` if it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
