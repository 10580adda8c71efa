//! How much one PATCH may ask for, and how much of that is left.

use scim_schema::Target;

use crate::PatchError;

/// Limits of one PATCH request; each has a default that no identity provider reaches.
///
/// A request beyond one is refused with an error that [is too large](PatchError::is_too_large), which is
/// status 413, and changes nothing. The size of the body is limited by who reads it.
///
/// ```
/// let mut limits = scim_patch::Limits::default();
/// limits.operations = 100;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Operations in a request; 1,000 by default.
    pub operations: usize,
    /// Elements of one list in the value of an operation; 100,000 by default.
    pub values: usize,
    /// Elements that a list may have afterwards; 1,000,000 by default.
    pub list_length: usize,
    /// List elements that may be looked at, summed over the operations; 10,000,000 by default.
    /// Operations that share a pass count once, a filter with several terms as often as it has terms.
    pub visits: usize,
    /// Limits of the value filters in paths.
    pub filter: scim_filter::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 1_000,
            values: 100_000,
            list_length: 1_000_000,
            visits: 10_000_000,
            filter: scim_filter::Limits::default(),
        }
    }
}

/// What may still be spent on applying one request.
pub(crate) struct Budget {
    visits: usize,
    list_length: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { visits: limits.visits, list_length: limits.list_length }
    }

    /// Pays for looking at list elements.
    pub(crate) fn visit(&mut self, target: &Target, elements: usize) -> Result<(), PatchError> {
        match self.visits.checked_sub(elements) {
            Some(left) => {
                self.visits = left;
                Ok(())
            }
            None => {
                let reason = "the operations look at more list elements than allowed; send fewer at a time";
                Err(PatchError::too_large(target, reason))
            }
        }
    }

    /// Asks whether a list may grow to a length.
    pub(crate) fn grow(&self, target: &Target, length: usize) -> Result<(), PatchError> {
        if length > self.list_length {
            let reason = format!("the list would have more than {} elements", self.list_length);
            return Err(PatchError::too_large(target, reason));
        }
        Ok(())
    }
}
