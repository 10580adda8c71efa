//! An event with the cause of a failure (feature `tracing`), which clients do not see.

use crate::Error;

/// Tells the log why credentials are not available.
#[cfg(feature = "tracing")]
pub(crate) fn unavailable(error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(cause, "{error}");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn unavailable(_: &Error) {}
