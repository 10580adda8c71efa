//! How much one PATCH may ask for.

/// Limits of one PATCH request; each has a default that no identity provider reaches.
///
/// A request beyond one is refused with an error that [is too large](PatchError::is_too_large), which is
/// status 413, and changes nothing. The size of the body is limited by who reads it, and the work that it
/// takes to apply a patch by a [`Budget`](crate::Budget).
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
