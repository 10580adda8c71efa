//! Changing what is there already: the elements that a value filter selects, and the value of a
//! singular complex attribute, which is its own only element.

use scim_filter::Predicate;
use scim_schema::{ScimType, Target};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::apply::Work;
use crate::change::{Change, Member, Outcome, may_go, merge};
use crate::error::Result;
use crate::keyed::{is_keyed, key_rule};
use crate::limits::Allowance;
use crate::list::{demote_others, has_unnamed, is_primary};
use crate::patch::key_of;

/// Which elements to change, how, and what to do if there are none.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) filter: Predicate,
    /// Whether the filter may select several elements.
    pub(crate) several: bool,
    pub(crate) change: Change,
    pub(crate) otherwise: Otherwise,
}

/// What happens if no element is selected.
#[derive(Clone, Debug)]
pub(crate) enum Otherwise {
    Nothing,
    /// It is an error (RFC 7644 section 3.5.2.3).
    Refuse,
    /// Makes this element and changes it.
    Create {
        element: Map<String, Value>,
        tolerated: bool,
    },
}

impl Select {
    /// The whole of a list, or the value of a singular complex attribute.
    pub(crate) fn all(change: Change, otherwise: Otherwise) -> Self {
        Self { filter: Predicate::Const(true), several: true, change, otherwise }
    }

    /// Which elements of a list the filter selects. Only this takes long, if the filter has many terms, so
    /// others have their turn meanwhile.
    pub(crate) async fn find(
        &self,
        target: &Target,
        object: &Map<String, Value>,
        allowance: &Allowance<'_>,
    ) -> Result<Vec<bool>> {
        // At least so many elements are looked at in one turn.
        const AT_ONCE: usize = 512;
        let list = object.get(target.attribute().name()).and_then(Value::as_array);
        let list = list.map(Vec::as_slice).unwrap_or_default();
        if self.filter == Predicate::Const(true) {
            allowance.visit(target, list.len())?;
            return Ok(vec![true; list.len()]);
        }
        let mut selected = Vec::with_capacity(list.len());
        for elements in list.chunks(AT_ONCE) {
            let mut visits = 0;
            selected.extend(
                elements.iter().map(|element| self.filter.matches_element_counting(element, &mut visits)),
            );
            allowance.visit(target, visits)?;
            allowance.budget.turn().await;
        }
        Ok(selected)
    }

    /// Applies it to the attribute in the object that holds it, given which elements were
    /// [found](Self::find) if it is a list; whether that changed anything.
    pub(crate) fn apply(
        &self,
        target: &Target,
        object: &mut Map<String, Value>,
        found: &[bool],
        work: &mut Work<'_>,
    ) -> Result<bool> {
        let name = target.attribute().name();
        let (changed, empty) = match object.get_mut(name) {
            None => return self.create(target, object, work),
            Some(Value::Array(list)) => match self.in_list(target, list, found, &work.allowance)? {
                Some(changed) => (changed, list.is_empty()),
                None => return self.create(target, object, work),
            },
            Some(value) if self.filter.matches_element(value) => match &self.change {
                Change::Remove => {
                    may_go(target, value)?;
                    (true, true)
                }
                change => {
                    let changed = change.apply(target, value, &work.allowance)?;
                    (changed, value.as_object().is_some_and(Map::is_empty))
                }
            },
            // A filter on a singular attribute makes sure of its value; there is no other to create.
            Some(_) => match self.otherwise {
                Otherwise::Nothing => return Ok(false),
                _ => return Err(no_target(target)),
            },
        };
        if changed && empty {
            object.remove(name);
        }
        Ok(changed)
    }

    /// Whether an element was changed; `None` if none was selected.
    fn in_list(
        &self,
        target: &Target,
        list: &mut Vec<Value>,
        found: &[bool],
        allowance: &Allowance<'_>,
    ) -> Result<Option<bool>> {
        let (mut selected, mut changed, mut primary) = (0, false, None);
        let mut failed = Ok(());
        let mut next = 0;
        list.retain_mut(|element| {
            let place = next;
            next += 1;
            if failed.is_err() || found.get(place) != Some(&true) {
                return true;
            }
            selected += 1;
            if self.change.sets_primary() && primary.replace(place).is_some() {
                failed = Err(two_primaries(target));
                return true;
            }
            match self.change.in_place(target, element, allowance) {
                Ok(outcome) => {
                    changed |= outcome != Outcome::Same;
                    outcome != Outcome::Gone
                }
                Err(error) => {
                    failed = Err(error);
                    true
                }
            }
        });
        failed?;
        if selected > 1 && !self.several {
            let reason = "the value filter selects several elements; make it select one";
            return Err(PatchError::new(ScimType::InvalidFilter, target, reason));
        }
        if let Some(primary) = primary {
            changed |= demote_others(list, primary);
        }
        if changed && (self.change.renames() || has_unnamed(list)) {
            allowance.visit(target, list.len())?;
            target.merge_repeated(list);
        }
        Ok((selected > 0).then_some(changed))
    }

    /// Does what is to be done if nothing was selected.
    fn create(&self, target: &Target, object: &mut Map<String, Value>, work: &mut Work<'_>) -> Result<bool> {
        let (element, tolerated) = match &self.otherwise {
            Otherwise::Nothing => return Ok(false),
            Otherwise::Refuse => return Err(no_target(target)),
            Otherwise::Create { element, tolerated } => (element, *tolerated),
        };
        let mut element = Value::Object(element.clone());
        match &self.change {
            // What the filter asks for belongs to the element, else it would not be found again.
            Change::Replace(Value::Object(members)) => {
                merge(target, &mut element, &Member::all(target, members.clone()), false, &work.allowance)?
            }
            change => change.apply(target, &mut element, &work.allowance)?,
        };
        if element.as_object().is_some_and(Map::is_empty) {
            return Ok(false);
        }
        if tolerated {
            work.created(target);
        }
        let name = target.attribute().name();
        let Some(Value::Array(list)) = object.get_mut(name) else {
            let list = target.definition().is_multi_valued();
            object.insert(name.to_owned(), if list { Value::Array(vec![element]) } else { element });
            return Ok(true);
        };
        if is_keyed(target) && has_key_of(target, list, &element) {
            return Ok(false);
        }
        work.allowance.grow(target, list.len() + 1)?;
        if target.definition().single_type().is_some() {
            list.clear();
        }
        let primary = is_primary(&element).then_some(list.len());
        list.push(element);
        if let Some(primary) = primary {
            demote_others(list, primary);
        }
        if self.change.renames() || has_unnamed(list) {
            work.allowance.visit(target, list.len())?;
            target.merge_repeated(list);
        }
        Ok(true)
    }
}

fn has_key_of(target: &Target, list: &[Value], element: &Value) -> bool {
    let rule = key_rule(target);
    let key = |element: &Value| element.as_object().map(key_of).unwrap_or_default().to_owned();
    let folded = rule.fold(&key(element)).into_owned();
    list.iter().any(|old| rule.equals_text(&key(old), &folded))
}

fn no_target(target: &Target) -> PatchError {
    PatchError::new(ScimType::NoTarget, target, "the value filter selects nothing")
}

pub(crate) fn two_primaries(target: &Target) -> PatchError {
    PatchError::new(ScimType::InvalidValue, target, "at most one element can be primary")
}
