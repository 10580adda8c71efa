//! The authentication schemes that a service announces.

use serde::Serialize;

/// A way to authenticate that the service announces in its `authenticationSchemes` (RFC 7643 section 5) and
/// asks for with `WWW-Authenticate` when a request has no [`Identity`](crate::Identity).
///
/// It only announces: [`Authenticate`](crate::Authenticate) or the host's middleware does the authentication.
///
/// ```
/// use scim_core::{AuthenticationScheme, MemoryProvider, ScimService};
///
/// let client_certificate = AuthenticationScheme::new("tlsclientcertificate", "Mutual TLS", "A client certificate")
///     .spec_uri("https://www.rfc-editor.org/info/rfc8705");
/// let service = ScimService::builder()
///     .base_url("https://example.com/scim/v2")
///     .users(MemoryProvider::new())
///     .authentication([AuthenticationScheme::bearer().primary(), client_certificate])
///     .build()?;
/// # Ok::<(), scim_core::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct AuthenticationScheme {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation_uri: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    primary: bool,
    #[serde(skip)]
    challenge: Option<String>,
}

impl AuthenticationScheme {
    /// Announces a scheme by its type, such as `oauth2`, a short name, and a description for people.
    ///
    /// RFC 7643 section 5 names the types `oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` and
    /// `httpdigest`; others are allowed.
    pub fn new(
        scheme_type: impl Into<String>,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            kind: scheme_type.into(),
            name: name.into(),
            description: description.into(),
            spec_uri: None,
            documentation_uri: None,
            primary: false,
            challenge: None,
        }
    }

    /// Announces OAuth 2.0 bearer tokens (RFC 6750).
    pub fn bearer() -> Self {
        Self::new("oauthbearertoken", "OAuth Bearer Token", "A bearer token in the Authorization header")
            .spec_uri("https://www.rfc-editor.org/info/rfc6750")
            .challenge("Bearer realm=\"scim\"")
    }

    /// Announces HTTP Basic (RFC 7617), which RFC 7644 section 2 discourages.
    pub fn basic() -> Self {
        Self::new("httpbasic", "HTTP Basic", "A user name and a password in the Authorization header")
            .spec_uri("https://www.rfc-editor.org/info/rfc7617")
            .challenge("Basic realm=\"scim\"")
    }

    /// Sets the URL of the scheme's specification.
    pub fn spec_uri(mut self, uri: impl Into<String>) -> Self {
        self.spec_uri = Some(uri.into());
        self
    }

    /// Sets the URL of the host's documentation of the scheme.
    pub fn documentation_uri(mut self, uri: impl Into<String>) -> Self {
        self.documentation_uri = Some(uri.into());
        self
    }

    /// Marks the scheme as the preferred one. At most one scheme of a service is.
    pub fn primary(mut self) -> Self {
        self.primary = true;
        self
    }

    /// Sets the `WWW-Authenticate` challenge that a response with status 401 has for the scheme, such as
    /// `Bearer realm="scim"`. Without one the scheme is announced only; at least one scheme of a service should
    /// have a challenge, since a response with status 401 needs one (RFC 9110 section 11.6.1).
    pub fn challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.primary
    }

    /// The challenge for the `WWW-Authenticate` header.
    pub(crate) fn header(&self) -> Option<&str> {
        self.challenge.as_deref()
    }
}
