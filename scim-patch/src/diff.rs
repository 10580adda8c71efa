//! Computing the PATCH request that turns one resource into another, for tests, audit logs and clients.

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::{AttributeRef, Mutability, ResourceType};
use serde_json::{Map, Value};

use crate::element::{is_primary, is_same_element, matches_request};
use crate::key::{find_key, is_keyed};
use crate::mutability::is_schemas;
use crate::{Op, Operation, PatchRequest};

type Object = Map<String, Value>;

impl PatchRequest {
    /// Computes operations that turn the resource `from` into `to`. They are small, but not always the
    /// shortest possible.
    ///
    /// Both resources must be in canonical form. Attributes that only the service writes are skipped, and so
    /// is `schemas`, which the service derives from the extensions. Lists whose elements are identified by
    /// their `value` are compared by it, in any order.
    ///
    /// Applied to `from` under any tolerance, the request results in `to`, except for the order of those
    /// lists. No request can change an immutable value, so the request fails if one differs. Each element to
    /// remove from a list may take one operation, and services limit the number of operations.
    ///
    /// ```
    /// use scim_patch::{PatchLimits, PatchRequest};
    /// use scim_schema::{ReadContext, Tolerance, standard};
    /// use serde_json::json;
    ///
    /// let group = standard::group_type();
    /// let from = json!({ "displayName": "Day shift", "members": [{ "value": "7" }, { "value": "8" }] });
    /// let to = json!({ "displayName": "Night shift", "members": [{ "value": "8" }, { "value": "9" }] });
    /// let (from, to) = (from.as_object().unwrap(), to.as_object().unwrap());
    ///
    /// let request = PatchRequest::diff(&group, from, to);
    /// assert_eq!(serde_json::to_value(&request.operations).unwrap(), json!([
    ///     { "op": "replace", "path": "displayName", "value": "Night shift" },
    ///     { "op": "remove", "path": "members[value eq \"7\"]" },
    ///     { "op": "add", "path": "members", "value": [{ "value": "9" }] },
    /// ]));
    ///
    /// let (tolerance, limits) = (Tolerance::strict(), PatchLimits::default());
    /// let patch = request.resolve(&group, &limits, &mut ReadContext::new(&tolerance))?;
    /// assert_eq!(&patch.apply(from.clone())?.resource, to);
    /// # Ok::<(), scim_patch::PatchError>(())
    /// ```
    pub fn diff(resource_type: &ResourceType, from: &Object, to: &Object) -> Self {
        let mut diff = Diff { operations: Vec::new() };
        // Remove an extension as a whole, since its required attributes cannot be removed one by one.
        let is_removed = |uri: &str| from.contains_key(uri) && !to.contains_key(uri);
        for uri in
            resource_type.extensions().map(|extension| extension.schema().id()).filter(|uri| is_removed(uri))
        {
            diff.push(Op::Remove, uri, None);
        }
        for target in resource_type.all_attributes() {
            if target.extension().is_some_and(is_removed) {
                continue;
            }
            if target.definition().mutability() != Mutability::ReadOnly && !is_schemas(target) {
                diff.diff_attribute(target, target.get(from), target.get(to));
            }
        }
        Self { operations: diff.operations }
    }
}

struct Diff {
    operations: Vec<Operation>,
}

impl Diff {
    fn push(&mut self, op: Op, path: impl ToString, value: Option<Value>) {
        self.operations.push(Operation { op, path: Some(path.to_string()), value });
    }

    fn diff_attribute(&mut self, target: &AttributeRef, from: Option<&Value>, to: Option<&Value>) {
        let is_immutable = target.definition().mutability() == Mutability::Immutable;
        match (from, to) {
            (from, to) if from == to => {}
            (Some(from), Some(to)) if is_immutable && target.values_equal(from, to) => {}
            (_, None) => self.push(Op::Remove, target, None),
            (Some(Value::Array(from)), Some(Value::Array(to))) => self.diff_list(target, from, to),
            (Some(Value::Object(from)), Some(Value::Object(to))) => {
                self.diff_sub_attributes(target, from, to)
            }
            (_, Some(to)) => self.push(Op::Replace, target, Some(to.clone())),
        }
    }

    /// Compares the sub-attributes of a singular complex attribute.
    fn diff_sub_attributes(&mut self, target: &AttributeRef, from: &Object, to: &Object) {
        for sub in target.sub_attributes() {
            let name = sub.definition().name();
            if sub.definition().mutability() == Mutability::ReadOnly || from.get(name) == to.get(name) {
                continue;
            }
            match to.get(name) {
                None => self.push(Op::Remove, sub, None),
                Some(value) => self.push(Op::Replace, sub, Some(value.clone())),
            }
        }
    }

    fn diff_list(&mut self, target: &AttributeRef, from: &[Value], to: &[Value]) {
        let (from, to) = (&*writable(target, from), &*writable(target, to));
        if from == to {
            return;
        }
        if is_keyed(target)
            && let (Some(from), Some(to)) = (by_key(from), by_key(to))
        {
            return self.diff_keyed(target, &from, &to);
        }
        match to.strip_prefix(from) {
            Some(added) if can_be_added(target, from, added) => {
                self.push(Op::Add, target, Some(Value::Array(added.to_vec())));
            }
            _ => self.push(Op::Replace, target, Some(Value::Array(to.to_vec()))),
        }
    }

    fn diff_keyed(&mut self, target: &AttributeRef, from: &ByKey<'_>, to: &ByKey<'_>) {
        let is_unchanged = |other: &ByKey<'_>, key: &str, element: &Value| {
            other.index.get(key).is_some_and(|other| *other == element)
        };
        let removed: Vec<_> =
            from.order.iter().filter(|(key, element)| !is_unchanged(to, key, element)).collect();
        let added: Vec<_> =
            to.order.iter().filter(|(key, element)| !is_unchanged(from, key, element)).collect();
        // Replacing the list would keep the immutable sub-attributes of such an element, so that the result
        // would not be `to`.
        let keeps_fixed_values = |(key, element): &&(&str, &Value)| {
            let old = from.index.get(key).and_then(|old| old.as_object());
            old.zip(element.as_object()).is_some_and(|(old, new)| matches_request(target, old, new))
        };
        if to.order.len() < removed.len() + added.len() && !added.iter().any(keeps_fixed_values) {
            let all = to.order.iter().map(|(_, element)| (*element).clone()).collect();
            return self.push(Op::Replace, target, Some(Value::Array(all)));
        }
        let added: Vec<Value> = added.into_iter().map(|(_, element)| (*element).clone()).collect();
        for (_, element) in removed {
            let key = element.get("value").unwrap_or(&Value::Null);
            self.push(Op::Remove, format_args!("{target}[value eq {key}]"), None);
        }
        if !added.is_empty() {
            self.push(Op::Add, target, Some(Value::Array(added)));
        }
    }
}

/// Returns a list without the `readOnly` sub-attributes of its elements.
fn writable<'a>(target: &AttributeRef, list: &'a [Value]) -> Cow<'a, [Value]> {
    let read_only = |sub: &&AttributeRef| sub.definition().mutability() == Mutability::ReadOnly;
    let names = || target.sub_attributes().iter().filter(read_only).map(|sub| sub.definition().name());
    if names().next().is_none() {
        return Cow::Borrowed(list);
    }
    let mut list = list.to_vec();
    for element in list.iter_mut().filter_map(Value::as_object_mut) {
        element.retain(|name, _| !names().any(|read_only| read_only == name));
    }
    Cow::Owned(list)
}

/// The elements of a list, in order and by their keys.
struct ByKey<'a> {
    order: Vec<(&'a str, &'a Value)>,
    index: HashMap<&'a str, &'a Value>,
}

/// Returns `None` if an element has no key, or if two have the same key.
fn by_key<'a>(list: &'a [Value]) -> Option<ByKey<'a>> {
    let with_key = |element: &'a Value| Some((find_key(element).filter(|key| !key.is_empty())?, element));
    let order: Vec<_> = list.iter().map(with_key).collect::<Option<_>>()?;
    let index: HashMap<_, _> = order.iter().copied().collect();
    (index.len() == order.len()).then_some(ByKey { order, index })
}

/// Whether an `add` of these elements results in just the longer list: none of them is in the list already,
/// and none is primary, which would make the others not primary.
fn can_be_added(target: &AttributeRef, from: &[Value], added: &[Value]) -> bool {
    // This compares each new element with all elements before it, so it is only done for short lists.
    const MAX_COMPARISONS: usize = 10_000;
    if added.len().saturating_mul(from.len() + added.len()) > MAX_COMPARISONS {
        return false;
    }
    let is_new = |(index, element): (usize, &Value)| {
        let earlier = from.iter().chain(added.get(..index).unwrap_or_default());
        !is_primary(element) && !earlier.into_iter().any(|old| is_same_element(target, old, element))
    };
    added.iter().enumerate().all(is_new)
}
