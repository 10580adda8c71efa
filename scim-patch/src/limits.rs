//! How much one PATCH may ask for.

/// Limits of one PATCH request; each has a default that no identity provider reaches.
///
/// A request beyond one is refused with an error that [is too large](crate::PatchError::is_too_large), which is
/// status 413, and changes nothing. The size of the body is limited by who reads it, and the work that it
/// takes to apply a patch by a [`Budget`](crate::Budget).
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
    /// Operations in a request.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// Elements of one list in the value of an operation.
    pub fn values(&self) -> usize {
        self.values
    }

    /// Elements that a list may have afterwards.
    pub fn list_length(&self) -> usize {
        self.list_length
    }

    /// Limits of the value filters in paths.
    pub fn filter(&self) -> &scim_filter::FilterLimits {
        &self.filter
    }

    /// The same limits with another number of operations.
    #[must_use]
    pub fn with_operations(self, operations: usize) -> Self {
        Self { operations, ..self }
    }

    /// The same limits with another number of elements in the value of an operation.
    #[must_use]
    pub fn with_values(self, values: usize) -> Self {
        Self { values, ..self }
    }

    /// The same limits with another number of elements that a list may have afterwards.
    #[must_use]
    pub fn with_list_length(self, elements: usize) -> Self {
        Self { list_length: elements, ..self }
    }

    /// The same limits with others for the value filters in paths.
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
