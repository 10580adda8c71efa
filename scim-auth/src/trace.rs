//! An event with the cause of a failure (feature `tracing`), which clients do not see.

use crate::Error;

/// Tells the log why credentials are not available.
#[cfg(feature = "tracing")]
pub(crate) fn unavailable(error: &Error) {
    tracing::error!(cause = scim_core::with_causes(error), "credentials cannot be used");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn unavailable(_: &Error) {}
