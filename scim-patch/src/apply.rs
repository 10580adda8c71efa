//! Applying a patch to a resource.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use scim_filter::Budget;
use scim_schema::{Fired, Mutability, Quirk, Reading, ScimType, Target, Tolerance, is_unassigned};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::limits::Allowance;
use crate::patch::{Action, Step};
use crate::resolve::read_only;
use crate::{Patch, PatchError, list};

/// What a patch made of a resource.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// The resource afterwards.
    pub resource: Map<String, Value>,
    /// Whether it differs from the resource before.
    pub changed: bool,
    /// The quirks that only show on the resource: a `replace` that created what it should replace.
    pub fired: Vec<Fired>,
}

/// What is spent and found out while a patch is applied.
pub(crate) struct Work<'a> {
    pub(crate) allowance: Allowance<'a>,
    pub(crate) reading: Reading<'a>,
}

impl Patch {
    /// Applies the operations in order, each to the result of the one before (RFC 7644 section 3.5.2).
    ///
    /// Takes the resource and gives it back changed, so that nothing is copied; a caller that wants
    /// to keep it hands in a copy. The resource must be in canonical form. `meta` is left alone.
    /// Mutability is judged with each operation, what is required when all are done.
    ///
    /// ```
    /// use scim_patch::{Limits, PatchRequest};
    /// use scim_schema::{Reading, Tolerance, standard};
    /// use serde_json::json;
    ///
    /// let body = br#"{ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    ///     { "op": "add", "path": "members", "value": [{ "value": "7" }] },
    ///     { "op": "remove", "path": "members[value eq \"8\"]" }
    /// ]}"#;
    /// let (tolerance, limits) = (Tolerance::strict(), Limits::default());
    /// let mut reading = Reading::new(&tolerance);
    /// let patch = PatchRequest::parse(body, &limits, &mut reading)?
    ///     .resolve(&standard::group_type(), &limits, &mut reading)?;
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
    /// [`Limits`](crate::Limits) allow. The resource is lost then, which is why nothing can be half applied.
    pub fn apply(&self, resource: Map<String, Value>) -> Result<Applied> {
        self.apply_within(resource, &Budget::default())
    }

    /// Applies the operations as [`apply`](Self::apply) does, with work that is taken from a budget.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply); too large if the budget is used up.
    pub fn apply_within(&self, resource: Map<String, Value>, budget: &Budget) -> Result<Applied> {
        let mut applying = pin!(self.apply_in_turns(resource, budget));
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
    pub async fn apply_in_turns(&self, mut resource: Map<String, Value>, budget: &Budget) -> Result<Applied> {
        // What is not tolerated has been refused when the patch was resolved.
        let tolerance = Tolerance::lenient();
        let allowance = Allowance::new(&self.limits, budget);
        let mut work = Work { allowance, reading: Reading::new(&tolerance) };
        let mut changed = false;
        let mut extensions_differ = false;
        let mut extended: Vec<Extended<'_>> = Vec::new();
        for steps in self.groups() {
            let Some(Step { target, .. }) = steps.first() else { continue };
            let Some(uri) = target.extension() else {
                let differs = match at_once(steps) {
                    Some(step) => step.apply(&mut resource, &[], &mut work)?,
                    None => apply_group(target, steps, &mut resource, &mut work).await?,
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
            let differs = match at_once(steps) {
                Some(step) => step.apply(object, &[], &mut work)?,
                None => apply_group(target, steps, object, &mut work).await?,
            };
            let exists = !object.is_empty();
            if !exists {
                resource.remove(uri);
            }
            if differs {
                changed = true;
                extensions_differ |= existed != exists;
                extended.push(Extended { target, steps, existed });
            }
        }
        if extensions_differ {
            self.on.update_schemas(&mut resource);
        }
        extended.iter().try_for_each(|extended| self.check_extension(extended, &resource))?;
        Ok(Applied { resource, changed, fired: work.reading.into_fired() })
    }

    /// An extension must be there if it is required, and one that is new must be complete.
    fn check_extension(&self, extended: &Extended<'_>, resource: &Map<String, Value>) -> Result<()> {
        let Extended { target, steps, existed } = extended;
        let extension = || target.extension().and_then(|uri| self.on.extension(uri));
        let Some(object) = target.object(resource) else {
            let required = extension().is_some_and(|extension| extension.is_required());
            let whole = steps.last().is_some_and(|step| step.whole_extension);
            let gone = required || is_needed(target) && *existed && !whole;
            return if gone { Err(missing(target, None, steps)) } else { Ok(()) };
        };
        check_required(target, steps, object)?;
        if *existed {
            return Ok(());
        }
        let siblings = extension().map(|extension| extension.attributes()).unwrap_or_default();
        siblings.iter().try_for_each(|sibling| check_present(sibling, steps, object))
    }
}

/// An attribute of an extension that was changed, and whether the extension had values before.
struct Extended<'a> {
    target: &'a Target,
    steps: &'a [Step],
    existed: bool,
}

/// The only step for an attribute, if it neither looks for elements nor may be undone.
fn at_once(steps: &[Step]) -> Option<&Step> {
    match steps {
        [step] if step.reports_exactly() && !matches!(step.action, Action::Select(_)) => Some(step),
        _ => None,
    }
}

/// Applies all steps for one attribute to the object that holds it; whether it changed.
///
/// Steps may undo each other, so of several the attribute's fingerprint tells.
async fn apply_group(
    target: &Target,
    steps: &[Step],
    object: &mut Map<String, Value>,
    work: &mut Work<'_>,
) -> Result<bool> {
    if let [step] = steps
        && step.reports_exactly()
    {
        return apply_step(step, object, work).await;
    }
    let name = target.attribute().name();
    let hasher = RandomState::new();
    let before = fingerprint(&hasher, object.get(name), work).await;
    let mut changed = false;
    for step in steps {
        changed |= apply_step(step, object, work).await?;
        work.allowance.budget.turn().await;
    }
    Ok(changed && fingerprint(&hasher, object.get(name), work).await != before)
}

async fn apply_step(step: &Step, object: &mut Map<String, Value>, work: &mut Work<'_>) -> Result<bool> {
    let found = match &step.action {
        Action::Select(select) => {
            let found = select.find(&step.target, object, &work.allowance).await;
            found.map_err(|error| error.at(step.operation))?
        }
        _ => Vec::new(),
    };
    step.apply(object, &found, work)
}

impl Step {
    /// Applies the step to the object that holds its attribute, given which elements its filter has found;
    /// whether it changed anything.
    fn apply(&self, object: &mut Map<String, Value>, found: &[bool], work: &mut Work<'_>) -> Result<bool> {
        work.reading.at_operation(Some(self.operation));
        let applied = match self.target.definition().mutability() {
            Mutability::Immutable => self.apply_once(object, found, work),
            _ => self.apply_freely(object, found, work),
        };
        applied.map_err(|error| error.at(self.operation))
    }

    /// An immutable value stays what it is; setting it again is no change (RFC 7644 section 3.5.2).
    fn apply_once(
        &self,
        object: &mut Map<String, Value>,
        found: &[bool],
        work: &mut Work<'_>,
    ) -> Result<bool> {
        let target = &self.target;
        let name = target.attribute().name();
        let Some(before) = object.get(name).cloned() else {
            return self.apply_freely(object, found, work);
        };
        if !self.apply_freely(object, found, work)? {
            return Ok(false);
        }
        let length = |value: &Value| value.as_array().map_or(1, Vec::len);
        let Some(now) = object.get_mut(name) else { return Err(immutable(target)) };
        work.allowance.visit(target, length(&before).saturating_mul(length(now)))?;
        if length(&before) != length(now) || !target.same_value(&before, now) {
            return Err(immutable(target));
        }
        *now = before;
        Ok(false)
    }

    fn apply_freely(
        &self,
        object: &mut Map<String, Value>,
        found: &[bool],
        work: &mut Work<'_>,
    ) -> Result<bool> {
        let target = &self.target;
        let name = target.attribute().name();
        let allowance = &work.allowance;
        match &self.action {
            Action::Confirm { named, value } => confirm(named, value, object.get(name)).map(|()| false),
            Action::Set(value) => set(object, target, value, allowance),
            Action::Unassign => Ok(object.remove(name).is_some()),
            Action::Append(elements) => {
                edit_list(object, target, |list| list::append(target, list, elements, allowance))
            }
            Action::RemoveListed(listed) => {
                edit_list(object, target, |list| list::remove_listed(target, list, listed, allowance))
            }
            Action::Keyed(keyed) => edit_list(object, target, |list| keyed.apply(target, list, allowance)),
            Action::Select(select) => select.apply(target, object, found, work),
        }
    }
}

/// Refuses a value for what only the service writes, unless it is the one that is there. What is derived
/// is not stored, so nothing is said of it.
fn confirm(named: &Target, value: &Value, stored: Option<&Value>) -> Result<()> {
    let stored = match named.sub() {
        None => stored,
        Some(sub) => stored.and_then(|value| value.get(sub.name())),
    };
    let same = match (stored, value) {
        (stored, value) if is_unassigned(value) => stored.is_none(),
        (Some(Value::Object(stored)), Value::Object(given)) => given.iter().all(|(name, value)| {
            let Some(sub) = named.sub_attribute(name) else { return false };
            sub.is_derived()
                || stored.get(sub.definition().name()).is_some_and(|stored| sub.same_value(stored, value))
        }),
        (Some(stored), value) => named.same_value(stored, value),
        (None, _) => named.is_derived(),
    };
    if same { Ok(()) } else { Err(read_only(named)) }
}

pub(crate) fn immutable(target: &Target) -> PatchError {
    PatchError::new(ScimType::Mutability, target, "is immutable, and it has a value already")
}

fn set(
    object: &mut Map<String, Value>,
    target: &Target,
    value: &Value,
    allowance: &Allowance<'_>,
) -> Result<bool> {
    if let Value::Array(list) = value {
        allowance.grow(target, list.len())?;
    }
    match object.get_mut(target.attribute().name()) {
        Some(old) => Ok(overwrite(old, value)),
        None => {
            object.insert(target.attribute().name().to_owned(), value.clone());
            Ok(true)
        }
    }
}

/// Makes a value the same as another, in the memory that it has; whether it was not.
pub(crate) fn overwrite(old: &mut Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) if old != new => {
            old.clone_from(new);
            true
        }
        (Value::Array(old), Value::Array(new)) => {
            let mut changed = old.len() != new.len();
            old.truncate(new.len());
            old.iter_mut().zip(new).for_each(|(old, new)| changed |= overwrite(old, new));
            old.extend(new.iter().skip(old.len()).cloned());
            changed
        }
        (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
            let mut changed = false;
            old.values_mut().zip(new.values()).for_each(|(old, new)| changed |= overwrite(old, new));
            changed
        }
        (old, new) => {
            let changed = old != new;
            if changed {
                *old = new.clone();
            }
            changed
        }
    }
}

/// Lets a change at the attribute's list, which is there as long as it has elements.
fn edit_list(
    object: &mut Map<String, Value>,
    target: &Target,
    change: impl FnOnce(&mut Vec<Value>) -> Result<bool>,
) -> Result<bool> {
    let name = target.attribute().name();
    if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
        let changed = change(list)?;
        if changed && list.is_empty() {
            object.remove(name);
        }
        return Ok(changed);
    }
    let mut list = Vec::new();
    let changed = change(&mut list)?;
    if !list.is_empty() {
        object.insert(name.to_owned(), Value::Array(list));
    }
    Ok(changed)
}

/// Required values are judged on the final state, so that one may be removed and added again.
fn check_required(target: &Target, steps: &[Step], object: &Map<String, Value>) -> Result<()> {
    check_present(target, steps, object)?;
    let mut needed = target.sub_attributes().iter().filter(|sub| is_needed(sub)).peekable();
    if needed.peek().is_none() {
        return Ok(());
    }
    let Some(value) = object.get(target.attribute().name()) else { return Ok(()) };
    let elements = match value {
        Value::Array(list) => list.as_slice(),
        value => std::slice::from_ref(value),
    };
    for sub in needed {
        if elements.iter().any(|element| element.get(sub.definition().name()).is_none()) {
            return Err(missing(sub, Some(sub.definition().name()), steps));
        }
    }
    Ok(())
}

fn check_present(target: &Target, steps: &[Step], object: &Map<String, Value>) -> Result<()> {
    if is_needed(target) && !object.contains_key(target.attribute().name()) {
        return Err(missing(target, None, steps));
    }
    Ok(())
}

/// What is never read back is not there in what is stored.
fn is_needed(target: &Target) -> bool {
    let definition = target.definition();
    definition.is_required()
        && !matches!(definition.mutability(), Mutability::ReadOnly | Mutability::WriteOnly)
}

/// The error for a required value that is not there: whether an operation took it away or forgot it.
fn missing(at: &Target, sub: Option<&str>, steps: &[Step]) -> PatchError {
    let taken =
        steps.iter().rev().find(|step| at.attribute() == step.target.attribute() && step.removes(sub));
    match (taken, steps.last()) {
        (Some(step), _) => {
            PatchError::new(ScimType::Mutability, at, "is required and cannot be removed").at(step.operation)
        }
        (None, Some(step)) => PatchError::new(ScimType::InvalidValue, at, "is required").at(step.operation),
        (None, None) => PatchError::new(ScimType::InvalidValue, at, "is required"),
    }
}

/// Tells the values of an attribute apart, whatever the order of the members of objects.
async fn fingerprint(hasher: &RandomState, value: Option<&Value>, work: &Work<'_>) -> Option<u64> {
    // So many elements are no work to speak of.
    const AT_ONCE: usize = 4096;
    let mut state = hasher.build_hasher();
    match value? {
        Value::Array(list) => {
            for elements in list.chunks(AT_ONCE) {
                elements.iter().for_each(|element| feed(hasher, &mut state, element));
                work.allowance.budget.pass(elements.len());
                work.allowance.budget.turn().await;
            }
        }
        value => feed(hasher, &mut state, value),
    }
    Some(state.finish())
}

fn feed(hasher: &RandomState, state: &mut impl Hasher, value: &Value) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Null => {}
        Value::Bool(flag) => flag.hash(state),
        Value::Number(number) => number.hash(state),
        Value::String(text) => text.hash(state),
        Value::Array(list) => {
            state.write_usize(list.len());
            list.iter().for_each(|element| feed(hasher, state, element));
        }
        Value::Object(object) => {
            let member = |(name, value): (&String, &Value)| {
                let mut state = hasher.build_hasher();
                name.hash(&mut state);
                feed(hasher, &mut state, value);
                state.finish()
            };
            state.write_u64(object.iter().map(member).fold(0, u64::wrapping_add));
        }
    }
}

impl Work<'_> {
    /// Reports that a `replace` created what it should replace.
    pub(crate) fn created(&mut self, target: &Target) {
        self.reading.tolerates(Quirk::ReplaceCreates, target);
    }
}
