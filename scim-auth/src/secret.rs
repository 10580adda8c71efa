//! Random secrets, and the hashes by which they are known.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Error;

/// A token or client secret in clear text. It is shown once, when it is created; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Makes a secret of 256 random bits, whose prefix says what it is, so that scanners find leaked ones.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub(crate) fn random(prefix: &str) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::unavailable("there are no random numbers"))?;
        Ok(Self(Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())))))
    }

    /// The secret, to show it to the person who has created it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Does not show the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a secret, in hexadecimal digits. Without a salt, since secrets are random.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretHash(String);

impl SecretHash {
    pub(crate) fn of(secret: impl AsRef<[u8]>) -> Self {
        Self(hex(&Sha256::digest(secret)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the hash of a secret, found out in a time that does not depend on where they differ.
    pub(crate) fn matches(&self, secret: &str) -> bool {
        Self::of(secret).0.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_random_and_not_shown() {
        let (a, b) = (Secret::random("scim_").unwrap(), Secret::random("scim_").unwrap());
        assert_ne!(a, b);
        assert!(a.expose().starts_with("scim_") && a.expose().len() == 48, "{}", a.expose());
        assert!(!format!("{a:?}").contains(a.expose()));
        let hash = SecretHash::of(a.expose());
        assert!(hash.matches(a.expose()) && !hash.matches(b.expose()) && !hash.matches(""));
        assert_eq!(hash.as_str().len(), 64);
    }
}
