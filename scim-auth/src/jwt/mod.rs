//! JSON Web Tokens (RFC 7519) with signatures (RFC 7515), and the keys that verify them (RFC 7517).

mod claims;
mod key_cache;
mod keys;
mod token;

pub(crate) use claims::Claims;
pub(crate) use key_cache::KeyError;
pub use key_cache::{FetchKeys, KeyCache};
pub(crate) use keys::{KeySet, KeySource, PublicKey};
pub(crate) use token::Jwt;

/// Why a JWT is refused. The texts help whoever has the token to find the mistake, and say nothing about tokens that are not
/// signed by an issuer that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidJwt {
    /// The text is not a JWT with a signature.
    #[error("the token is not a signed JWT: {0}")]
    Malformed(&'static str),
    /// The algorithm is `none`, symmetric, or another that is not allowed.
    #[error(
        "the token is signed by an algorithm that is not accepted; sign it with RS256, PS256, ES256 or EdDSA"
    )]
    Algorithm,
    /// Nobody knows whether the rest of the token is true.
    #[error("the token is not signed by an issuer that is trusted here, with one of its present keys")]
    NotTrusted,
    #[error("the token has expired; its `exp` is in the past")]
    Expired,
    #[error("the token is not valid yet; its `nbf` is in the future")]
    NotYetValid,
    #[error("the token is for another audience; its `aud` is not the one that is configured here")]
    Audience,
    #[error("the token is of another subject; its `sub` is not one that is configured here")]
    Subject,
    #[error("the token is of another tenant; its `{0}` is not one that is configured here")]
    Tenant(String),
    #[error("the token has no `{0}`, or one of a wrong type")]
    Claim(String),
    #[error("the token is valid for more than 24 hours; its `exp` is too far in the future")]
    TooLong,
    #[error("the token has been used already; send one with a new `jti`")]
    Used,
}
