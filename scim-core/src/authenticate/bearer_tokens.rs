//! Fixed bearer tokens (RFC 6750).

use std::fmt;

use async_trait::async_trait;
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::{Authenticate, Refusal, bearer_token};
use crate::{Challenge, Identity};

/// Authenticates clients by bearer tokens that are known when the application starts (RFC 6750 section 2.1). Each token
/// has its own [`Identity`]: name, tenant and scopes.
///
/// | Authorization header | answer |
/// |---|---|
/// | missing, malformed, or of another scheme | 401 with the challenge `Bearer` |
/// | `Bearer` and an unknown token | 401 with the challenge `Bearer error="invalid_token"` |
/// | `Bearer` and one of the tokens | the service answers |
///
/// The realm of the challenge is that of the [scheme](crate::AuthenticationScheme::bearer) that the service announces.
///
/// Only the SHA-256 of each token is kept. The hash of what a client sends is compared with all of them in constant time,
/// so the time of an answer does not depend on how much of a token was right, on its length, or on which token it was.
/// A hash protects long random tokens only: use at least 128 random bits.
///
/// ```
/// use scim_core::{BearerTokens, Identity, Scopes};
///
/// let tokens = BearerTokens::new()
///     .token("8f14e45fceea167a5a36dedd4bea2543", Identity::new("entra").in_tenant("contoso"))
///     .token("c9f0f895fb98ab9159f51fd0297e236d", Identity::new("reports").with_scopes(Scopes::read_only()));
///
/// let mut headers = http::HeaderMap::new();
/// assert_eq!(tokens.identify(&headers).unwrap_err().status(), 401);
/// headers.insert("authorization", "Bearer 8f14e45fceea167a5a36dedd4bea2543".parse()?);
/// assert_eq!(tokens.identify(&headers)?.principal, "entra");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct BearerTokens(Vec<(Hash, Identity)>);

type Hash = [u8; 32];

impl BearerTokens {
    /// No tokens: every request is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token and the identity of the client that has it. A token has visible ASCII characters only (RFC 6750
    /// section 2.1): no header carries an empty one, or one with spaces or line breaks around it. If a token is added
    /// twice, the last identity counts.
    pub fn token(mut self, token: impl AsRef<[u8]>, identity: Identity) -> Self {
        self.0.push((Sha256::digest(token).into(), identity));
        self
    }

    /// Says who has the token in these headers, for hosts that do not use [`Authenticate`].
    ///
    /// # Errors
    ///
    /// [`Refusal::unauthorized`] if the header is missing, malformed or of another scheme, or if the token is unknown.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Identity, Refusal> {
        self.find(bearer_token(headers)?).cloned().ok_or_else(|| {
            let challenge = Challenge::bearer().error("invalid_token");
            Refusal::unauthorized(challenge).with_detail("the bearer token is not valid")
        })
    }

    /// Compares a token with all tokens, and none of them earlier or longer than the others.
    fn find(&self, token: &[u8]) -> Option<&Identity> {
        let sent: Hash = Sha256::digest(token).into();
        // The index of the token that is equal, plus 1.
        let mut found = 0_u64;
        for (number, (hash, _)) in (1..).zip(&self.0) {
            found.conditional_assign(&number, hash.ct_eq(&sent));
        }
        let index = usize::try_from(found).ok()?.checked_sub(1)?;
        self.0.get(index).map(|(_, identity)| identity)
    }
}

#[async_trait]
impl Authenticate for BearerTokens {
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        self.identify(&parts.headers)
    }
}

/// Shows the identities, and neither tokens nor their hashes.
impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerTokens")?;
        f.debug_list().entries(self.0.iter().map(|(_, identity)| identity)).finish()
    }
}
