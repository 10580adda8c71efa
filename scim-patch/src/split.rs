//! Extracting the net change of one keyed list from a patch, for stores that keep its elements as rows.

use crate::key::is_keyed;
use crate::key_effect::KeyEffects;
use crate::step::{Action, Step};
use crate::{ListDelta, Patch};

impl Patch {
    /// Splits the patch into the net change of one list and a patch of all other attributes, so that a store
    /// changes only the affected rows and a small document without the list.
    ///
    /// `attribute` names a core attribute that is multi-valued and whose elements are identified by their
    /// `value`, such as the `members` of a group. The time depends on the size of the patch, not on that of
    /// the list.
    ///
    /// Returns `None` if the list must be loaded and the patch [applied](Self::apply) to it: if the attribute
    /// does not exist, is not such a list or is required, or if an operation selects elements by anything but
    /// `value` or changes a sub-attribute of an element.
    ///
    /// ```
    /// use scim_patch::{PatchLimits, ListDelta, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "remove", "path": "members[value eq \"4711\"]" },
    ///     { "op": "replace", "path": "displayName", "value": "Night shift" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let patch = PatchRequest::parse(body, &limits, &mut read_context)?
    ///     .resolve(&standard::group_type(), &limits, &mut read_context)?;
    ///
    /// let (delta, rest) = patch.split("members").unwrap();
    /// assert_eq!(delta, ListDelta::AddRemove { add: vec![], remove: vec!["4711"] });
    /// assert_eq!(rest.attributes().map(|a| a.to_string()).collect::<Vec<_>>(), ["displayName"]);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn split(&self, attribute: &str) -> Option<(ListDelta<'_>, Patch)> {
        let target = self.resource_type.attribute(attribute)?;
        if !is_keyed(target) || target.definition().is_required() {
            return None;
        }
        let (list_steps, rest): (Vec<&Step>, Vec<&Step>) =
            self.steps.iter().partition(|step| step.target == *target);
        let delta = match list_steps.as_slice() {
            [] => ListDelta::AddRemove { add: Vec::new(), remove: Vec::new() },
            [Step { action: Action::Keyed(keyed), .. }] => {
                let effects = KeyEffects::new(&keyed.changes).list;
                let add = effects.iter().filter_map(|effect| effect.added).collect();
                if keyed.exactly {
                    ListDelta::Exactly(add)
                } else {
                    let removed = effects.iter().filter(|effect| effect.removed);
                    let remove = removed.map(|effect| effect.key).collect();
                    ListDelta::AddRemove { add, remove }
                }
            }
            _ => return None,
        };
        // The steps are already grouped by attribute, which the rest of a patch relies on.
        let steps = rest.into_iter().cloned().collect();
        Some((
            delta,
            Patch {
                resource_type: self.resource_type.clone(),
                steps,
                read_attributes: self.read_attributes.clone(),
                limits: self.limits,
            },
        ))
    }
}
