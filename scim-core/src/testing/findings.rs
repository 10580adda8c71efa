//! What the suite finds out about the provider before it checks it.

use scim_schema::AttributeRef;

use super::verdict::Verdict;

/// What the suite finds out about the provider before it checks it.
#[derive(Debug)]
pub(super) struct Findings {
    /// Whether the values that the resource type allows are taken.
    pub(super) kept: Verdict,
    /// Whether what is returned is valid by the resource type.
    pub(super) valid: Verdict,
    /// Whether lists keep two elements or refuse the second.
    pub(super) elements: Verdict,
    /// Attributes that come back changed, or not at all.
    pub(super) not_kept: Vec<AttributeRef>,
    /// Those, and the ones that are refused.
    pub(super) unusable: Vec<AttributeRef>,
    /// Lists that take no second element.
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
