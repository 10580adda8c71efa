//! Adding elements to a list without duplicates, and removing those that are listed.

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::{Mutability, Target};
use serde_json::Value;

use crate::apply::immutable;
use crate::change::may_change;
use crate::error::Result;
use crate::keyed::is_keyed;
use crate::limits::Allowance;

/// Up to this many pairs are compared one by one; for more, the elements that are given are hashed.
const PAIRWISE: usize = 256;

/// Adds elements that are not in the list yet; one that is gets the sub-attributes that are given.
pub(crate) fn append(
    target: &Target,
    list: &mut Vec<Value>,
    elements: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let length = list.len();
    let mut given = Given::new(target, elements, length);
    allowance.visit(target, given.looks(length.saturating_add(elements.len())))?;
    for (place, old) in list.iter().enumerate() {
        given.see(place, old);
    }
    let (mut changed, mut primary) = (false, None);
    for element in elements {
        let found = given.find(list, element, allowance)?;
        let place = found.unwrap_or(list.len());
        let differs = match list.get_mut(place) {
            Some(old) => complete(target, old, element, allowance)?,
            None => {
                list.push(element.clone());
                true
            }
        };
        if differs && let Some(element) = list.get(place) {
            given.see(place, element);
            changed = true;
        }
        if is_primary(element) {
            primary = Some(place);
        }
    }
    if list.len() > length {
        allowance.grow(target, list.len())?;
    }
    if let Some(primary) = primary
        && demote_others(list, primary)
    {
        changed = true;
        if has_unnamed(list) {
            target.merge_repeated(list);
        }
    }
    Ok(changed)
}

/// Whether a list has elements without a `value`. Such are the same if they say the same, so that any
/// change may make one of two.
pub(crate) fn has_unnamed(list: &[Value]) -> bool {
    list.iter().any(|element| element.is_object() && element.get("value").is_none())
}

/// Removes every element that is the same as one that is listed.
pub(crate) fn remove_listed(
    target: &Target,
    list: &mut Vec<Value>,
    listed: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let length = list.len();
    let given = Given::new(target, listed, length);
    allowance.visit(target, given.looks(length.saturating_add(listed.len())))?;
    list.retain(|element| !given.has(element));
    Ok(list.len() < length)
}

/// The elements that an operation gives, and where in the list they are.
struct Given<'a> {
    target: &'a Target,
    elements: &'a [Value],
    /// By the names of what identifies an element, then by its values: the first place where such an
    /// element is. `None` if there are so few elements that they are compared one by one.
    places: Option<HashMap<Names<'a>, HashMap<String, Option<usize>>>>,
}

/// The sub-attributes that identify an element; none if it is a simple value.
type Names<'a> = Vec<&'a str>;

impl<'a> Given<'a> {
    /// For finding them in a list of this length.
    fn new(target: &'a Target, elements: &'a [Value], length: usize) -> Self {
        let pairs = elements.len().saturating_mul(length.saturating_add(elements.len()));
        let places = (pairs > PAIRWISE).then(|| {
            let mut places: HashMap<Names<'a>, HashMap<String, Option<usize>>> = HashMap::new();
            for element in elements {
                let names = names(target, element);
                if let Some(key) = key(target, &names, element) {
                    places.entry(names).or_default().insert(key.into_owned(), None);
                }
            }
            places
        });
        Self { target, elements, places }
    }

    /// The looks that it takes to see so many elements.
    fn looks(&self, elements: usize) -> usize {
        let each = self.places.as_ref().map_or(self.elements.len(), HashMap::len);
        elements.saturating_mul(each.max(1))
    }

    /// Remembers the place of an element that is in the list.
    fn see(&mut self, place: usize, element: &Value) {
        for (names, places) in self.places.iter_mut().flatten() {
            if let Some(key) = key(self.target, names, element)
                && let Some(first) = places.get_mut(&*key)
            {
                *first = Some(first.map_or(place, |first| first.min(place)));
            }
        }
    }

    /// The first place in the list of an element that is the same as one of those given.
    fn find(&self, list: &[Value], element: &Value, allowance: &Allowance<'_>) -> Result<Option<usize>> {
        let is_it = |old: &Value| is_same_element(self.target, old, element);
        if let Some(places) = &self.places {
            let names = names(self.target, element);
            let seen = key(self.target, &names, element).and_then(|key| *places.get(&names)?.get(&*key)?);
            match seen {
                Some(place) if !list.get(place).is_some_and(is_it) => {
                    // Another of those given has changed it since.
                    allowance.visit(self.target, list.len())?;
                }
                seen => return Ok(seen),
            }
        }
        Ok(list.iter().position(is_it))
    }

    /// Whether an element of the list is the same as one of those given.
    fn has(&self, element: &Value) -> bool {
        match &self.places {
            None => self.elements.iter().any(|given| is_same_element(self.target, element, given)),
            Some(places) => places.iter().any(|(names, places)| {
                key(self.target, names, element).is_some_and(|key| places.contains_key(&*key))
            }),
        }
    }
}

/// What identifies a given element: its `value`, and its `type` if it has one; without a `value`,
/// all that it has (RFC 7644 section 3.5.2.1).
fn names<'a>(target: &Target, given: &'a Value) -> Names<'a> {
    let Some(given) = given.as_object() else { return Vec::new() };
    let by_type = given.contains_key("type") && !is_keyed(target);
    match given.contains_key("value") {
        true if by_type => vec!["value", "type"],
        true => vec!["value"],
        false => {
            let mut names: Names<'a> = given
                .keys()
                .map(String::as_str)
                .filter(|name| target.sub_attribute(name).is_some())
                .collect();
            names.sort_unstable();
            names
        }
    }
}

/// The values of the named sub-attributes as a text that the same elements share; `None` if one is missing.
fn key<'a>(target: &Target, names: &[&str], element: &'a Value) -> Option<Cow<'a, str>> {
    let value = |name: &str| Some(target.sub_attribute(name)?.key(element.get(name)?));
    match names {
        [] => Some(target.key(element)),
        [name] => value(name),
        names => {
            let values: Option<Vec<_>> = names.iter().map(|name| value(name)).collect();
            Some(format!("{:?}", values?).into())
        }
    }
}

/// Whether an element that is given is one that is there: the same in what identifies it.
pub(crate) fn is_same_element(target: &Target, old: &Value, given: &Value) -> bool {
    match names(target, given).as_slice() {
        [] => target.same_value(old, given),
        names => {
            names.iter().all(|name| match (target.sub_attribute(name), old.get(name), given.get(name)) {
                (Some(sub), Some(old), Some(given)) => sub.same_value(old, given),
                _ => false,
            })
        }
    }
}

/// Adds values to a sub-attribute that is a list itself.
pub(crate) fn join(
    sub: &Target,
    list: &mut Vec<Value>,
    added: &[Value],
    allowance: &Allowance<'_>,
) -> Result<bool> {
    let longer = append(sub, list, added, allowance)?;
    if longer && sub.definition().mutability() == Mutability::Immutable {
        return Err(immutable(sub));
    }
    Ok(longer)
}

/// Adds the sub-attributes that are given to an element that is there. What has the same value stays
/// as it is.
fn complete(target: &Target, old: &mut Value, given: &Value, allowance: &Allowance<'_>) -> Result<bool> {
    let (Some(old), Some(given)) = (old.as_object_mut(), given.as_object()) else { return Ok(false) };
    let mut changed = false;
    for (name, value) in given {
        let Some(sub) = target.sub_attribute(name) else { continue };
        changed |= match (old.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(added)) => join(sub, old, added, allowance)?,
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
