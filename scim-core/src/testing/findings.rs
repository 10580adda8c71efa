//! What the suite learns about the provider before the checks run.

use scim_schema::AttributeRef;

use super::verdict::Verdict;

/// What the suite learns about the provider before the checks run.
#[derive(Debug)]
pub(super) struct Findings {
    /// Whether the provider accepts the values that the resource type allows.
    pub(super) kept: Verdict,
    /// Whether the returned resources are valid.
    pub(super) valid: Verdict,
    /// Whether each list either stores two elements or refuses the second.
    pub(super) elements: Verdict,
    /// Attributes that are returned changed, or not at all.
    pub(super) not_kept: Vec<AttributeRef>,
    /// The attributes that the provider does not keep, and those that it refuses.
    pub(super) unusable: Vec<AttributeRef>,
    /// Lists that store only one element.
    pub(super) single_element_lists: Vec<AttributeRef>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            kept: Ok(()),
            valid: Ok(()),
            elements: Ok(()),
            not_kept: Vec::new(),
            unusable: Vec::new(),
            single_element_lists: Vec::new(),
        }
    }
}
