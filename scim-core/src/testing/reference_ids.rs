//! The ids of the resources that attributes refer to.

use scim_schema::AttributeRef;

/// The ids of existing resources, for the attributes whose value must be such an id.
#[derive(Default)]
pub(super) struct ReferenceIds {
    by_attribute: Vec<(AttributeRef, Vec<String>)>,
    /// The ids of the resources of the tested type.
    pub(super) of_tested_type: Vec<String>,
}

impl ReferenceIds {
    pub(super) fn insert(&mut self, attribute: &AttributeRef, ids: Vec<String>, is_tested_type: bool) {
        if is_tested_type {
            self.of_tested_type.extend(ids.iter().cloned());
        }
        self.by_attribute.push((attribute.clone(), ids));
    }

    /// The ids that can be the value of an attribute.
    pub(super) fn for_attribute(&self, attribute: &AttributeRef) -> &[String] {
        let found = self.by_attribute.iter().find(|(referring, _)| referring == attribute);
        found.map(|(_, ids)| ids.as_slice()).unwrap_or_default()
    }
}
