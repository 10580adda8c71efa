//! Elements that a list has twice.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::AttributeRef;

/// In a list of up to so many elements, each is compared with each before anything is moved.
const MAX_PAIRWISE: usize = 8;

impl AttributeRef {
    /// Makes one element of those that are the same, as `add` does (RFC 7643 section 2.4, RFC 7644 section
    /// 3.5.2.1): an element is one that came before if it has the same `value`, and the same `type` unless
    /// it has none; without a `value`, if it is the same in all. What it says in addition, or otherwise,
    /// counts. Of members, which are known by their `value`, the first stays as it is.
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
        // Whether a schema may be listed twice is a matter of tolerance.
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

    /// Whether an element is one that came before.
    fn is_repeated(&self, old: &Value, new: &Value) -> bool {
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

    /// Adds what one element says to another.
    fn merge(&self, old: &mut Map<String, Value>, new: Map<String, Value>) {
        for (name, value) in new {
            match (self.sub_attribute(&name), old.get_mut(&name), value) {
                (Some(sub), Some(Value::Array(old)), Value::Array(more)) => {
                    old.extend(more);
                    sub.merge_repeated(old);
                }
                // What is the same stays in the form that it has.
                (Some(sub), Some(old), value) if sub.values_equal(old, &value) => {}
                (_, _, value) => {
                    old.insert(name, value);
                }
            }
        }
    }
}

/// What tells an element from others, as texts that the same elements share.
struct ElementKeys {
    /// All that identifies it.
    identity: String,
    /// Its `value` alone, by which one without a `type` is found.
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

/// Where the elements are that came before.
#[derive(Default)]
struct SeenElements {
    identity: HashMap<String, usize>,
    /// The first with each `value`.
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
