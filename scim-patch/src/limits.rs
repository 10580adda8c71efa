//! How much one PATCH may ask for.

/// Limits of one PATCH request; each has a default that no identity provider reaches.
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
    /// Elements of the value of one operation; 100,000 by default.
    pub values: usize,
    /// Elements that a list may have afterwards; 1,000,000 by default.
    pub list_length: usize,
    /// List elements that may be looked at, summed over the operations; 10,000,000 by default.
    /// Operations that share a pass count once.
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
