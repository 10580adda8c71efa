//! A request without a response.

use std::error::Error;

/// There is no response, or it could not be read. The URL is not in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Unanswered {
    cause: String,
    is_unsent: bool,
}

impl Unanswered {
    pub(crate) fn too_large(bytes: usize) -> Self {
        Self { cause: format!("the answer is larger than {bytes} bytes"), is_unsent: false }
    }

    pub(crate) fn unsent(cause: &str) -> Self {
        Self { cause: cause.to_owned(), is_unsent: true }
    }

    /// Whether no connection was made, so that the request has certainly had no effect.
    pub fn is_unsent(&self) -> bool {
        self.is_unsent
    }
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        // A URL can have a token, or the name of a person in a filter.
        let error = error.without_url();
        let is_unsent = error.is_connect() || error.is_builder();
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            cause.push_str(": ");
            cause.push_str(&error.to_string());
            source = error.source();
        }
        Self { cause, is_unsent }
    }
}
