//! The URL below which clients find a service.

use std::fmt;
use std::str::FromStr;

/// The base URL of one request, for hosts that serve several (tenants by path or by name).
///
/// The host's middleware puts it into the request's extensions, where it takes the place of the service's
/// [own](crate::ScimServiceBuilder::base_url).
///
/// ```
/// use scim_core::BaseUrl;
///
/// let base: BaseUrl = "https://example.com/contoso/scim/v2/".parse()?;
/// assert_eq!(base.as_str(), "https://example.com/contoso/scim/v2");
/// assert!("/contoso/scim/v2".parse::<BaseUrl>().is_err());
/// # Ok::<(), scim_core::InvalidBaseUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Checks a base URL, and removes slashes at its end.
    ///
    /// # Errors
    ///
    /// If it is not an absolute `http` or `https` URL with a host, or has a query, a fragment, a blank or a
    /// character that a header cannot hold.
    pub fn new(url: impl Into<String>) -> Result<Self, InvalidBaseUrl> {
        let mut url = url.into();
        url.truncate(url.trim_end_matches('/').len());
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let is_excluded = |c: char| matches!(c, '?' | '#') || c.is_whitespace() || c.is_control();
        match rest {
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(is_excluded) => {
                Ok(Self(url))
            }
            _ => Err(InvalidBaseUrl(url)),
        }
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(url: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`BaseUrl`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBaseUrl(String);

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        write!(
            f,
            "the base URL must be absolute, such as `https://example.com/scim/v2`, without a query or \
             fragment; it is `{}`",
            url.escape_debug()
        )
    }
}

impl std::error::Error for InvalidBaseUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_http_urls_without_query_or_fragment_are_base_urls() {
        for (text, url) in [
            ("https://example.com", "https://example.com"),
            ("http://localhost:8080/scim/v2//", "http://localhost:8080/scim/v2"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a"),
        ] {
            assert_eq!(BaseUrl::new(text).unwrap().as_str(), url);
        }
        for text in [
            "",
            "/",
            "https://",
            "https:///v2",
            "example.com/v2",
            "ftp://example.com",
            "https://example.com?x",
            "https://example.com/#a",
            "https://exa mple.com",
            "https://example.com/\n",
        ] {
            assert!(BaseUrl::new(text).is_err(), "{text:?}");
        }
    }
}
