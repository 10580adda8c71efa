//! Changes as a provider gets them: PUT and PATCH reach the store the same way.

use scim_patch::{ListDelta, Patch};
use scim_schema::{Mutability, Target};
use serde_json::{Map, Value};

use crate::{Context, Resource, Result};

/// The change that a PUT or a PATCH asks for.
#[derive(Clone, Debug)]
pub enum Update {
    /// PUT: the resource is to have these values (RFC 7644 section 3.5.1).
    ///
    /// An attribute with JSON null is to be unassigned although it would be kept when omitted.
    Replace(Resource),
    /// PATCH: operations to be applied in order (RFC 7644 section 3.5.2).
    Patch(Patch),
}

/// What an update made of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The resource afterwards, not yet stamped.
    pub resource: Resource,
    /// Whether it differs from before, or the request has a secret to store. If not, nothing is to
    /// be written.
    pub changed: bool,
}

impl Update {
    /// Applies the change to a resource as the store has it.
    ///
    /// If that [changed](Applied::changed) something, the provider stamps the result with
    /// [`Resource::stamp_changed`] and stores it.
    ///
    /// # Errors
    ///
    /// `mutability`, `invalidValue` or `noTarget`, as RFC 7644 sections 3.5.1 and 3.5.2 say.
    pub fn apply(&self, cx: &Context<'_>, stored: Resource) -> Result<Applied> {
        let secret = !cx.secrets().is_empty();
        match self {
            Self::Patch(patch) => {
                let applied = patch.apply(stored.into_map())?;
                Ok(Applied { resource: Resource::new(applied.resource), changed: applied.changed || secret })
            }
            Self::Replace(replacement) => {
                let next = replace(cx, replacement.as_map(), stored.as_map());
                cx.resource_type().validate(&next, Some(stored.as_map()))?;
                let changed = next != *stored.as_map();
                let resource = if changed { Resource::new(next) } else { stored };
                Ok(Applied { resource, changed: changed || secret })
            }
        }
    }

    /// Splits off what the update does to one list, whose elements are identified by their `value`,
    /// and an update of everything else, to be applied to a resource that lacks the list.
    ///
    /// With that, adding a member to a group is one row in a database, whatever the group's size.
    /// `None` if the list must be loaded and the whole update applied to it.
    pub fn split(&self, attribute: &str) -> Option<(ListDelta<'_>, Update)> {
        match self {
            Self::Patch(patch) => {
                let (delta, rest) = patch.split(attribute)?;
                Some((delta, Self::Patch(rest)))
            }
            Self::Replace(resource) => {
                let elements = match resource.as_map().get(attribute) {
                    Some(Value::Array(list)) => list.iter().map(keyed_element).collect::<Option<_>>()?,
                    None | Some(Value::Null) => Vec::new(),
                    Some(_) => return None,
                };
                let rest = resource.as_map().iter().filter(|(name, _)| *name != attribute);
                let rest = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
                Some((ListDelta::Exactly(elements), Self::Replace(Resource::new(rest))))
            }
        }
    }
}

fn keyed_element(element: &Value) -> Option<&Map<String, Value>> {
    element.as_object().filter(|element| element.get("value").is_some_and(Value::is_string))
}

/// The resource that a PUT results in.
fn replace(
    cx: &Context<'_>,
    replacement: &Map<String, Value>,
    stored: &Map<String, Value>,
) -> Map<String, Value> {
    let on = cx.resource_type();
    let mut next = replacement.clone();
    for target in on.all_attributes() {
        let attribute = target.attribute();
        let old = target.get(stored);
        let new = target.get(&next);
        let kept = match (attribute.mutability(), new) {
            (Mutability::ReadOnly, _) => Some(old.cloned()),
            (_, Some(Value::Null)) => Some(None),
            // What the client cannot see, or the server chose, is not cleared by leaving it out.
            (Mutability::WriteOnly | Mutability::Immutable, None) => Some(old.cloned()),
            (_, None) if attribute.default_value().is_some() || !cx.may_read(target) => Some(old.cloned()),
            (_, Some(new)) => old.and_then(|old| same_or_completed(target, old, new)).map(Some),
            (_, None) => None,
        };
        if let Some(value) = kept {
            put(&mut next, target, value);
        }
    }
    on.update_schemas(&mut next);
    next
}

/// What is to stand for a new value because of what was stored: the stored value itself if they
/// are the same but for order, or elements that the store had completed.
fn same_or_completed(target: &Target, old: &Value, new: &Value) -> Option<Value> {
    if target.is_keyed() {
        let (Value::Array(old), Value::Array(new)) = (old, new) else { return None };
        return Some(Value::Array(keep_elements(target, old, new)));
    }
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (target.attribute().is_multi_valued() && same_list(old, new)).then(|| old.clone());
    };
    // The sub-attributes that only the server writes stay as long as what they belong to does.
    let read_only = |sub: &&Target| sub.definition().mutability() == Mutability::ReadOnly;
    let unchanged = old.get("value") == new.get("value");
    let mut completed = new.clone();
    for sub in target.sub_attributes().iter().filter(read_only).filter(|_| unchanged) {
        if let Some(value) = old.get(sub.definition().name()) {
            completed.insert(sub.definition().name().to_owned(), value.clone());
        }
    }
    Some(Value::Object(completed))
}

/// Whether two lists have the same elements; their order means nothing (RFC 7643 section 2.4).
fn same_list(old: &Value, new: &Value) -> bool {
    // Lists that are long enough for this to matter are keyed.
    const LONG: usize = 1_000;
    let (Value::Array(old), Value::Array(new)) = (old, new) else { return false };
    old.len() == new.len() && new.len() <= LONG && new.iter().all(|element| old.contains(element))
}

/// The new elements of a keyed list, where those that were there before stay as they were, and in
/// their old order if none came or went.
fn keep_elements(target: &Target, old: &[Value], new: &[Value]) -> Vec<Value> {
    let Some(key) = target.sub_attribute("value") else { return new.to_vec() };
    let rule = key.comparison();
    let fold =
        |element: &Value| element.get("value").and_then(Value::as_str).map(|key| rule.fold(key).into_owned());
    let stored: std::collections::HashMap<_, _> =
        old.iter().map(|element| (fold(element), element)).collect();
    let kept: Vec<Value> =
        new.iter().map(|element| (*stored.get(&fold(element)).unwrap_or(&element)).clone()).collect();
    let same = old.len() == new.len() && new.iter().all(|element| stored.contains_key(&fold(element)));
    if same { old.to_vec() } else { kept }
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
