//! Values for attributes: fixed ones, which show whether an attribute is stored, and random ones.

use std::sync::atomic::Ordering;

use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Type};
use serde_json::{Map, Value, json};

use super::random::Random;
use super::reference_ids::ReferenceIds;
use super::tested_type::TestedType;

/// Words in stored values and filters: upper and lower case, wildcards of SQL, quotes and several scripts.
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
    /// Makes a resource with this name and values for the required attributes only.
    pub(super) fn minimal_body(&self, name: &str) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([self.resource_type.schema().id()]));
        for target in &self.required {
            if let Some(value) = self.sample(target, &ReferenceIds::default(), 7) {
                target.set(&mut body, value);
            }
        }
        self.name.set(&mut body, Value::from(name));
        body
    }

    /// A random word.
    fn word(&self, random: &mut Random) -> &'static str {
        let words: Vec<&'static str> = WORDS.into_iter().filter(|word| self.is_sent(word)).collect();
        random.pick(&words).copied().unwrap_or_default()
    }

    /// Makes a resource with random values in some attributes.
    pub(super) fn random_body(
        &self,
        ids: &ReferenceIds,
        random: &mut Random,
        number: usize,
    ) -> Map<String, Value> {
        let mut body = self.minimal_body(&format!("{} {number}", self.word(random)));
        for target in &self.attributes {
            if random.one_in(2)
                && let Some(value) = self.random_value(target, ids, random)
            {
                target.set(&mut body, value);
            }
        }
        body
    }

    /// Makes a value that shows whether an attribute is stored: with all sub-attributes, and one element for a list.
    pub(super) fn sample(&self, target: &AttributeRef, ids: &ReferenceIds, seed: u64) -> Option<Value> {
        let value = self.single_value(target, ids, &mut Random::new(seed), true)?;
        Some(if target.attribute().is_multi_valued() { Value::Array(vec![value]) } else { value })
    }

    /// Makes two different elements of a list, with different values of `type` if possible.
    pub(super) fn two_elements(&self, target: &AttributeRef, ids: &ReferenceIds) -> Option<[Value; 2]> {
        let mut elements = [7, 8].map(|seed| self.single_value(target, ids, &mut Random::new(seed), true));
        let type_attribute =
            target.sub_attribute("type").filter(|sub| self.usable_subs(target).any(|usable| usable == *sub));
        for (index, element) in elements.iter_mut().enumerate() {
            let Some(Value::Object(element)) = element else { continue };
            element.remove("primary");
            let types = type_attribute.map(|sub| sub.definition().canonical_values()).unwrap_or_default();
            if let Some(type_value) = types.get(index) {
                element.insert("type".to_owned(), Value::from(type_value.as_str()));
            }
            if let Some(id) = ids.for_attribute(target).get(index) {
                element.insert("value".to_owned(), Value::from(id.as_str()));
            }
        }
        match elements {
            [Some(first), Some(second)] if first != second => Some([first, second]),
            _ => None,
        }
    }

    /// Makes a text for a filter by an attribute or sub-attribute. Most texts are values that some resources have.
    pub(super) fn search_text(
        &self,
        target: &AttributeRef,
        ids: &ReferenceIds,
        random: &mut Random,
    ) -> String {
        let attribute = self.resource_type.parent_attribute(target);
        let existing_ids = attribute.map(|attribute| ids.for_attribute(attribute)).unwrap_or_default();
        let is_id = target.sub_attribute_definition().is_none_or(|sub| sub.name() == "value");
        match random.pick(existing_ids) {
            Some(id) if is_id => id.clone(),
            _ => self.text(target, random, false),
        }
    }

    /// Makes a random value of an attribute; `None` if it must be the id of a resource and none is known.
    fn random_value(&self, target: &AttributeRef, ids: &ReferenceIds, random: &mut Random) -> Option<Value> {
        if !target.definition().is_multi_valued() {
            return self.single_value(target, ids, random, false);
        }
        let additional = if self.holds_one_element(target) { 0 } else { random.below(3) };
        let mut list: Vec<Value> = Vec::new();
        for _ in 0..=additional {
            let element = self.single_value(target, ids, random, false);
            list.extend(element.filter(|element| !list.contains(element)));
        }
        if list.is_empty() {
            return None;
        }
        mark_primary(target, &mut list, random);
        Some(Value::Array(list))
    }

    /// Makes a single value or an element of a list, with all sub-attributes or a random selection of them.
    fn single_value(
        &self,
        target: &AttributeRef,
        ids: &ReferenceIds,
        random: &mut Random,
        all_sub_attributes: bool,
    ) -> Option<Value> {
        if target.is_complex() {
            return self.element(target, ids, random, all_sub_attributes).map(Value::Object);
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
        all_sub_attributes: bool,
    ) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for sub in self.usable_subs(target) {
            let is_included = all_sub_attributes || sub.definition().is_required() || random.one_in(2);
            if is_included && let Some(value) = self.random_value(sub, ids, random) {
                members.insert(sub.definition().name().to_owned(), value);
            }
        }
        if !all_sub_attributes {
            // At most one element of a list may be primary; `mark_primary` chooses it.
            members.remove("primary");
        }
        if let Some(type_value) = target.attribute().kept_types().first() {
            members.insert("type".to_owned(), Value::from(type_value.as_str()));
            if target.sub_attribute("primary").is_some() {
                members.insert("primary".to_owned(), Value::Bool(true));
            }
        }
        if self.is_reference(target) {
            members.insert("value".to_owned(), Value::from(random.pick(ids.for_attribute(target))?.as_str()));
        }
        // A provider does not store an element without values.
        let first_text = self.usable_subs(target).find(|sub| sub.definition().data_type() == Type::String);
        if let (true, Some(sub)) = (members.is_empty(), first_text) {
            members.insert(sub.definition().name().to_owned(), Value::from(self.text(sub, random, true)));
        }
        Some(members)
    }

    /// Makes a random text. If it is to be stored, it is unique and short enough where the attribute requires that.
    fn text(&self, target: &AttributeRef, random: &mut Random, is_stored: bool) -> String {
        let definition = target.definition();
        let text = match random.pick(definition.canonical_values()) {
            Some(canonical) if definition.is_only_canonical() || random.one_in(2) => canonical.as_str(),
            _ => self.word(random),
        };
        if !is_stored {
            return text.to_owned();
        }
        let text = if self.is_unique(target) {
            format!("{} {text}", self.unique_counter.fetch_add(1, Ordering::Relaxed))
        } else {
            text.to_owned()
        };
        let max_length = definition.max_length().unwrap_or(usize::MAX);
        text.chars().take(max_length).collect::<String>().trim_end().to_owned()
    }
}

/// Makes a resource of any type with values for the required attributes, and with this name if it can have one.
pub(super) fn minimal_body(resource_type: &ResourceType, name: &str) -> Map<String, Value> {
    if let Some(tested) = TestedType::new(resource_type, Vec::new()) {
        return tested.minimal_body(name);
    }
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    if let Some(target) = resource_type.attribute("displayName") {
        target.set(&mut body, Value::from(name));
    }
    body
}

/// Sets `primary` of at most one element to true, and of some others to false.
fn mark_primary(target: &AttributeRef, list: &mut [Value], random: &mut Random) {
    let flag = target.sub_attribute("primary").map(AttributeRef::definition);
    let is_writable =
        |flag: &Attribute| flag.data_type() == Type::Boolean && flag.mutability() == Mutability::ReadWrite;
    if !flag.is_some_and(is_writable) {
        return;
    }
    // In half of the lists no element is primary.
    let primary = random.below(2 * list.len());
    for (index, element) in list.iter_mut().enumerate() {
        let has_flag = index == primary || random.one_in(3);
        if let Some(members) = element.as_object_mut().filter(|_| has_flag) {
            members.insert("primary".to_owned(), Value::Bool(index == primary));
        }
    }
}
