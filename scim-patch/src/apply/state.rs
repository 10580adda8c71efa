//! What the application of a patch spends, and what it finds out.

use scim_filter::Budget;
use scim_schema::{AttributeRef, Quirk, ReadContext};

use crate::{PatchError, PatchLimits};

/// The state of an application.
pub(super) struct ApplyState<'a> {
    pub(super) allowance: Allowance<'a>,
    pub(super) read_context: ReadContext<'a>,
}

impl ApplyState<'_> {
    /// Reports that a `replace` created what it should replace.
    pub(super) fn report_creation(&mut self, target: &AttributeRef) {
        self.read_context.allow_quirk(Quirk::ReplaceCreates, target);
    }
}

/// How much the application may still do.
pub(super) struct Allowance<'a> {
    pub(super) budget: &'a Budget,
    list_length: usize,
}

impl<'a> Allowance<'a> {
    pub(super) fn new(limits: &PatchLimits, budget: &'a Budget) -> Self {
        Self { budget, list_length: limits.list_length() }
    }

    /// Pays for looking at list elements.
    pub(super) fn charge(&self, target: &AttributeRef, elements: usize) -> Result<(), PatchError> {
        self.budget.take(elements).map_err(|error| PatchError::too_large(target, error.to_string()))
    }

    /// Asks whether a list may grow to a length.
    pub(super) fn check_length(&self, target: &AttributeRef, length: usize) -> Result<(), PatchError> {
        if length > self.list_length {
            let reason = format!("cannot have more than {} elements", self.list_length);
            return Err(PatchError::too_large(target, reason));
        }
        Ok(())
    }
}
