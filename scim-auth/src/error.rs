//! The error of this crate.

use std::error::Error as StdError;

/// Why credentials could not be read or changed. It contains no secret.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    kind: ErrorKind,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no token, client, secret or trust with this id.
    NotFound,
    /// A value is not allowed; the text says which and what to write instead.
    Invalid,
    /// Another credential is in the way, or another process has changed the same client at the same time.
    Conflict,
    /// The store, the operating system's random numbers or the keys of an issuer are not available.
    Unavailable,
}

impl Error {
    /// The error of a [`CredentialStore`](crate::CredentialStore) that does not work at the moment, or at all.
    ///
    /// ```
    /// use scim_auth::{Error, ErrorKind};
    ///
    /// let error = Error::unavailable(std::io::Error::other("the connection was closed"));
    /// assert_eq!(error.kind(), ErrorKind::Unavailable);
    /// ```
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let detail = "the credentials are not available".to_owned();
        Self { kind: ErrorKind::Unavailable, detail, source: Some(source.into()) }
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        let detail = format!("there is no {what} with the id `{}`", id.escape_debug());
        Self { kind: ErrorKind::NotFound, detail, source: None }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Invalid, detail: detail.into(), source: None }
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Conflict, detail: detail.into(), source: None }
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
