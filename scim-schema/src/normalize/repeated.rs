//! Merges elements that occur more than once in a list.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::AttributeRef;

/// Up to this length, a list is first checked for repeated elements by comparing each pair. That is faster than
/// computing keys, and most short lists have none.
const MAX_PAIRWISE: usize = 8;

impl AttributeRef {
    /// Merges repeated elements of a list into one, as `add` does (RFC 7643 section 2.4, RFC 7644 section 3.5.2.1).
    ///
    /// An element repeats an earlier one if it has the same `value`, and the same `type` or none. An element without a
    /// `value` repeats an earlier one if both are equal. The sub-attributes of the later element overwrite those of
    /// the earlier one.
    ///
    /// In a list of [members](Self::holds_members), elements with the same `value` are the same member; the first
    /// one stays unchanged.
    ///
    /// ```
    /// use scim_schema::standard;
    /// use serde_json::json;
    ///
    /// let work = json!({ "value": "bea@example.com", "type": "work" });
    /// let mut list = vec![work.clone(), json!({ "value": "BEA@example.com", "primary": true })];
    /// standard::user_type().attribute("emails").unwrap().merge_repeated(&mut list);
    /// assert_eq!(list, [json!({ "value": "bea@example.com", "type": "work", "primary": true })]);
    /// ```
    pub fn merge_repeated(&self, list: &mut Vec<Value>) {
        // Repeated URIs in `schemas` are a quirk, which `ResourceType::normalize` handles.
        if list.len() < 2 || self.path().as_str() == "schemas" {
            return;
        }
        if self.holds_members() {
            return self.keep_first_members(list);
        }
        if list.len() <= MAX_PAIRWISE && !self.has_repeated(list) {
            return;
        }
        let mut seen = SeenElements::default();
        let mut merged: Vec<Value> = Vec::with_capacity(list.len());
        for element in list.drain(..) {
            let keys = ElementKeys::new(self, &element);
            match (seen.find(&keys).and_then(|index| merged.get_mut(index)), element) {
                (Some(Value::Object(old)), Value::Object(new)) => self.merge(old, new),
                (Some(_), _) => {}
                (None, element) => {
                    seen.add(keys, merged.len());
                    merged.push(element);
                }
            }
        }
        *list = merged;
    }

    fn keep_first_members(&self, list: &mut Vec<Value>) {
        let rule = self.sub_attribute_refs().get("value").map_or(self.comparison(), Self::comparison);
        let mut seen = HashSet::with_capacity(list.len());
        list.retain(|element| {
            let key = element.get("value").and_then(Value::as_str);
            key.is_none_or(|key| seen.insert(rule.fold(key).into_owned()))
        });
    }

    fn has_repeated(&self, list: &[Value]) -> bool {
        let mut rest = list.iter();
        while let Some(old) = rest.next() {
            if rest.clone().any(|new| self.is_repeated(old, new)) {
                return true;
            }
        }
        false
    }

    /// Whether the element `new` repeats the earlier element `old`.
    fn is_repeated(&self, old: &Value, new: &Value) -> bool {
        // None if neither has the sub-attribute, or the attribute does not define it.
        let equal = |name: &str| match (self.sub_attribute_refs().get(name), old.get(name), new.get(name)) {
            (None, ..) | (_, None, None) => None,
            (Some(sub), Some(old), Some(new)) => Some(sub.values_equal(old, new)),
            (Some(_), ..) => Some(false),
        };
        match equal("value") {
            Some(false) => false,
            Some(true) => new.get("type").is_none() || equal("type") != Some(false),
            None => self.values_equal(old, new),
        }
    }

    /// Merges the sub-attributes of a repeated element into the earlier one.
    fn merge(&self, old: &mut Map<String, Value>, new: Map<String, Value>) {
        for (name, value) in new {
            match (self.sub_attribute(&name), old.get_mut(&name), value) {
                (Some(sub), Some(Value::Array(old)), Value::Array(more)) => {
                    old.extend(more);
                    sub.merge_repeated(old);
                }
                // An equal value keeps its form, for example its case.
                (Some(sub), Some(old), value) if sub.values_equal(old, &value) => {}
                (_, _, value) => {
                    old.insert(name, value);
                }
            }
        }
    }
}

/// The keys by which repeated elements are found; equal for equal elements.
struct ElementKeys {
    /// The key of `value` and `type` together, or of the complete element if it has no `value`.
    identity: String,
    /// The key of `value` alone: an element without a `type` repeats any element with the same `value`.
    value: Option<String>,
    has_type: bool,
}

impl ElementKeys {
    fn new(target: &AttributeRef, element: &Value) -> Self {
        let key = |name: &str| Some(target.sub_attribute_refs().get(name)?.equality_key(element.get(name)?));
        let Some(value) = key("value") else {
            let identity = format!("{:?}", ((), target.equality_key(element)));
            return Self { identity, value: None, has_type: false };
        };
        let element_type = key("type");
        Self {
            identity: format!("{:?}", (&value, &element_type)),
            has_type: element_type.is_some(),
            value: Some(value.into_owned()),
        }
    }
}

/// The indexes of the earlier elements by their keys.
#[derive(Default)]
struct SeenElements {
    identity: HashMap<String, usize>,
    /// The first element with each `value`.
    value: HashMap<String, usize>,
}

impl SeenElements {
    fn find(&self, keys: &ElementKeys) -> Option<usize> {
        match &keys.value {
            Some(value) if !keys.has_type => self.value.get(value).copied(),
            _ => self.identity.get(&keys.identity).copied(),
        }
    }

    fn add(&mut self, keys: ElementKeys, index: usize) {
        if let Some(value) = keys.value {
            self.value.entry(value).or_insert(index);
        }
        self.identity.insert(keys.identity, index);
    }
}
