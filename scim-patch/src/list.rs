//! Adding elements to a list without duplicates, and removing those that are listed.

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::{Comparison, Mutability, Target};
use serde_json::Value;

use crate::apply::immutable;
use crate::change::may_change;
use crate::error::Result;
use crate::keyed::is_keyed;
use crate::limits::Budget;

/// Up to this many pairs are compared one by one; for more, the elements that are given are hashed.
const PAIRWISE: usize = 256;

/// Adds elements that are not in the list yet; one that is gets the sub-attributes that are given.
pub(crate) fn append(
    target: &Target,
    list: &mut Vec<Value>,
    elements: &[Value],
    budget: &mut Budget,
) -> Result<bool> {
    let length = list.len();
    budget.visit(target, length.saturating_add(elements.len()))?;
    let given = Given::new(target, elements, length);
    // Where each of the elements is in the list, as soon as it is.
    let mut places: Vec<Option<usize>> = vec![None; elements.len()];
    for (place, old) in list.iter().enumerate() {
        for (index, element) in given.candidates(old, budget)? {
            if let Some(found @ None) = places.get_mut(index)
                && is_same_element(target, old, element)
            {
                *found = Some(place);
            }
        }
    }
    let (mut changed, mut primary) = (false, None);
    for (index, element) in elements.iter().enumerate() {
        let mut place = places.get(index).copied().flatten();
        if place.is_none() && list.len() > length {
            // It may be the same as one that has just been added.
            let earlier = given.candidates(element, budget)?.filter(|(other, _)| *other < index);
            let added = earlier.filter_map(|(other, _)| places.get(other).copied().flatten());
            let same =
                |place: &usize| list.get(*place).is_some_and(|old| is_same_element(target, old, element));
            place = added.filter(|place| *place >= length).filter(same).min();
        }
        let place = place.unwrap_or(list.len());
        match list.get_mut(place) {
            Some(old) => changed |= complete(target, old, element, budget)?,
            None => {
                list.push(element.clone());
                changed = true;
            }
        }
        if let Some(known) = places.get_mut(index) {
            *known = Some(place);
        }
        if is_primary(element) {
            primary = Some(place);
        }
    }
    if list.len() > length {
        budget.grow(target, list.len())?;
    }
    if let Some(primary) = primary {
        changed |= demote_others(list, primary);
    }
    Ok(changed)
}

/// Removes every element that is the same as one that is listed.
pub(crate) fn remove_listed(
    target: &Target,
    list: &mut Vec<Value>,
    listed: &[Value],
    budget: &mut Budget,
) -> Result<bool> {
    let length = list.len();
    budget.visit(target, length.saturating_add(listed.len()))?;
    let given = Given::new(target, listed, length);
    let mut failed = Ok(());
    list.retain(|element| match given.candidates(element, budget) {
        Ok(mut candidates) => !candidates.any(|(_, listed)| is_same_element(target, element, listed)),
        Err(error) => {
            failed = Err(error);
            true
        }
    });
    failed.map(|()| list.len() < length)
}

/// The elements that an operation gives, to be looked up by `value`.
struct Given<'a> {
    target: &'a Target,
    elements: &'a [Value],
    /// For each folded `value` the elements that have it; those without text are under the empty one.
    index: Option<HashMap<Cow<'a, str>, Vec<usize>>>,
}

impl<'a> Given<'a> {
    /// Looks the elements up for a list of this length.
    fn new(target: &'a Target, elements: &'a [Value], length: usize) -> Self {
        let pairs = elements.len().saturating_mul(length.saturating_add(elements.len()));
        let index = (pairs > PAIRWISE).then(|| {
            let mut index: HashMap<Cow<'a, str>, Vec<usize>> = HashMap::with_capacity(elements.len());
            for (place, element) in elements.iter().enumerate() {
                index.entry(index_key(target, element)).or_default().push(place);
            }
            index
        });
        Self { target, elements, index }
    }

    /// Those that may be the same as an element, and where they are; a look at each is paid for.
    fn candidates(
        &self,
        element: &Value,
        budget: &mut Budget,
    ) -> Result<impl Iterator<Item = (usize, &'a Value)>> {
        let (all, same, textless) = match &self.index {
            None => (self.elements.len(), &[][..], &[][..]),
            Some(index) => {
                let of = |key: &str| index.get(key).map_or(&[][..], Vec::as_slice);
                // What has no text as its value may be like any other.
                match index_key(self.target, element) {
                    Cow::Borrowed("") => (0, &[][..], of("")),
                    key => (0, of(&key), of("")),
                }
            }
        };
        budget.visit(self.target, all.saturating_add(same.len()).saturating_add(textless.len()))?;
        let places = (0..all).chain(same.iter().copied()).chain(textless.iter().copied());
        Ok(places.filter_map(|place| Some((place, self.elements.get(place)?))))
    }
}

/// The text that elements which are the same have in common, folded; empty if there is none.
fn index_key<'a>(target: &Target, element: &'a Value) -> Cow<'a, str> {
    let (rule, value) = match target.sub_attribute("value") {
        Some(sub) => (sub.comparison(), element.get("value")),
        None => (target.comparison(), Some(element)),
    };
    match value {
        Some(Value::String(text)) if rule.is_text() || rule == Comparison::Binary => rule.fold(text),
        _ => Cow::Borrowed(""),
    }
}

/// Whether an element that is given is one that is there: the same `value`, and `type` if it has
/// one; without a `value`, the same in all that is given (RFC 7644 section 3.5.2.1).
pub(crate) fn is_same_element(target: &Target, old: &Value, given: &Value) -> bool {
    let (Some(old), Some(given)) = (old.as_object(), given.as_object()) else {
        return target.same_value(old, given);
    };
    let identified = given.contains_key("value");
    let keyed = is_keyed(target);
    target.sub_attributes().iter().all(|sub| {
        let name = sub.definition().name();
        let identifies = !identified || name == "value" || (name == "type" && !keyed);
        !identifies
            || match (old.get(name), given.get(name)) {
                (Some(old), Some(given)) => sub.same_value(old, given),
                (_, None) => true,
                (None, Some(_)) => false,
            }
    })
}

/// Adds values to a sub-attribute that is a list itself.
pub(crate) fn join(
    sub: &Target,
    list: &mut Vec<Value>,
    added: &[Value],
    budget: &mut Budget,
) -> Result<bool> {
    let longer = append(sub, list, added, budget)?;
    if longer && sub.definition().mutability() == Mutability::Immutable {
        return Err(immutable(sub));
    }
    Ok(longer)
}

/// Adds the sub-attributes that are given to an element that is there. What has the same value stays
/// as it is.
fn complete(target: &Target, old: &mut Value, given: &Value, budget: &mut Budget) -> Result<bool> {
    let (Some(old), Some(given)) = (old.as_object_mut(), given.as_object()) else { return Ok(false) };
    let mut changed = false;
    for (name, value) in given {
        let Some(sub) = target.sub_attribute(name) else { continue };
        changed |= match (old.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(added)) => join(sub, old, added, budget)?,
            (Some(old), value) if sub.same_value(old, value) => false,
            // The element is the one that its key says, so what is fixed in it is not questioned.
            (Some(_), _) if is_keyed(target) && sub.definition().mutability() == Mutability::Immutable => {
                false
            }
            (Some(old), value) => {
                may_change(sub, old, Some(value))?;
                old.clone_from(value);
                true
            }
            (None, value) => old.insert(name.clone(), value.clone()).is_none(),
        };
    }
    Ok(changed)
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// A new primary element makes the others not primary (RFC 7644 section 3.5.2).
pub(crate) fn demote_others(list: &mut [Value], primary: usize) -> bool {
    let mut changed = false;
    for (place, element) in list.iter_mut().enumerate() {
        if place != primary
            && let Some(flag @ Value::Bool(true)) = element.get_mut("primary")
        {
            *flag = Value::Bool(false);
            changed = true;
        }
    }
    changed
}
