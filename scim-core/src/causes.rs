//! The text of an error for a log.

use std::error::Error;

/// The text of an error and of the errors that caused it, with colons between them, for a log. Causes whose text is part of
/// what comes before are left out, since many errors repeat them.
///
/// ```
/// use scim_core::{Error, with_causes};
///
/// let error = Error::internal(std::io::Error::other("the disk is full"));
/// assert_eq!(with_causes(&error), "500: internal error: the disk is full");
/// ```
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let (mut text, mut next) = (String::new(), Some(error));
    while let Some(cause) = next {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&message);
        }
        next = cause.source();
    }
    text
}
