//! Values for attributes: those that show whether one is kept, and random ones.

use std::sync::atomic::Ordering;

use scim_schema::{Attribute, Mutability, Target, Type};
use serde_json::{Map, Value};

use super::random::Random;
use super::shape::{Shape, put};

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

/// The ids of resources that there are, for the attributes that must refer to one.
#[derive(Default)]
pub(super) struct Ids {
    known: Vec<(Target, Vec<String>)>,
    /// Those of the first type.
    pub(super) of_first: Vec<String>,
}

impl Ids {
    pub(super) fn insert(&mut self, target: &Target, ids: Vec<String>, of_first: bool) {
        if of_first {
            self.of_first.extend(ids.iter().cloned());
        }
        self.known.push((target.clone(), ids));
    }

    fn of(&self, target: &Target) -> &[String] {
        let found = self.known.iter().find(|(known, _)| known == target);
        found.map(|(_, ids)| ids.as_slice()).unwrap_or_default()
    }
}

impl Shape {
    /// A resource with random values in some attributes.
    pub(super) fn random(&self, ids: &Ids, random: &mut Random, number: usize) -> Map<String, Value> {
        let mut body = self.named(&format!("{} {number}", word(random)));
        for target in &self.attributes {
            if random.one_in(2)
                && let Some(value) = self.value(target, ids, random)
            {
                put(&mut body, target, value);
            }
        }
        body
    }

    /// A value that shows whether an attribute is kept: of each sub-attribute, of a list one element.
    pub(super) fn sample(&self, target: &Target, ids: &Ids, seed: u64) -> Option<Value> {
        let value = self.one(target, ids, &mut Random::new(seed), true)?;
        Some(if target.attribute().is_multi_valued() { Value::Array(vec![value]) } else { value })
    }

    /// Two elements of a list, of different types where it can have such.
    pub(super) fn two(&self, target: &Target, ids: &Ids) -> Option<[Value; 2]> {
        let mut elements = [7, 8].map(|seed| self.one(target, ids, &mut Random::new(seed), true));
        let kinds = target.sub_attribute("type").filter(|sub| self.subs(target).any(|own| own == *sub));
        for (place, element) in elements.iter_mut().enumerate() {
            let Some(Value::Object(element)) = element else { continue };
            element.remove("primary");
            if let Some(kind) = kinds.and_then(|sub| sub.definition().canonical_values().get(place)) {
                element.insert("type".to_owned(), Value::from(kind.as_str()));
            }
            if let Some(id) = ids.of(target).get(place) {
                element.insert("value".to_owned(), Value::from(id.as_str()));
            }
        }
        match elements {
            [Some(one), Some(other)] if one != other => Some([one, other]),
            _ => None,
        }
    }

    /// Text to look for in an attribute or a sub-attribute, mostly such as there is.
    pub(super) fn sought(&self, target: &Target, ids: &Ids, random: &mut Random) -> String {
        let attribute = self.on.attribute_of(target);
        let known = attribute.map(|attribute| ids.of(attribute)).unwrap_or_default();
        let is_id = target.sub().is_none_or(|sub| sub.name() == "value");
        match random.pick(known) {
            Some(id) if is_id => id.clone(),
            _ => self.text(target, random, false),
        }
    }

    /// Whether the suite can make values for an attribute.
    pub(super) fn can_be_given(&self, target: &Target) -> bool {
        if !target.is_complex() {
            return is_simple(target);
        }
        let subs = target.sub_attributes();
        subs.iter().all(|sub| !sub.definition().is_required() || is_simple(sub))
            && self.subs(target).next().is_some()
    }

    /// A random value of an attribute; none where it has to refer to something and nothing is there.
    fn value(&self, target: &Target, ids: &Ids, random: &mut Random) -> Option<Value> {
        if !target.definition().is_multi_valued() {
            return self.one(target, ids, random, false);
        }
        let more = if self.holds_one(target) { 0 } else { random.below(3) };
        let mut list: Vec<Value> = Vec::new();
        for _ in 0..=more {
            let element = self.one(target, ids, random, false);
            list.extend(element.filter(|element| !list.contains(element)));
        }
        if list.is_empty() {
            return None;
        }
        mark_primary(target, &mut list, random);
        Some(Value::Array(list))
    }

    /// A value, or an element of a list; with `every` one of each sub-attribute.
    fn one(&self, target: &Target, ids: &Ids, random: &mut Random, every: bool) -> Option<Value> {
        if target.is_complex() {
            return self.element(target, ids, random, every).map(Value::Object);
        }
        if self.is_reference(target) {
            return random.pick(ids.of(target)).map(|id| Value::from(id.as_str()));
        }
        Some(match target.definition().data_type() {
            Type::Boolean => Value::Bool(random.one_in(2)),
            _ => Value::from(self.text(target, random, true)),
        })
    }

    fn element(
        &self,
        target: &Target,
        ids: &Ids,
        random: &mut Random,
        every: bool,
    ) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for sub in self.subs(target) {
            let wanted = every || sub.definition().is_required() || random.one_in(2);
            if wanted && let Some(value) = self.value(sub, ids, random) {
                members.insert(sub.definition().name().to_owned(), value);
            }
        }
        if !every {
            // Of two that are primary one is too many.
            members.remove("primary");
        }
        if let Some(kind) = target.attribute().single_type() {
            members.insert("type".to_owned(), Value::from(kind));
        }
        if self.is_reference(target) {
            members.insert("value".to_owned(), Value::from(random.pick(ids.of(target))?.as_str()));
        }
        // An element without values is none.
        let first = self.subs(target).find(|sub| sub.definition().data_type() == Type::String);
        if let (true, Some(sub)) = (members.is_empty(), first) {
            members.insert(sub.definition().name().to_owned(), Value::from(self.text(sub, random, true)));
        }
        Some(members)
    }

    /// The sub-attributes that are given values; of a reference, beside the id only what must be there.
    fn subs<'t>(&self, target: &'t Target) -> impl Iterator<Item = &'t Target> + use<'t> {
        let reference = self.is_reference(target);
        target.sub_attributes().iter().filter(move |sub| {
            let definition = sub.definition();
            let needed = definition.is_required() || definition.name() == "value";
            is_simple(sub) && definition.mutability() == Mutability::ReadWrite && (needed || !reference)
        })
    }

    /// Text that the attribute or sub-attribute takes, if it is to be stored.
    fn text(&self, target: &Target, random: &mut Random, stored: bool) -> String {
        let definition = target.definition();
        let text = match random.pick(definition.canonical_values()) {
            Some(canonical) if definition.is_only_canonical() || random.one_in(2) => canonical.as_str(),
            _ => word(random),
        };
        if !stored {
            return text.to_owned();
        }
        let text = if self.is_unique(target) {
            format!("{} {text}", self.count.fetch_add(1, Ordering::Relaxed))
        } else {
            text.to_owned()
        };
        let longest = definition.max_length().unwrap_or(usize::MAX);
        text.chars().take(longest).collect::<String>().trim_end().to_owned()
    }
}

/// Whether values are text or truth values.
pub(super) fn is_simple(target: &Target) -> bool {
    matches!(target.definition().data_type(), Type::String | Type::Boolean)
}

/// A word that random resources may have.
fn word(random: &mut Random) -> &'static str {
    random.pick(&WORDS).copied().unwrap_or_default()
}
/// Makes one element of some lists the primary one, and has some of the others say that they are not.
fn mark_primary(target: &Target, list: &mut [Value], random: &mut Random) {
    let flag = target.sub_attribute("primary").map(Target::definition);
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
