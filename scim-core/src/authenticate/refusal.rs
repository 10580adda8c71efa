//! The refusal of a request whose sender is not known, or not welcome.

use std::fmt;

use http::StatusCode;

use crate::error::Hint;
use crate::{Challenge, Error};

/// Why an [`Authenticate`](crate::Authenticate) does not say who makes a request. It is answered like an
/// [`Error`] of the service, with the headers that go with its status.
///
/// | constructor | status | headers |
/// |---|---|---|
/// | [`unauthorized`](Self::unauthorized) | 401 | `WWW-Authenticate` (RFC 9110 section 11.6.1) |
/// | [`forbidden`](Self::forbidden) | 403 | |
/// | [`too_many_requests`](Self::too_many_requests) | 429 | `Retry-After` (RFC 6585 section 4) |
/// | [`unavailable`](Self::unavailable) | 503 | `Retry-After` (RFC 9110 section 15.6.4) |
///
/// ```
/// use scim_core::{Challenge, Error, Refusal};
///
/// let refusal = Refusal::unauthorized(Challenge::bearer().error("invalid_token")).with_detail("the token has expired");
/// assert_eq!(refusal.status(), 401);
/// assert_eq!(Error::from(refusal).to_string(), "401: the token has expired");
/// ```
#[derive(Debug)]
pub struct Refusal(Error);

impl Refusal {
    /// The credentials are missing or wrong (status 401). The response challenges the client to send others; a challenge
    /// without an [error](Challenge::error) says that there were none (RFC 6750 section 3.1).
    ///
    /// If the service [allows requests without an identity](crate::ScimServiceBuilder::allow_anonymous), or if the request
    /// is for [public discovery](crate::ScimServiceBuilder::public_discovery), it is answered as one without an identity
    /// instead of being refused.
    pub fn unauthorized(challenge: Challenge) -> Self {
        Self(Error::unauthorized().with_hint(Hint::Challenges(vec![challenge])))
    }

    /// The client is known, and may not use the service (status 403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self(Error::forbidden(detail))
    }

    /// The client sends too many requests, or tries too many tokens, and may try again after this number of seconds
    /// (status 429).
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self(Error::too_many_requests(retry_after))
    }

    /// What knows the clients is not available; the client may try again after this number of seconds (status 503).
    pub fn unavailable(retry_after: u32) -> Self {
        Self(Error::unavailable(retry_after).with_detail("authentication is not available; try again later"))
    }

    /// Adds a challenge of another scheme to a refusal with status 401. Others have no challenges, and stay as they are.
    #[must_use]
    pub fn with_challenge(self, challenge: Challenge) -> Self {
        match self.0.hint() {
            Some(Hint::Challenges(challenges)) => {
                let challenges = challenges.iter().cloned().chain([challenge]).collect();
                Self(self.0.with_hint(Hint::Challenges(challenges)))
            }
            _ => self,
        }
    }

    /// Sets the description that the client sees in the `detail` of the response.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self(self.0.with_detail(detail))
    }

    /// Adds the cause, for the host's log. The client does not see it.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(self.0.with_source(source))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The description that the client sees.
    pub fn detail(&self) -> &str {
        self.0.detail()
    }
}

/// The error that [`error_response`](crate::ScimService::error_response) answers, with the headers of the refusal.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
