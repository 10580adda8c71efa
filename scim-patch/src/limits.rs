//! Limits for the size of one PATCH request.

/// Limits for one PATCH request. The defaults are higher than what identity providers send.
///
/// A request that exceeds a limit is refused with an error that [is too
/// large](crate::PatchError::is_too_large) (status 413) and changes nothing. The caller limits the size of
/// the body, and a [`Budget`](crate::Budget) limits the work of applying a patch.
///
/// ```
/// let limits = scim_patch::PatchLimits::default().with_operations(100);
/// assert_eq!(limits.operations(), 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchLimits {
    operations: usize,
    values: usize,
    list_length: usize,
    filter: scim_filter::FilterLimits,
}

impl PatchLimits {
    /// The maximum number of operations in a request.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// The maximum number of elements in the value of one operation.
    pub fn values(&self) -> usize {
        self.values
    }

    /// The maximum number of elements of a list after the patch.
    pub fn list_length(&self) -> usize {
        self.list_length
    }

    /// The limits for the value filters in paths.
    pub fn filter(&self) -> &scim_filter::FilterLimits {
        &self.filter
    }

    /// Sets the maximum number of operations in a request.
    #[must_use]
    pub fn with_operations(self, operations: usize) -> Self {
        Self { operations, ..self }
    }

    /// Sets the maximum number of elements in the value of one operation.
    #[must_use]
    pub fn with_values(self, values: usize) -> Self {
        Self { values, ..self }
    }

    /// Sets the maximum number of elements of a list after the patch.
    #[must_use]
    pub fn with_list_length(self, elements: usize) -> Self {
        Self { list_length: elements, ..self }
    }

    /// Sets the limits for the value filters in paths.
    #[must_use]
    pub fn with_filter(self, filter: scim_filter::FilterLimits) -> Self {
        Self { filter, ..self }
    }
}

impl Default for PatchLimits {
    /// 1,000 operations, 100,000 values, lists of 1,000,000 elements.
    fn default() -> Self {
        Self {
            operations: 1_000,
            values: 100_000,
            list_length: 1_000_000,
            filter: scim_filter::FilterLimits::default(),
        }
    }
}
