//! Splitting off what a patch does to one list, for stores that keep its elements as rows.

use crate::key::is_keyed;
use crate::key_effect::KeyEffects;
use crate::step::{Action, Step};
use crate::{ListDelta, Patch};

impl Patch {
    /// Splits the patch into the net delta of one list and a patch of everything else, so that a
    /// store changes just those rows and a small document that lacks the list.
    ///
    /// `attribute` names a core attribute that is multi-valued and whose elements are identified by
    /// their `value`, such as the `members` of a group. Takes time by the size of the patch,
    /// whatever the size of the list.
    ///
    /// `None` if there is no such attribute, it may not be empty, or an operation selects elements
    /// by anything but `value` or writes inside one: then the list must be loaded and the patch
    /// applied to it.
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
    /// assert_eq!(delta, ListDelta::Change { add: vec![], remove: vec!["4711"] });
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
            [] => ListDelta::Change { add: Vec::new(), remove: Vec::new() },
            [Step { action: Action::Keyed(keyed), .. }] => {
                let effects = KeyEffects::new(&keyed.changes).list;
                let add = effects.iter().filter_map(|effect| effect.added).collect();
                if keyed.exactly {
                    ListDelta::Exactly(add)
                } else {
                    let removed = effects.iter().filter(|effect| effect.removed);
                    let remove = removed.map(|effect| effect.key).collect();
                    ListDelta::Change { add, remove }
                }
            }
            _ => return None,
        };
        // The steps are in groups already.
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
