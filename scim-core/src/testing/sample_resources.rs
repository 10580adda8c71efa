//! Resources with values in most attributes, the same in every run.

use std::sync::atomic::Ordering;

use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Returned, Type};
use serde_json::{Map, Number, Value, json};

use super::environment::Environment;
use super::tested_type::put;

/// A resource with values in most attributes; `made` are those that it may refer to, types and ids.
pub(super) fn sample_resource(
    env: &Environment,
    resource_type: &ResourceType,
    number: usize,
    made: &[(String, String)],
) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    for (place, target) in resource_type.all_attributes().enumerate() {
        let attribute = target.attribute();
        let own = matches!(attribute.name(), "schemas" | "id" | "meta");
        let written = matches!(attribute.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let needed = attribute.is_required() || number == 0;
        if own || !written || attribute.returned() == Returned::Never || !env.tested.is_usable(target) {
            continue;
        }
        if (needed || !(number + place).is_multiple_of(3))
            && let Some(value) = attribute_value(env, target, number + place, number, made)
        {
            put(&mut body, target, value);
        }
    }
    Value::Object(body)
}

/// A value of an attribute. `salt` varies values, of which some are equal; `number` is that of the resource and
/// makes values different that may have to be.
fn attribute_value(
    env: &Environment,
    target: &AttributeRef,
    salt: usize,
    number: usize,
    made: &[(String, String)],
) -> Option<Value> {
    let attribute = target.attribute();
    let more = if env.tested.holds_one_element(target) { 0 } else { salt % 3 };
    let elements: Vec<Value> = match referred_types(env, target) {
        Some(types) => {
            if target.holds_members() && !env.capabilities.memberships() {
                return None;
            }
            let suits = |(name, _): &&(String, String)| types.contains(&name.as_str());
            let ids: Vec<&String> = made.iter().filter(suits).map(|(_, id)| id).collect();
            let of = |k: usize| ids.get((salt * 5 + k * 3) % ids.len().max(1));
            let mut chosen: Vec<&&String> = (0..=more).filter_map(of).collect();
            chosen.dedup();
            let value = |id| if target.is_complex() { json!({ "value": id }) } else { json!(id) };
            chosen.into_iter().map(value).collect()
        }
        None if target.is_complex() => (0..=more).map(|k| element(env, target, salt, k)).collect(),
        // Names and whatever may have to be unique differ between resources.
        None if attribute.data_type() == Type::String
            && (attribute.is_required()
                || env.tested.is_unique(target)
                || attribute.name() == "externalId")
            && !attribute.is_only_canonical() =>
        {
            vec![json!(shortened(attribute, &format!("{number} {}", text(salt))))]
        }
        None => (0..=more).map(|k| simple_value(attribute, salt + k)).collect(),
    };
    match attribute.is_multi_valued() {
        true if elements.is_empty() => None,
        true => Some(Value::Array(elements)),
        false => elements.into_iter().next(),
    }
}

/// The types of the resources whose ids an attribute takes, if it refers to any.
fn referred_types<'b>(env: &'b Environment, target: &'b AttributeRef) -> Option<Vec<&'b str>> {
    if let Some((_, to)) = env.references.iter().find(|(known, _)| known == target) {
        return Some(vec![to.name()]);
    }
    let reference = target.sub_attributes().iter().find(|sub| sub.is_derived())?;
    if env.flat_groups && target.holds_members() {
        return Some(vec![env.tested.resource_type.name()]);
    }
    Some(reference.definition().reference_types().iter().map(String::as_str).collect())
}

/// An element of a list, or the value of a complex attribute. Some elements are primary, some say that they
/// are not, and others say nothing.
fn element(env: &Environment, target: &AttributeRef, salt: usize, k: usize) -> Value {
    let mut element = Map::new();
    for (place, sub) in target.sub_attributes().iter().enumerate() {
        let definition = sub.definition();
        let written = matches!(definition.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let left_out = !definition.is_required() && (salt + k + place).is_multiple_of(4);
        if written && !left_out && definition.data_type() != Type::Complex {
            let value = match definition.data_type() {
                Type::String if env.tested.is_unique(sub) => {
                    let count = env.tested.unique_counter.fetch_add(1, Ordering::Relaxed);
                    json!(shortened(definition, &format!("{count} {}", text(salt))))
                }
                _ => simple_value(definition, salt + k),
            };
            let value = if definition.is_multi_valued() { json!([value]) } else { value };
            element.insert(definition.name().to_owned(), value);
        }
    }
    if target.sub_attribute("primary").is_some() {
        match (salt % 4, k) {
            (1, 0) | (2, 1) => element.insert("primary".to_owned(), json!(true)),
            (2 | 3, _) => element.insert("primary".to_owned(), json!(false)),
            _ => element.remove("primary"),
        };
    }
    if let Some(kind) = target.attribute().only_kept_type() {
        element.insert("type".to_owned(), Value::from(kind));
    }
    Value::Object(element)
}

/// As much of a text as an attribute takes.
fn shortened(definition: &Attribute, text: &str) -> String {
    let longest = definition.max_length().unwrap_or(usize::MAX);
    text.chars().take(longest).collect::<String>().trim_end().to_owned()
}

fn text(n: usize) -> &'static str {
    const TEXTS: [&str; 6] = ["anna", "Anna b", "100%", "Émile", "it's", "б"];
    TEXTS.get(n % TEXTS.len()).copied().unwrap_or_default()
}

/// A value of what is not complex; there are few, so that some are equal.
pub(super) fn simple_value(definition: &Attribute, n: usize) -> Value {
    let pick = |list: [&str; 3]| Value::from(list.get(n % 3).copied().unwrap_or_default());
    match definition.data_type() {
        Type::Boolean => json!(n.is_multiple_of(2)),
        Type::Integer => json!(n % 4),
        Type::Decimal => Number::from_f64([0.5, -1.5, 2.0].get(n % 3).copied().unwrap_or_default()).into(),
        Type::DateTime => {
            pick(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01T00:00:00.25Z"])
        }
        Type::Binary => pick(["QUJD", "YWJj", "eHl6"]),
        Type::Reference => {
            pick(["https://example.com/b", "https://example.com/A", "https://example.com/B/b"])
        }
        _ => match definition.canonical_values() {
            [] => json!(shortened(definition, text(n))),
            canonical => json!(canonical.get(n % canonical.len().min(3))),
        },
    }
}
