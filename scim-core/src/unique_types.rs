//! At most one element of a list for each `type`, where the host wants it so.

use std::collections::HashSet;

use scim_schema::{Mutability, Target};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Refuses a resource with two elements of one `type`, such as two addresses for work, in one of
/// these attributes. The members of a group are many and of few types, so keyed lists are left alone.
pub(crate) fn check<'a>(
    attributes: impl Iterator<Item = &'a Target>,
    object: &Map<String, Value>,
) -> Result<()> {
    let own =
        |target: &&Target| target.attribute().mutability() != Mutability::ReadOnly && !target.holds_members();
    for target in attributes.filter(|target| target.attribute().is_multi_valued()).filter(own) {
        let Some(sub) = target.sub_attribute("type") else { continue };
        let mut seen = HashSet::new();
        let types = sub.values(object).filter_map(Value::as_str);
        if !types.map(|text| sub.comparison().fold(text)).all(|text| seen.insert(text)) {
            return Err(Error::invalid_value(target.path().as_str(), "two elements have the same `type`"));
        }
    }
    Ok(())
}
