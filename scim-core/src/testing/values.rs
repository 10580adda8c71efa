//! Values for attributes: those that show whether one is kept, and random ones.

use std::sync::atomic::Ordering;

use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Type};
use serde_json::{Map, Value, json};

use super::random::Random;
use super::reference_ids::ReferenceIds;
use super::tested_type::{TestedType, put};

/// Text that filters are tried with: cases, wildcards of other languages, quotes, several scripts.
const WORDS: [&str; 14] = [
    "anna",
    "Anna",
    "ANNA b",
    "100%",
    "a_b",
    "back\\slash",
    "quo\"te",
    "it's",
    "émile",
    "ÉMILE",
    "Юрий",
    "юрий x",
    "日本",
    "a",
];

impl TestedType {
    /// A resource with this name, and else only what is required.
    pub(super) fn minimal_body(&self, name: &str) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([self.resource_type.schema().id()]));
        for target in &self.required {
            if let Some(value) = self.sample(target, &ReferenceIds::default(), 7) {
                put(&mut body, target, value);
            }
        }
        put(&mut body, &self.name, Value::from(name));
        body
    }

    /// A resource with random values in some attributes.
    pub(super) fn random_body(
        &self,
        ids: &ReferenceIds,
        random: &mut Random,
        number: usize,
    ) -> Map<String, Value> {
        let mut body = self.minimal_body(&format!("{} {number}", word(random)));
        for target in &self.attributes {
            if random.one_in(2)
                && let Some(value) = self.random_value(target, ids, random)
            {
                put(&mut body, target, value);
            }
        }
        body
    }

    /// A value that shows whether an attribute is kept: of each sub-attribute, of a list one element.
    pub(super) fn sample(&self, target: &AttributeRef, ids: &ReferenceIds, seed: u64) -> Option<Value> {
        let value = self.single_value(target, ids, &mut Random::new(seed), true)?;
        Some(if target.attribute().is_multi_valued() { Value::Array(vec![value]) } else { value })
    }

    /// Two elements of a list, of different types where it can have such.
    pub(super) fn two_elements(&self, target: &AttributeRef, ids: &ReferenceIds) -> Option<[Value; 2]> {
        let mut elements = [7, 8].map(|seed| self.single_value(target, ids, &mut Random::new(seed), true));
        let kinds =
            target.sub_attribute("type").filter(|sub| self.usable_subs(target).any(|own| own == *sub));
        for (place, element) in elements.iter_mut().enumerate() {
            let Some(Value::Object(element)) = element else { continue };
            element.remove("primary");
            if let Some(kind) = kinds.and_then(|sub| sub.definition().canonical_values().get(place)) {
                element.insert("type".to_owned(), Value::from(kind.as_str()));
            }
            if let Some(id) = ids.for_attribute(target).get(place) {
                element.insert("value".to_owned(), Value::from(id.as_str()));
            }
        }
        match elements {
            [Some(first), Some(second)] if first != second => Some([first, second]),
            _ => None,
        }
    }

    /// Text to look for in an attribute or a sub-attribute, mostly such as there is.
    pub(super) fn search_text(
        &self,
        target: &AttributeRef,
        ids: &ReferenceIds,
        random: &mut Random,
    ) -> String {
        let attribute = self.resource_type.parent_attribute(target);
        let known = attribute.map(|attribute| ids.for_attribute(attribute)).unwrap_or_default();
        let is_id = target.sub_attribute_definition().is_none_or(|sub| sub.name() == "value");
        match random.pick(known) {
            Some(id) if is_id => id.clone(),
            _ => self.text(target, random, false),
        }
    }

    /// A random value of an attribute; `None` if it must refer to a resource and there is none.
    fn random_value(&self, target: &AttributeRef, ids: &ReferenceIds, random: &mut Random) -> Option<Value> {
        if !target.definition().is_multi_valued() {
            return self.single_value(target, ids, random, false);
        }
        let more = if self.holds_one_element(target) { 0 } else { random.below(3) };
        let mut list: Vec<Value> = Vec::new();
        for _ in 0..=more {
            let element = self.single_value(target, ids, random, false);
            list.extend(element.filter(|element| !list.contains(element)));
        }
        if list.is_empty() {
            return None;
        }
        mark_primary(target, &mut list, random);
        Some(Value::Array(list))
    }

    /// A value, or an element of a list; with `every` one of each sub-attribute.
    fn single_value(
        &self,
        target: &AttributeRef,
        ids: &ReferenceIds,
        random: &mut Random,
        every: bool,
    ) -> Option<Value> {
        if target.is_complex() {
            return self.element(target, ids, random, every).map(Value::Object);
        }
        if self.is_reference(target) {
            return random.pick(ids.for_attribute(target)).map(|id| Value::from(id.as_str()));
        }
        Some(match target.definition().data_type() {
            Type::Boolean => Value::Bool(random.one_in(2)),
            _ => Value::from(self.text(target, random, true)),
        })
    }

    fn element(
        &self,
        target: &AttributeRef,
        ids: &ReferenceIds,
        random: &mut Random,
        every: bool,
    ) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for sub in self.usable_subs(target) {
            let wanted = every || sub.definition().is_required() || random.one_in(2);
            if wanted && let Some(value) = self.random_value(sub, ids, random) {
                members.insert(sub.definition().name().to_owned(), value);
            }
        }
        if !every {
            // At most one element of a list may be primary; `mark_primary` chooses it.
            members.remove("primary");
        }
        if let Some(kind) = target.attribute().only_kept_type() {
            members.insert("type".to_owned(), Value::from(kind));
        }
        if self.is_reference(target) {
            members.insert("value".to_owned(), Value::from(random.pick(ids.for_attribute(target))?.as_str()));
        }
        // An element without any value would not be stored.
        let first = self.usable_subs(target).find(|sub| sub.definition().data_type() == Type::String);
        if let (true, Some(sub)) = (members.is_empty(), first) {
            members.insert(sub.definition().name().to_owned(), Value::from(self.text(sub, random, true)));
        }
        Some(members)
    }

    /// Text that the attribute or sub-attribute takes, if it is to be stored.
    fn text(&self, target: &AttributeRef, random: &mut Random, stored: bool) -> String {
        let definition = target.definition();
        let text = match random.pick(definition.canonical_values()) {
            Some(canonical) if definition.is_only_canonical() || random.one_in(2) => canonical.as_str(),
            _ => word(random),
        };
        if !stored {
            return text.to_owned();
        }
        let text = if self.is_unique(target) {
            format!("{} {text}", self.unique_counter.fetch_add(1, Ordering::Relaxed))
        } else {
            text.to_owned()
        };
        let longest = definition.max_length().unwrap_or(usize::MAX);
        text.chars().take(longest).collect::<String>().trim_end().to_owned()
    }
}

/// A resource of any type with what is required, and with this name if it can have one.
pub(super) fn minimal_body(resource_type: &ResourceType, name: &str) -> Map<String, Value> {
    if let Some(tested) = TestedType::new(resource_type, Vec::new()) {
        return tested.minimal_body(name);
    }
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    if let Some(target) = resource_type.attribute("displayName") {
        put(&mut body, target, Value::from(name));
    }
    body
}

/// A word that random resources may have.
fn word(random: &mut Random) -> &'static str {
    random.pick(&WORDS).copied().unwrap_or_default()
}

/// Makes one element of some lists the primary one, and has some of the others say that they are not.
fn mark_primary(target: &AttributeRef, list: &mut [Value], random: &mut Random) {
    let flag = target.sub_attribute("primary").map(AttributeRef::definition);
    let settable =
        |flag: &Attribute| flag.data_type() == Type::Boolean && flag.mutability() == Mutability::ReadWrite;
    if !flag.is_some_and(settable) {
        return;
    }
    let primary = random.below(2 * list.len());
    for (place, element) in list.iter_mut().enumerate() {
        let says = place == primary || random.one_in(3);
        if let Some(members) = element.as_object_mut().filter(|_| says) {
            members.insert("primary".to_owned(), Value::Bool(place == primary));
        }
    }
}
