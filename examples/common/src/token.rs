//! The bearer token that authenticates the client (RFC 6750).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash of a bearer token. Comparing hashes takes the same time for every token that a client sends, and neither
/// log output nor a core dump contains the token.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Hashes a token.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Generates a random token of 256 bits, as hexadecimal text.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub fn random() -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether the value of an `Authorization` header is `Bearer` with this token.
    #[must_use]
    pub fn is_carried_by(&self, authorization: Option<&[u8]>) -> bool {
        let mut parts = authorization.unwrap_or_default().splitn(2, |byte| *byte == b' ');
        let scheme = parts.next().unwrap_or_default();
        let sent = parts.next().unwrap_or_default().trim_ascii();
        scheme.eq_ignore_ascii_case(b"Bearer") && bool::from(Sha256::digest(sent).ct_eq(&self.0))
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_token_is_accepted() {
        let token = Token::new("secret");
        for header in ["Bearer secret", "bearer secret", "BEARER  secret "] {
            assert!(token.is_carried_by(Some(header.as_bytes())), "{header}");
        }
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer secre",
            "Bearer secrets",
            "Bearer Secret",
            "Basic secret",
            "secret",
        ] {
            assert!(!token.is_carried_by(Some(header.as_bytes())), "{header}");
        }
        assert!(!token.is_carried_by(None));
        assert!(!Token::new("").is_carried_by(None), "a missing header does not match an empty token");
    }

    #[test]
    fn random_tokens_differ() {
        let (first, second) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(first.len(), 64);
        assert_ne!(first, second);
    }
}
