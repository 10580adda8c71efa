//! The key that encrypts signing keys in the store.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// A secret key of 256 bits, with which processes that share a store encrypt the private keys in it (AES-256-GCM).
///
/// ```
/// use scim_auth::SealingKey;
///
/// // From `openssl rand -base64 32`.
/// let key: SealingKey = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=".parse()?;
/// assert!("secret".parse::<SealingKey>().is_err());
/// # Ok::<(), scim_auth::InvalidSealingKey>(())
/// ```
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// The text is no [`SealingKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key must be 32 random bytes, in base64 or hexadecimal digits; make one with `openssl rand -base64 32`"
)]
pub struct InvalidSealingKey;

/// Base64 with and without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl std::str::FromStr for SealingKey {
    type Err = InvalidSealingKey;

    /// Reads 32 bytes in base64, in base64url, or in 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, InvalidSealingKey> {
        let bytes = if text.len() == 64 {
            hexadecimal(text)
        } else {
            let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
            GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
        };
        let bytes = Zeroizing::new(bytes.ok_or(InvalidSealingKey)?);
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(|key| Self(Zeroizing::new(key)))
            .map_err(|_| InvalidSealingKey)
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

impl SealingKey {
    /// Encrypts a private key. The text that belongs to it cannot be changed without being noticed. Returns the nonce,
    /// followed by the encrypted key and a tag.
    pub(super) fn seal(&self, private: &[u8], belongs_to: &str) -> Option<Vec<u8>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*self.0).ok()?;
        let mut sealed = private.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(belongs_to), &mut sealed).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts a private key; `None` if another key has encrypted it, or if it was changed.
    pub(super) fn open(&self, sealed: &[u8], belongs_to: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*self.0).ok()?;
        let (nonce, sealed) = sealed.split_at_checked(aws_lc_rs::aead::NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let length = key.open_in_place(nonce, Aad::from(belongs_to), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// Does not show the key.
impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_opens_with_the_same_key_and_text_only() {
        let key = |digit: &str| digit.repeat(64).parse::<SealingKey>().unwrap();
        let sealed = key("a").seal(b"private", "k1").unwrap();
        assert_eq!(key("a").open(&sealed, "k1").unwrap().as_slice(), b"private");
        assert!(key("a").open(&sealed, "k2").is_none());
        assert!(key("b").open(&sealed, "k1").is_none());
        assert!(key("a").open(&sealed[..5], "k1").is_none());
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        assert_ne!(sealed, key("a").seal(b"private", "k1").unwrap());
    }

    #[test]
    fn keys_have_32_bytes_in_base64_or_hexadecimal_digits() {
        let bytes = [0xfb; 32];
        let standard = base64::engine::general_purpose::STANDARD.encode(bytes);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        for text in
            [standard.as_str(), standard.trim_end_matches('='), &url_safe, &"fb".repeat(32), &"FB".repeat(32)]
        {
            assert_eq!(*text.parse::<SealingKey>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "secret", &"fb".repeat(31), &"gb".repeat(32), &format!("{standard}AA"), "é"] {
            assert_eq!(text.parse::<SealingKey>().unwrap_err(), InvalidSealingKey, "{text}");
        }
    }
}
