//! PUT: what a resource becomes when it is replaced (RFC 7644 section 3.5.1).

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::{Mutability, Target};
use serde_json::{Map, Value};

use crate::{Context, Error, Result};

/// The resource that a PUT results in: the attributes of the replacement, and those of before that
/// are not the client's to clear.
pub(crate) fn replace(
    cx: &Context<'_>,
    replacement: &Map<String, Value>,
    stored: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let on = cx.resource_type();
    let mut next = replacement.clone();
    for target in on.all_attributes() {
        let old = target.get(stored);
        let new = target.get(replacement);
        if new.is_some() && !cx.may_write(target) && !repeats(cx, target, old, new) {
            return Err(Error::not_writable(target));
        }
        let value = match (old, new) {
            _ if target.attribute().mutability() == Mutability::ReadOnly => old.cloned(),
            (_, Some(Value::Null)) => None,
            // What may only be repeated stays in the form that it has.
            (Some(old), Some(_)) if !cx.may_write(target) => Some(old.clone()),
            (Some(old), None) if stays_when_omitted(cx, target) => Some(old.clone()),
            (Some(old), None) => left_of(cx, target, old),
            (Some(old), Some(new)) => match completed(cx, target, old, new) {
                Some(value) => Some(value),
                None => continue,
            },
            (None, _) => continue,
        };
        put(&mut next, target, value);
    }
    on.update_schemas(&mut next);
    Ok(next)
}

/// Whether a value is the stored one, as far as the caller can see that. What it cannot see it must
/// not find out by guessing either.
fn repeats(cx: &Context<'_>, target: &Target, old: Option<&Value>, new: Option<&Value>) -> bool {
    let guesses = match new {
        _ if !cx.may_read(target) => true,
        Some(Value::Array(list)) => list.iter().any(|element| says_hidden(cx, target, element)),
        new => new.is_some_and(|new| says_hidden(cx, target, new)),
    };
    match (old, new.filter(|new| !new.is_null())) {
        (Some(old), Some(new)) if !guesses => {
            let completed = completed(cx, target, old, new);
            target.same_value(old, completed.as_ref().unwrap_or(new))
        }
        (None, None) => !guesses,
        _ => false,
    }
}

/// What the client cannot see or write, or the server chose, is not cleared by leaving it out.
fn stays_when_omitted(cx: &Context<'_>, target: &Target) -> bool {
    let attribute = target.attribute();
    matches!(attribute.mutability(), Mutability::WriteOnly | Mutability::Immutable)
        || attribute.default_value().is_some()
        || !cx.may_read(target)
        || !cx.may_write(target)
}

/// The same for a sub-attribute of a value that is not left out.
fn sub_stays_when_omitted(cx: &Context<'_>, sub: &Target) -> bool {
    matches!(sub.definition().mutability(), Mutability::WriteOnly | Mutability::Immutable)
        || !cx.may_read(sub)
}

/// What stays of a complex value that is left out as a whole.
fn left_of(cx: &Context<'_>, target: &Target, old: &Value) -> Option<Value> {
    let stays = |name: &str| target.sub_attribute(name).is_some_and(|sub| sub_stays_when_omitted(cx, sub));
    let members = old.as_object()?.iter().filter(|(name, _)| stays(name));
    let members: Map<String, Value> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// What is to stand for a new value because of what was stored; `None` if it stands for itself.
fn completed(cx: &Context<'_>, target: &Target, old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => Some(Value::Array(kept_elements(cx, target, old, new))),
        (Value::Object(old), Value::Object(new)) => {
            // What only the server writes stays as long as what it belongs to does.
            let unchanged = old.get("value") == new.get("value");
            let mut completed = new.clone();
            for sub in target.sub_attributes() {
                let name = sub.definition().name();
                let derived = sub.definition().mutability() == Mutability::ReadOnly && unchanged;
                if let Some(value) = old.get(name)
                    && !new.contains_key(name)
                    && (derived || sub_stays_when_omitted(cx, sub))
                {
                    completed.insert(name.to_owned(), value.clone());
                }
            }
            Some(Value::Object(completed))
        }
        _ => None,
    }
}

/// The new elements of a list, where those that were there before stay as they were: with what the
/// server added, and with what the caller cannot see. All stay in the old order if none came or
/// went, since order means nothing (RFC 7643 section 2.4).
fn kept_elements(cx: &Context<'_>, target: &Target, old: &[Value], new: &[Value]) -> Vec<Value> {
    let mut stored: HashMap<String, Vec<&Value>> = HashMap::with_capacity(old.len());
    for element in old.iter().rev() {
        stored.entry(identity_of(cx, target, element)).or_default().push(element);
    }
    let mut unchanged = old.len() == new.len();
    let mut kept = Vec::with_capacity(new.len());
    for element in new {
        let same = stored.get_mut(&identity_of(cx, target, element));
        let guesses = !target.holds_members() && says_hidden(cx, target, element);
        let element = match same.filter(|_| !guesses).and_then(Vec::pop) {
            Some(before) => {
                let kept = kept_element(cx, target, before, element);
                unchanged &= matches!(kept, Cow::Borrowed(_));
                kept.into_owned()
            }
            None => {
                unchanged = false;
                element.clone()
            }
        };
        kept.push(element);
    }
    if unchanged { old.to_vec() } else { kept }
}

/// An element that was there before: with the values that it has where these are fixed, and with the new
/// ones where they may change, which in a list without keys would make it another.
fn kept_element<'v>(cx: &Context<'_>, target: &Target, old: &'v Value, new: &Value) -> Cow<'v, Value> {
    let (true, Value::Object(before), Value::Object(new)) = (target.holds_members(), old, new) else {
        return Cow::Borrowed(old);
    };
    let mut kept = new.clone();
    for sub in target.sub_attributes() {
        let name = sub.definition().name();
        if let Some(value) = before.get(name)
            && (is_fixed(sub) || !new.contains_key(name) && sub_stays_when_omitted(cx, sub))
        {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    if kept == *before { Cow::Borrowed(old) } else { Cow::Owned(Value::Object(kept)) }
}

/// Whether a value has what the caller cannot see.
fn says_hidden(cx: &Context<'_>, target: &Target, value: &Value) -> bool {
    let hidden = |name: &String| target.sub_attribute(name).is_some_and(|sub| !cx.may_read(sub));
    value.as_object().is_some_and(|members| members.keys().any(hidden))
}

/// Whether a sub-attribute of an element stays what it is as long as the element does.
pub(crate) fn is_fixed(sub: &Target) -> bool {
    matches!(sub.definition().mutability(), Mutability::Immutable | Mutability::ReadOnly)
}

/// What tells an element from others: its `value` in a keyed list, else all that the client can see
/// and send.
fn identity_of(cx: &Context<'_>, target: &Target, element: &Value) -> String {
    let Value::Object(members) = element else { return element.to_string() };
    if let (true, Some(key)) = (target.holds_members(), members.get("value").and_then(Value::as_str)) {
        let rule = target.sub_attribute("value").map_or(target.comparison(), Target::comparison);
        return rule.fold(key).into_owned();
    }
    let mut identity = String::new();
    for sub in target.sub_attributes() {
        let sent = !matches!(sub.definition().mutability(), Mutability::ReadOnly | Mutability::WriteOnly);
        if let Some(value) = members.get(sub.definition().name()).filter(|_| sent && cx.may_read(sub)) {
            identity.push_str(sub.definition().name());
            identity.push_str(&value.to_string());
        }
    }
    identity
}

/// Puts a value where the attribute lives, or takes it away.
fn put(resource: &mut Map<String, Value>, target: &Target, value: Option<Value>) {
    let name = target.attribute().name().to_owned();
    let Some(uri) = target.extension() else {
        set_or_remove(resource, name, value);
        return;
    };
    if value.is_none() && !resource.contains_key(uri) {
        return;
    }
    let container = resource.entry(uri).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(object) = container {
        set_or_remove(object, name, value);
        if object.is_empty() {
            resource.remove(uri);
        }
    }
}

fn set_or_remove(object: &mut Map<String, Value>, name: String, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(name, value);
        }
        None => {
            object.remove(&name);
        }
    }
}
