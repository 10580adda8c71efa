//! Changing lists: adding without duplicates, removing, selecting; each in one pass.

use std::borrow::Cow;
use std::collections::HashMap;

use scim_filter::Predicate;
use scim_schema::{Comparison, ScimType, Target};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::apply::{may_change, merge, no_match};
use crate::patch::{Change, Keyed};

type Result<T> = std::result::Result<T, PatchError>;

/// What may still be spent on one request.
pub(crate) struct Budget {
    /// List elements that may be looked at.
    pub(crate) visits: usize,
    /// How long a list may get.
    pub(crate) list_length: usize,
}

impl Budget {
    fn visit(&mut self, target: &Target, elements: usize) -> Result<()> {
        match self.visits.checked_sub(elements) {
            Some(left) => {
                self.visits = left;
                Ok(())
            }
            None => Err(PatchError::too_large(target, "the operations look at more list elements than allowed")),
        }
    }

    fn grow(&self, target: &Target, length: usize) -> Result<()> {
        if length > self.list_length {
            let reason = format!("the list would have more than {} elements", self.list_length);
            return Err(PatchError::too_large(target, reason));
        }
        Ok(())
    }
}

/// Lists up to this many comparisons are compared pair by pair; longer ones through a hash table.
const PAIRWISE: usize = 256;

/// Adds elements that are not in the list yet; the sub-attributes of one that is are merged into it.
pub(crate) fn append(
    target: &Target,
    list: Option<&mut Vec<Value>>,
    elements: &[Value],
    budget: &mut Budget,
) -> Result<bool> {
    let Some(list) = list else { return Ok(false) };
    budget.visit(target, list.len() + elements.len())?;
    let mut index = (list.len() * elements.len() > PAIRWISE).then(|| Index::of(target, list));
    let mut changed = false;
    let mut primary = None;
    for element in elements {
        let found = match &index {
            Some(index) => index.find(target, list, element, budget)?,
            None => list.iter().position(|old| is_same_element(target, old, element)),
        };
        let place = found.unwrap_or(list.len());
        match list.get_mut(place) {
            Some(old) => {
                if let Some(members) = element.as_object() {
                    changed |= merge(target, old, members)?;
                }
            }
            None => {
                if let Some(index) = &mut index {
                    index.insert(target, element, place);
                }
                list.push(element.clone());
                changed = true;
            }
        }
        if is_primary(element) {
            primary = Some(place);
        }
    }
    budget.grow(target, list.len())?;
    if let Some(primary) = primary {
        changed |= demote_others(list, primary);
    }
    Ok(changed)
}

/// Where in a list the elements with a certain `value` are.
struct Index {
    places: HashMap<String, Vec<usize>>,
}

impl Index {
    fn of(target: &Target, list: &[Value]) -> Self {
        let mut index = Self { places: HashMap::with_capacity(list.len()) };
        for (place, element) in list.iter().enumerate() {
            index.insert(target, element, place);
        }
        index
    }

    fn insert(&mut self, target: &Target, element: &Value, place: usize) {
        self.places.entry(index_key(target, element)).or_default().push(place);
    }

    fn find(&self, target: &Target, list: &[Value], element: &Value, budget: &mut Budget) -> Result<Option<usize>> {
        let Some(places) = self.places.get(&index_key(target, element)) else { return Ok(None) };
        budget.visit(target, places.len())?;
        let same = |place: &&usize| list.get(**place).is_some_and(|old| is_same_element(target, old, element));
        Ok(places.iter().find(same).copied())
    }
}

/// What two elements that are the same have in common; the empty key is that of those without a value.
fn index_key(target: &Target, element: &Value) -> String {
    let (rule, value) = match target.sub_attribute("value") {
        Some(sub) => (sub.comparison(), element.get("value")),
        None => (target.comparison(), Some(element)),
    };
    match value {
        Some(Value::String(text)) => rule.fold(text).into_owned(),
        Some(value) if !value.is_object() => value.to_string(),
        _ => String::new(),
    }
}

/// Whether an element that is added is in the list already: the same `value`, and `type` if it has
/// one; without a `value`, the same in all that is supplied (RFC 7644 section 3.5.2.1).
fn is_same_element(target: &Target, old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return target.same_value(old, new) };
    let same = |sub: &Target| match (old.get(sub.definition().name()), new.get(sub.definition().name())) {
        (Some(old), Some(new)) => sub.same_value(old, new),
        (_, None) => true,
        (None, Some(_)) => false,
    };
    if new.contains_key("value") {
        let identity = target.sub_attributes().iter().filter(|s| matches!(s.definition().name(), "value" | "type"));
        identity.into_iter().all(same)
    } else {
        target.sub_attributes().iter().all(same)
    }
}

/// Removes every element that is the same as one that is listed.
pub(crate) fn remove_listed(
    target: &Target,
    list: Option<&mut Vec<Value>>,
    listed: &[Value],
    budget: &mut Budget,
) -> Result<bool> {
    let Some(list) = list else { return Ok(false) };
    let length = list.len();
    if length * listed.len() <= PAIRWISE {
        list.retain(|element| !listed.iter().any(|listed| is_same_element(target, element, listed)));
        return Ok(list.len() < length);
    }
    budget.visit(target, length + listed.len())?;
    let index = Index::of(target, listed);
    let mut failed = Ok(());
    list.retain(|element| {
        // Elements without a value in the list of what goes are compared with each element.
        let keys = [index_key(target, element), String::new()];
        let candidates = keys.iter().filter_map(|key| index.places.get(key)).flatten();
        let mut looked = 0;
        let goes = candidates.filter_map(|place| listed.get(*place)).any(|listed| {
            looked += 1;
            is_same_element(target, element, listed)
        });
        if failed.is_ok() {
            failed = budget.visit(target, looked);
        }
        !goes
    });
    failed.map(|()| list.len() < length)
}

/// What a run of changes comes to for one key.
pub(crate) struct Net<'a> {
    pub(crate) key: &'a str,
    /// Whether an element that was there before goes.
    pub(crate) removed: bool,
    /// The element that is there afterwards: if the old one went, or if there was none.
    pub(crate) added: Option<&'a Map<String, Value>>,
}

impl Keyed {
    /// The key, and the element that is added, if one is.
    pub(crate) fn as_change(&self) -> (&str, Option<&Map<String, Value>>) {
        match self {
            Self::Add(element) => (key_of(element), Some(element)),
            Self::Remove(key) => (key, None),
        }
    }
}

/// The net effect of changes to a keyed list, in the order in which keys first occur, and where in
/// it each folded key is.
pub(crate) fn net<'a>(
    target: &Target,
    changes: impl Iterator<Item = (&'a str, Option<&'a Map<String, Value>>)>,
) -> (Vec<Net<'a>>, HashMap<Cow<'a, str>, usize>) {
    let rule = key_rule(target);
    let mut nets: Vec<Net<'a>> = Vec::with_capacity(changes.size_hint().0);
    let mut places = HashMap::with_capacity(changes.size_hint().0);
    for (key, added) in changes {
        let place = *places.entry(rule.fold(key)).or_insert(nets.len());
        if place == nets.len() {
            nets.push(Net { key, removed: false, added: None });
        }
        if let Some(net) = nets.get_mut(place) {
            match added {
                Some(element) => {
                    net.added.get_or_insert(element);
                }
                None => (net.removed, net.added) = (true, None),
            }
        }
    }
    (nets, places)
}

pub(crate) fn key_of(element: &Map<String, Value>) -> &str {
    element.get("value").and_then(Value::as_str).unwrap_or_default()
}

fn key_rule(target: &Target) -> Comparison {
    target.sub_attribute("value").map_or(Comparison::Exact, Target::comparison)
}

/// Whether any of the changes adds an element.
pub(crate) fn adds(changes: &[Keyed]) -> bool {
    changes.iter().any(|change| matches!(change, Keyed::Add(_)))
}

/// Applies changes to a list whose elements are identified by `value`, all in one pass.
pub(crate) fn keyed(
    target: &Target,
    list: Option<&mut Vec<Value>>,
    changes: &[Keyed],
    budget: &mut Budget,
) -> Result<bool> {
    let Some(list) = list else { return Ok(false) };
    budget.visit(target, list.len() + changes.len())?;
    if let [change] = changes {
        return keyed_one(target, list, change, budget);
    }
    let rule = key_rule(target);
    let (nets, places) = net(target, changes.iter().map(Keyed::as_change));
    let mut kept = vec![false; nets.len()];
    let length = list.len();
    list.retain(|element| {
        let Some(key) = element.get("value").and_then(Value::as_str) else { return true };
        let Some(place) = places.get(&rule.fold(key)).copied() else { return true };
        let Some(net) = nets.get(place) else { return true };
        // What was removed and added again as it was has not changed.
        let stays = !net.removed || net.added.is_some_and(|added| supplies_same(target, element, added));
        if let (true, Some(kept)) = (stays, kept.get_mut(place)) {
            *kept = true;
        }
        stays
    });
    let mut changed = list.len() < length;
    for (net, kept) in nets.iter().zip(kept) {
        if let (Some(added), false) = (net.added, kept) {
            list.push(Value::Object(added.clone()));
            changed = true;
        }
    }
    budget.grow(target, list.len())?;
    Ok(changed)
}

fn keyed_one(target: &Target, list: &mut Vec<Value>, change: &Keyed, budget: &Budget) -> Result<bool> {
    let rule = key_rule(target);
    let folded = rule.fold(change.as_change().0);
    let is_it = |element: &Value| {
        element.get("value").and_then(Value::as_str).is_some_and(|value| rule.equals_text(value, &folded))
    };
    match change {
        Keyed::Add(_) if list.iter().any(is_it) => Ok(false),
        Keyed::Add(element) => {
            budget.grow(target, list.len() + 1)?;
            list.push(Value::Object(element.clone()));
            Ok(true)
        }
        Keyed::Remove(_) => {
            let length = list.len();
            list.retain(|element| !is_it(element));
            Ok(list.len() < length)
        }
    }
}

/// Whether an element has every sub-attribute of another with the same value.
fn supplies_same(target: &Target, old: &Value, new: &Map<String, Value>) -> bool {
    new.iter().all(|(name, value)| {
        target.sub_attribute(name).is_some_and(|sub| old.get(name).is_some_and(|old| sub.same_value(old, value)))
    })
}

/// Sets or removes a sub-attribute in every element of a list.
pub(crate) fn each(
    sub: &Target,
    list: Option<&mut Vec<Value>>,
    value: Option<&Value>,
    seed: bool,
    budget: &mut Budget,
) -> Result<bool> {
    let Some(list) = list.filter(|list| seed || !list.is_empty()) else {
        return match value {
            Some(_) => Err(PatchError::new(ScimType::NoTarget, sub, "there is no element to set it in")),
            None => Ok(false),
        };
    };
    let name = sub.definition().name();
    let Some(value) = value else {
        budget.visit(sub, list.len())?;
        let mut changed = false;
        for object in list.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(old) = object.get(name) {
                may_change(sub, old, None)?;
                object.remove(name);
                changed = true;
            }
        }
        list.retain(|element| !element.as_object().is_some_and(Map::is_empty));
        return Ok(changed);
    };
    budget.visit(sub, list.len())?;
    if list.is_empty() {
        list.push(Value::Object(Map::from_iter([(name.to_owned(), value.clone())])));
        return Ok(true);
    }
    if name == "primary" && value == &Value::Bool(true) && list.len() > 1 {
        return Err(PatchError::new(ScimType::InvalidValue, sub, "at most one element can be primary"));
    }
    let mut changed = false;
    for object in list.iter_mut().filter_map(Value::as_object_mut) {
        match object.get_mut(name) {
            Some(old) if old == value => continue,
            Some(old) => {
                may_change(sub, old, Some(value))?;
                *old = value.clone();
            }
            None => {
                object.insert(name.to_owned(), value.clone());
            }
        }
        changed = true;
    }
    Ok(changed)
}

/// Changes the elements that a filter selects, or makes one.
pub(crate) fn select(
    target: &Target,
    list: Option<&mut Vec<Value>>,
    filter: &Predicate,
    change: &Change,
    seed: Option<&Map<String, Value>>,
    budget: &mut Budget,
) -> Result<bool> {
    let Some(list) = list else { return no_match(target, change) };
    budget.visit(target, list.len())?;
    let length = list.len();
    if matches!(change, Change::Remove) {
        list.retain(|element| !filter.matches_element(element));
        return Ok(list.len() < length);
    }
    let mut changed = false;
    let mut selected = 0;
    let mut primary = None;
    for (place, element) in list.iter_mut().enumerate() {
        if !filter.matches_element(element) {
            continue;
        }
        selected += 1;
        if change_element(target, element, change)? {
            changed = true;
        }
        if sets_primary(change) && primary.replace(place).is_some() {
            return Err(PatchError::new(ScimType::InvalidValue, target, "at most one element can be primary"));
        }
    }
    if selected == 0 {
        let Some(seed) = seed else { return no_match(target, change) };
        if matches!(change, Change::RemoveSub(_)) {
            return Ok(false);
        }
        budget.grow(target, length + 1)?;
        let mut element = Value::Object(seed.clone());
        change_element(target, &mut element, change)?;
        if is_primary(&element) {
            primary = Some(length);
        }
        list.push(element);
        changed = true;
    } else if matches!(change, Change::RemoveSub(_)) {
        list.retain(|element| !element.as_object().is_some_and(Map::is_empty));
    }
    if let Some(primary) = primary {
        changed |= demote_others(list, primary);
    }
    Ok(changed)
}

/// Changes one element; removing it is its list's affair.
pub(crate) fn change_element(target: &Target, element: &mut Value, change: &Change) -> Result<bool> {
    match change {
        Change::Remove => Ok(false),
        Change::RemoveSub(sub) => {
            let Some(object) = element.as_object_mut() else { return Ok(false) };
            match object.get(sub.definition().name()) {
                Some(old) => may_change(sub, old, None)?,
                None => return Ok(false),
            }
            Ok(object.remove(sub.definition().name()).is_some())
        }
        Change::SetSub(sub, value) => {
            let members = Map::from_iter([(sub.definition().name().to_owned(), value.clone())]);
            merge(target, element, &members)
        }
        Change::Merge(members) => merge(target, element, members),
        Change::Replace(value) => {
            if element == value {
                return Ok(false);
            }
            for sub in target.sub_attributes() {
                if let Some(old) = element.get(sub.definition().name()) {
                    may_change(sub, old, value.get(sub.definition().name()))?;
                }
            }
            *element = value.clone();
            Ok(true)
        }
    }
}

fn sets_primary(change: &Change) -> bool {
    match change {
        Change::SetSub(sub, value) => sub.definition().name() == "primary" && value == &Value::Bool(true),
        Change::Merge(members) => members.get("primary") == Some(&Value::Bool(true)),
        Change::Replace(value) => is_primary(value),
        Change::Remove | Change::RemoveSub(_) => false,
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// A new primary element makes the others not primary (RFC 7644 section 3.5.2).
fn demote_others(list: &mut [Value], primary: usize) -> bool {
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
