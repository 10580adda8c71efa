//! PUT: what a resource becomes when it is replaced (RFC 7644 section 3.5.1).

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::{AttributeRef, Mutability};
use serde_json::{Map, Value};

use crate::{Context, Error, Result};

/// The resource that a PUT results in: the attributes of the replacement, and those stored attributes that a
/// client cannot clear by leaving them out.
pub(crate) fn replace(
    cx: &Context<'_>,
    replacement: &Map<String, Value>,
    stored: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let resource_type = cx.resource_type();
    let mut next = replacement.clone();
    for target in resource_type.all_attributes() {
        let old = target.get(stored);
        let new = target.get(replacement);
        if new.is_some() && !cx.may_write(target) && !repeats(cx, target, old, new) {
            return Err(Error::not_writable(target));
        }
        let value = match (old, new) {
            _ if target.attribute().mutability() == Mutability::ReadOnly => old.cloned(),
            (_, Some(Value::Null)) => None,
            // A protected value that is repeated keeps the form in which it is stored.
            (Some(old), Some(_)) if !cx.may_write(target) => Some(old.clone()),
            (Some(old), None) if stays_when_omitted(cx, target) => Some(old.clone()),
            (Some(old), None) => remaining(cx, target, old),
            (Some(old), Some(new)) => match completed(cx, target, old, new) {
                Some(value) => Some(value),
                None => continue,
            },
            (None, _) => continue,
        };
        match value {
            Some(value) => target.set(&mut next, value),
            None => target.remove(&mut next),
        };
    }
    resource_type.update_schemas(&mut next);
    Ok(next)
}

/// Whether a new value repeats the stored one, which is all that a caller may do with a protected attribute. A
/// value with parts that the caller cannot read never counts as repeated: otherwise the answer would tell a
/// caller whether it has guessed them.
fn repeats(cx: &Context<'_>, target: &AttributeRef, old: Option<&Value>, new: Option<&Value>) -> bool {
    let has_hidden_parts = match new {
        _ if !cx.may_read(target) => true,
        Some(Value::Array(list)) => list.iter().any(|element| mentions_hidden(cx, target, element)),
        new => new.is_some_and(|new| mentions_hidden(cx, target, new)),
    };
    match (old, new.filter(|new| !new.is_null())) {
        (Some(old), Some(new)) if !has_hidden_parts => {
            let completed = completed(cx, target, old, new);
            target.values_equal(old, completed.as_ref().unwrap_or(new))
        }
        (None, None) => !has_hidden_parts,
        _ => false,
    }
}

/// Whether an attribute keeps its value when the replacement leaves it out: because the caller cannot read or
/// write it, or because the server chose the value.
fn stays_when_omitted(cx: &Context<'_>, target: &AttributeRef) -> bool {
    let attribute = target.attribute();
    matches!(attribute.mutability(), Mutability::WriteOnly | Mutability::Immutable)
        || attribute.default_value().is_some()
        || !cx.may_read(target)
        || !cx.may_write(target)
}

/// Whether a sub-attribute keeps its value when a replacement of its attribute leaves it out.
fn sub_stays_when_omitted(cx: &Context<'_>, sub: &AttributeRef) -> bool {
    matches!(sub.definition().mutability(), Mutability::WriteOnly | Mutability::Immutable)
        || !cx.may_read(sub)
}

/// What remains of a complex value that the replacement leaves out.
fn remaining(cx: &Context<'_>, target: &AttributeRef, old: &Value) -> Option<Value> {
    let stays = |name: &str| target.sub_attribute(name).is_some_and(|sub| sub_stays_when_omitted(cx, sub));
    let members = old.as_object()?.iter().filter(|(name, _)| stays(name));
    let members: Map<String, Value> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// The new value with those stored parts that a client cannot clear by leaving them out. `None` if the new value
/// is used as it is.
fn completed(cx: &Context<'_>, target: &AttributeRef, old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => Some(Value::Array(kept_elements(cx, target, old, new))),
        (Value::Object(old), Value::Object(new)) => {
            // A readOnly sub-attribute, such as `display`, describes the `value` beside it.
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

/// The new elements of a list. Elements that are stored already keep what the server added and what the caller
/// cannot read. If the replacement has the same elements in another order, the list keeps its order, which
/// means nothing (RFC 7643 section 2.4): the resource then does not change.
fn kept_elements(cx: &Context<'_>, target: &AttributeRef, old: &[Value], new: &[Value]) -> Vec<Value> {
    let mut stored: HashMap<String, Vec<&Value>> = HashMap::with_capacity(old.len());
    for element in old.iter().rev() {
        stored.entry(identity_of(cx, target, element)).or_default().push(element);
    }
    let mut unchanged = old.len() == new.len();
    let mut elements = Vec::with_capacity(new.len());
    for element in new {
        let same = stored.get_mut(&identity_of(cx, target, element));
        let has_hidden_parts = !target.holds_members() && mentions_hidden(cx, target, element);
        let element = match same.filter(|_| !has_hidden_parts).and_then(Vec::pop) {
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
        elements.push(element);
    }
    if unchanged { old.to_vec() } else { elements }
}

/// An element that is stored already. In a list of members, sub-attributes that may change get their new values.
/// In any other list the elements are equal in everything that the client can see, so the stored one is used.
fn kept_element<'v>(cx: &Context<'_>, target: &AttributeRef, old: &'v Value, new: &Value) -> Cow<'v, Value> {
    let (true, Value::Object(before), Value::Object(new)) = (target.holds_members(), old, new) else {
        return Cow::Borrowed(old);
    };
    let mut kept = new.clone();
    for sub in target.sub_attributes() {
        let name = sub.definition().name();
        if let Some(value) = before.get(name)
            && (sub.is_fixed() || !new.contains_key(name) && sub_stays_when_omitted(cx, sub))
        {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    if kept == *before { Cow::Borrowed(old) } else { Cow::Owned(Value::Object(kept)) }
}

/// Whether a value has sub-attributes that the caller may not read.
fn mentions_hidden(cx: &Context<'_>, target: &AttributeRef, value: &Value) -> bool {
    let hidden = |name: &String| target.sub_attribute(name).is_some_and(|sub| !cx.may_read(sub));
    value.as_object().is_some_and(|members| members.keys().any(hidden))
}

/// What identifies an element of a list: its `value` in a list of members, else all sub-attributes that the
/// client can read and send.
fn identity_of(cx: &Context<'_>, target: &AttributeRef, element: &Value) -> String {
    let Value::Object(members) = element else { return element.to_string() };
    if let (true, Some(key)) = (target.holds_members(), members.get("value").and_then(Value::as_str)) {
        let rule = target.sub_attribute("value").map_or(target.comparison(), AttributeRef::comparison);
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
