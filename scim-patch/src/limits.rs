//! How much one PATCH may ask for, and how much of that is left.

use scim_filter::Budget;
use scim_schema::Target;

use crate::PatchError;

/// Limits of one PATCH request; each has a default that no identity provider reaches.
///
/// A request beyond one is refused with an error that [is too large](PatchError::is_too_large), which is
/// status 413, and changes nothing. The size of the body is limited by who reads it, and the work that it
/// takes to apply a patch by a [`Budget`].
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
    /// Limits of the value filters in paths.
    pub filter: scim_filter::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 1_000,
            values: 100_000,
            list_length: 1_000_000,
            filter: scim_filter::Limits::default(),
        }
    }
}

/// What applying a patch may still ask for.
pub(crate) struct Allowance<'a> {
    pub(crate) budget: &'a Budget,
    list_length: usize,
}

impl<'a> Allowance<'a> {
    pub(crate) fn new(limits: &Limits, budget: &'a Budget) -> Self {
        Self { budget, list_length: limits.list_length }
    }

    /// Pays for looking at list elements.
    pub(crate) fn visit(&self, target: &Target, elements: usize) -> Result<(), PatchError> {
        self.budget.take(elements).map_err(|error| PatchError::too_large(target, error.to_string()))
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
