//! Challenges: the values of `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 6750 section 3).

use std::fmt::{self, Write};

/// A challenge that a response carries in `WWW-Authenticate`: the scheme by which a client should authenticate, and
/// parameters that say what is wrong (RFC 9110 section 11.6.1).
///
/// If the service [announces](crate::AuthenticationScheme) a challenge of the same scheme, the response has both in one:
/// the announced one, which usually has the realm, followed by these parameters. A challenge with a realm of its own
/// replaces the announced one.
///
/// ```
/// use scim_core::Challenge;
///
/// let challenge = Challenge::bearer().realm("scim").error("invalid_token").error_description("the token has expired");
/// assert_eq!(
///     challenge.to_string(),
///     r#"Bearer realm="scim", error="invalid_token", error_description="the token has expired""#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A challenge without parameters. The scheme is a token such as `Bearer` or `Basic`; other characters are left
    /// out.
    pub fn new(scheme: &str) -> Self {
        Self { scheme: token(scheme), parameters: Vec::new() }
    }

    /// A challenge that asks for a bearer token (RFC 6750 section 3).
    pub fn bearer() -> Self {
        Self::new("Bearer")
    }

    /// Names the part of the server that the credentials are for (RFC 9110 section 11.5).
    pub fn realm(self, realm: &str) -> Self {
        self.parameter("realm", realm)
    }

    /// Says why the request was refused: `invalid_request`, `invalid_token` or `insufficient_scope` (RFC 6750 section
    /// 3.1). A request without credentials is answered without an error.
    pub fn error(self, code: &str) -> Self {
        self.parameter("error", code)
    }

    /// Explains the error to developers (RFC 6750 section 3).
    pub fn error_description(self, description: &str) -> Self {
        self.parameter("error_description", description)
    }

    /// Names the scopes that a token needs, with spaces between them (RFC 6750 section 3).
    pub fn scope(self, scope: &str) -> Self {
        self.parameter("scope", scope)
    }

    /// Adds any other parameter. The value may have the characters that RFC 6750 section 3 allows: printable ASCII
    /// without `"` and `\`. Each other character becomes `?`, so that a value cannot end the parameter or the header.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        let is_allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let value = value.chars().map(|c| if is_allowed(&c) { c } else { '?' }).collect();
        self.parameters.push((token(name), value));
        self
    }

    /// This challenge, joined with one that the service announces; `None` if that is of another scheme.
    pub(crate) fn joined_with(&self, announced: &str) -> Option<String> {
        let scheme = announced.split(' ').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(&self.scheme) {
            return None;
        }
        if self.parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case("realm")) {
            return Some(self.to_string());
        }
        let mut joined = announced.trim_end().to_owned();
        let separator = if joined.len() == scheme.len() { " " } else { ", " };
        if !self.parameters.is_empty() {
            joined.push_str(separator);
            // Writing to a String never fails.
            let _ = self.write_parameters(&mut joined);
        }
        Some(joined)
    }

    fn write_parameters(&self, out: &mut impl Write) -> fmt::Result {
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(out, "{separator}{name}=\"{value}\"")?;
        }
        Ok(())
    }
}

/// The characters of a text that a token may have (RFC 9110 section 5.6.2).
fn token(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c)).collect()
}

/// The value of the header.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        if !self.parameters.is_empty() {
            f.write_str(" ")?;
        }
        self.write_parameters(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_the_parameter_or_the_header() {
        let challenge = Challenge::new("Bea\r\n rer").parameter("no te", "a\"b\\c\r\nSet-Cookie: x=1\té");
        assert_eq!(challenge.to_string(), r#"Bearer note="a?b?c??Set-Cookie: x=1??""#);
    }

    #[test]
    fn an_announced_challenge_of_the_same_scheme_gets_the_parameters() {
        let invalid = Challenge::bearer().error("invalid_token").scope("read write");
        for (announced, joined) in [
            (
                "Bearer realm=\"scim\"",
                Some(r#"Bearer realm="scim", error="invalid_token", scope="read write""#),
            ),
            ("bearer", Some(r#"bearer error="invalid_token", scope="read write""#)),
            ("Basic realm=\"scim\"", None),
            ("BearerX", None),
        ] {
            assert_eq!(invalid.joined_with(announced).as_deref(), joined, "{announced}");
        }
        let announced = "Bearer realm=\"scim\"";
        assert_eq!(Challenge::bearer().joined_with(announced).as_deref(), Some(announced));
        let other_realm = Challenge::bearer().realm("other").error("invalid_token");
        assert_eq!(other_realm.joined_with(announced), Some(other_realm.to_string()));
        assert_eq!(Challenge::new("Basic").to_string(), "Basic");
    }
}
