//! What a projection comes to for one object.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::target::Target;
use crate::targets::Names;

/// The members of an object that are shown, in schema order.
pub(crate) struct Selection {
    members: Box<[Selected]>,
    names: Names,
}

/// A member that is shown, and what of its value is.
pub(crate) struct Selected {
    pub(crate) target: Target,
    /// Of a complex attribute, the sub-attributes.
    pub(crate) subs: Option<Arc<Selection>>,
}

/// How many members of an object are put into order at once.
const AT_ONCE: usize = 32;

impl Selection {
    pub(crate) fn new(members: Vec<Selected>) -> Self {
        Self { names: Names::of(members.iter().map(|member| &member.target)), members: members.into() }
    }

    /// All of some targets.
    pub(crate) fn of(targets: &[Target]) -> Self {
        let all = |target: &Target| Selected { target: target.clone(), subs: target.whole().cloned() };
        Self::new(targets.iter().map(all).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Selected> {
        self.members.iter()
    }

    /// Calls back for each member that is shown, in order, with the value that an object has for it.
    pub(crate) fn each<'a, E>(
        &'a self,
        object: &'a Map<String, Value>,
        mut member: impl FnMut(&'a Selected, Option<&'a Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (chunk, members) in self.members.chunks(AT_ONCE).enumerate() {
            // One pass over the object finds all values, where a search for each would take longer.
            let mut values = [None; AT_ONCE];
            let mut lookup = self.names.lookup();
            for (name, value) in object {
                let place = lookup.place(name).and_then(|place| place.checked_sub(chunk * AT_ONCE));
                if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                    *slot = Some(value);
                }
            }
            for (selected, value) in members.iter().zip(values) {
                member(selected, value)?;
            }
        }
        Ok(())
    }

    /// Whether an object has a value for a member that is shown.
    pub(crate) fn has_any(&self, object: &Map<String, Value>) -> bool {
        let mut lookup = self.names.lookup();
        object.iter().any(|(name, value)| !value.is_null() && lookup.place(name).is_some())
    }
}
