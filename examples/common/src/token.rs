//! The bearer token that the client is known by (RFC 6750).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What is kept of a token: its hash, so that comparing takes the same time whatever is sent, and
/// neither a debugger's view nor a core file shows it.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Keeps a token.
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// A token that nobody can guess, as text.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub fn random() -> Result<String, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether an `Authorization` header carries this token.
    pub fn is_in(&self, authorization: Option<&[u8]>) -> bool {
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
    fn only_the_token_itself_is_let_in() {
        let token = Token::new("secret");
        for header in ["Bearer secret", "bearer secret", "BEARER  secret "] {
            assert!(token.is_in(Some(header.as_bytes())), "{header}");
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
            assert!(!token.is_in(Some(header.as_bytes())), "{header}");
        }
        assert!(!token.is_in(None));
        assert!(!Token::new("").is_in(None), "no token is no token");
    }

    #[test]
    fn tokens_that_are_made_differ() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }
}
