//! At most one element of each `type` in a list, if the host requires it.

use std::collections::HashSet;

use scim_schema::{AttributeRef, Mutability};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Refuses a resource with two elements of the same `type`, such as two work addresses, in one of these attributes.
/// Lists of members are not checked: many members have the same type.
pub(crate) fn check<'a>(
    attributes: impl Iterator<Item = &'a AttributeRef>,
    object: &Map<String, Value>,
) -> Result<()> {
    let is_checked = |target: &&AttributeRef| {
        target.attribute().mutability() != Mutability::ReadOnly && !target.holds_members()
    };
    for target in attributes.filter(|target| target.attribute().is_multi_valued()).filter(is_checked) {
        let Some(sub) = target.sub_attribute("type") else { continue };
        let mut seen = HashSet::new();
        let types = sub.values(object).filter_map(Value::as_str);
        if !types.map(|text| sub.comparison().fold(text)).all(|text| seen.insert(text)) {
            return Err(Error::invalid_value(
                target.path().as_str(),
                "two elements have the same `type`; send at most one of each",
            ));
        }
    }
    Ok(())
}
