//! Applying a patch to a resource.
//!
//! `Patch::apply` takes the steps attribute by attribute. `action` carries out a step: `list` and `keyed`
//! change lists, `select` finds elements by a value filter, and `change` changes an element. After the steps
//! of an attribute, `required` checks the result.

mod action;
mod change;
mod element_index;
mod fingerprint;
mod keyed;
mod list;
mod overwrite;
mod required;
mod select;
mod state;

use std::hash::RandomState;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use scim_filter::Budget;
use scim_schema::{AttributeRef, ReadContext, Tolerance, ToleratedQuirk};
use serde_json::{Map, Value};

use self::action::apply_step;
use self::fingerprint::fingerprint;
use self::required::{check_not_missing, check_required, is_needed, missing_error};
use self::state::{Allowance, ApplyState};
use crate::Patch;
use crate::error::Result;
use crate::step::{Action, Step};

/// The result of applying a patch to a resource.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct AppliedPatch {
    /// The changed resource.
    pub resource: Map<String, Value>,
    /// Whether the resource differs from the one before.
    pub changed: bool,
    /// The tolerated quirks that depend on the resource, such as a `replace` that created an element because
    /// there was none to replace. Those of the request are in the [`ReadContext`] that it was resolved with.
    pub tolerated: Vec<ToleratedQuirk>,
}

impl Patch {
    /// Applies the operations in order, each to the result of the previous one (RFC 7644 section 3.5.2).
    ///
    /// Takes ownership of the resource and changes it in place, to avoid a copy. The resource must be in
    /// canonical form. `meta` is not changed. Mutability is checked for each operation, required attributes
    /// only after the last one.
    ///
    /// ```
    /// use scim_patch::{PatchLimits, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    /// use serde_json::json;
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "add", "path": "members", "value": [{ "value": "7" }] },
    ///     { "op": "remove", "path": "members[value eq \"8\"]" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let patch = PatchRequest::parse(body, &limits, &mut read_context)?
    ///     .resolve(&standard::group_type(), &limits, &mut read_context)?;
    ///
    /// let group = |members| json!({ "schemas": [standard::GROUP], "displayName": "Day", "members": members });
    /// let stored = group(json!([{ "value": "8" }, { "value": "9" }]));
    /// let applied = patch.apply(stored.as_object().unwrap().clone())?;
    /// assert_eq!(json!(applied.resource), group(json!([{ "value": "9" }, { "value": "7" }])));
    ///
    /// // Applying the patch again changes nothing.
    /// assert!(applied.changed && !patch.apply(applied.resource)?.changed);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - `mutability` if an immutable value would change, or a required one would be removed.
    /// - `noTarget` if an operation needs an element and its value filter selects none.
    /// - `invalidFilter` if a value filter selects several elements and that is not tolerated.
    /// - `invalidValue` for a second primary element or a missing required value.
    /// - [Too large](crate::PatchError::is_too_large) if the work exceeds the default [`Budget`], or a list the
    ///   [`PatchLimits`](crate::PatchLimits).
    ///
    /// The resource is dropped on an error, so no caller can store a partially applied patch.
    pub fn apply(&self, resource: Map<String, Value>) -> Result<AppliedPatch> {
        self.apply_within(resource, &Budget::default())
    }

    /// Applies the operations like [`apply`](Self::apply), and takes the work from a budget.
    ///
    /// # Errors
    ///
    /// The same as for [`apply`](Self::apply); too large if the budget is used up.
    pub fn apply_within(&self, resource: Map<String, Value>, budget: &Budget) -> Result<AppliedPatch> {
        let mut applying = pin!(self.apply_yielding(resource, budget));
        // The future is only pending in order to yield to other tasks, so poll it again.
        loop {
            if let Poll::Ready(applied) = applying.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return applied;
            }
        }
    }

    /// Applies the operations like [`apply_within`](Self::apply_within), but yields to other tasks several
    /// times per millisecond, under any runtime. So a long list or many operations do not block a server, and
    /// the work ends when the future is dropped.
    ///
    /// # Errors
    ///
    /// The same as for [`apply_within`](Self::apply_within).
    pub async fn apply_yielding(
        &self,
        mut resource: Map<String, Value>,
        budget: &Budget,
    ) -> Result<AppliedPatch> {
        // `resolve` has already refused everything that is not tolerated.
        let tolerance = Tolerance::lenient();
        let allowance = Allowance::new(&self.limits, budget);
        let mut state = ApplyState { allowance, read_context: ReadContext::new(&tolerance) };
        let mut changed = false;
        let mut extensions_differ = false;
        let mut extended: Vec<ChangedExtension<'_>> = Vec::new();
        for steps in self.steps_by_attribute() {
            let Some(Step { target, .. }) = steps.first() else { continue };
            let Some(uri) = target.extension() else {
                let differs = match single_simple_step(steps) {
                    Some(step) => step.apply(&mut resource, &[], &mut state)?,
                    None => apply_group(target, steps, &mut resource, &mut state).await?,
                };
                if differs {
                    changed = true;
                    check_required(target, steps, &resource)?;
                }
                continue;
            };
            // The object of an extension exists only while it has values.
            let existed = resource.contains_key(uri);
            let object = resource.entry(uri).or_insert_with(|| Value::Object(Map::new())).as_object_mut();
            let Some(object) = object else { continue };
            let differs = match single_simple_step(steps) {
                Some(step) => step.apply(object, &[], &mut state)?,
                None => apply_group(target, steps, object, &mut state).await?,
            };
            let exists = !object.is_empty();
            if !exists {
                resource.remove(uri);
            }
            if differs {
                changed = true;
                extensions_differ |= existed != exists;
                extended.push(ChangedExtension { target, steps, existed });
            }
        }
        if extensions_differ {
            self.resource_type.update_schemas(&mut resource);
        }
        extended.iter().try_for_each(|extended| self.check_extension(extended, &resource))?;
        Ok(AppliedPatch { resource, changed, tolerated: state.read_context.into_tolerated() })
    }

    /// Checks that a required extension has not been removed, and that a new extension has all its required
    /// attributes.
    fn check_extension(&self, extended: &ChangedExtension<'_>, resource: &Map<String, Value>) -> Result<()> {
        let ChangedExtension { target, steps, existed } = extended;
        let extension = || target.extension().and_then(|uri| self.resource_type.extension(uri));
        let Some(object) = target.parent_object(resource) else {
            let required = extension().is_some_and(|extension| extension.is_required());
            let removes_all = steps.last().is_some_and(|step| step.removes_extension);
            let is_missing = required || is_needed(target) && *existed && !removes_all;
            return if is_missing { Err(missing_error(target, None, steps)) } else { Ok(()) };
        };
        check_required(target, steps, object)?;
        if *existed {
            return Ok(());
        }
        let siblings = extension().map(|extension| extension.attributes()).unwrap_or_default();
        siblings.iter().try_for_each(|sibling| check_not_missing(sibling, steps, object))
    }
}

/// A changed attribute of an extension, and whether the extension had values before.
struct ChangedExtension<'a> {
    target: &'a AttributeRef,
    steps: &'a [Step],
    existed: bool,
}

/// Returns the step for an attribute if it is the only one and needs neither a search by filter nor a
/// fingerprint. Most steps are like that, and skip the asynchronous path.
fn single_simple_step(steps: &[Step]) -> Option<&Step> {
    match steps {
        [step] if step.reports_change_exactly() && !matches!(step.action, Action::Select(_)) => Some(step),
        _ => None,
    }
}

/// Applies all steps for one attribute to the object that contains it. Returns whether the attribute changed.
///
/// Several steps may undo each other, so the attribute is compared with a fingerprint of its value before
/// them.
async fn apply_group(
    target: &AttributeRef,
    steps: &[Step],
    object: &mut Map<String, Value>,
    state: &mut ApplyState<'_>,
) -> Result<bool> {
    if let [step] = steps
        && step.reports_change_exactly()
    {
        return apply_step(step, object, state).await;
    }
    let name = target.attribute().name();
    let hasher = RandomState::new();
    let before = fingerprint(&hasher, object.get(name), state.allowance.budget).await;
    let mut changed = false;
    for step in steps {
        changed |= apply_step(step, object, state).await?;
        state.allowance.budget.yield_if_due().await;
    }
    Ok(changed && fingerprint(&hasher, object.get(name), state.allowance.budget).await != before)
}
