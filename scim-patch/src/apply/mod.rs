//! Applying a patch to a resource.
//!
//! `action` carries out a step. What a step does to a list or to an element is in `list`, `keyed`, `select` and
//! `change`; `required` looks at the result.

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

/// What a patch made of a resource.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Applied {
    /// The resource afterwards.
    pub resource: Map<String, Value>,
    /// Whether it differs from the resource before.
    pub changed: bool,
    /// The quirks that only show on the resource: a `replace` that created what it should replace.
    pub tolerated: Vec<ToleratedQuirk>,
}

impl Patch {
    /// Applies the operations in order, each to the result of the one before (RFC 7644 section 3.5.2).
    ///
    /// Takes the resource and gives it back changed, so that nothing is copied; a caller that wants
    /// to keep it hands in a copy. The resource must be in canonical form. `meta` is left alone.
    /// Mutability is judged with each operation, what is required when all are done.
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
    /// // What is so already is no change.
    /// assert!(applied.changed && !patch.apply(applied.resource)?.changed);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `mutability` for an immutable value that would change or a required one that would go,
    /// `noTarget` for a value filter that selects nothing where something is needed, `invalidFilter` for
    /// one that selects several where that is not tolerated, `invalidValue` for a second primary element
    /// or a required value that is not given; too large for more work, or a longer list, than the
    /// [`PatchLimits`](crate::PatchLimits) allow. The resource is lost then, which is why nothing can be half applied.
    pub fn apply(&self, resource: Map<String, Value>) -> Result<Applied> {
        self.apply_within(resource, &Budget::default())
    }

    /// Applies the operations as [`apply`](Self::apply) does, with work that is taken from a budget.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply); too large if the budget is used up.
    pub fn apply_within(&self, resource: Map<String, Value>, budget: &Budget) -> Result<Applied> {
        let mut applying = pin!(self.apply_yielding(resource, budget));
        // It is pending only to let others have their turn.
        loop {
            if let Poll::Ready(applied) = applying.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return applied;
            }
        }
    }

    /// Applies the operations as [`apply_within`](Self::apply_within) does, but lets other tasks have
    /// their turn several times in a millisecond, whatever the runtime is; so a long list and many operations
    /// do not stop a server, and the work ends when the future is dropped.
    ///
    /// # Errors
    ///
    /// As [`apply_within`](Self::apply_within).
    pub async fn apply_yielding(&self, mut resource: Map<String, Value>, budget: &Budget) -> Result<Applied> {
        // What is not tolerated has been refused when the patch was resolved.
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
            // An extension is there as long as it has values.
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
        Ok(Applied { resource, changed, tolerated: state.read_context.into_tolerated() })
    }

    /// An extension must be there if it is required, and one that is new must be complete.
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

/// An attribute of an extension that was changed, and whether the extension had values before.
struct ChangedExtension<'a> {
    target: &'a AttributeRef,
    steps: &'a [Step],
    existed: bool,
}

/// The step for an attribute, if it is the only one and neither searches a list nor needs a fingerprint.
fn single_simple_step(steps: &[Step]) -> Option<&Step> {
    match steps {
        [step] if step.reports_change_exactly() && !matches!(step.action, Action::Select(_)) => Some(step),
        _ => None,
    }
}

/// Applies all steps for one attribute to the object that holds it; whether it changed.
///
/// Several steps may undo each other, so that only a fingerprint of the attribute tells whether it changed.
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
