//! Resources with values in most attributes, which are the same in every run.

use std::sync::atomic::Ordering;

use scim_schema::{Attribute, AttributeRef, Mutability, ResourceType, Returned, Type};
use serde_json::{Map, Number, Value, json};

use super::environment::Environment;

/// Makes a resource with values in most attributes. `created` are the types and ids of the resources that it can refer to.
pub(super) fn sample_resource(
    env: &Environment,
    resource_type: &ResourceType,
    number: usize,
    created: &[(String, String)],
) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    for (index, target) in resource_type.all_attributes().enumerate() {
        let attribute = target.attribute();
        let is_common = matches!(attribute.name(), "schemas" | "id" | "meta");
        let is_writable = matches!(attribute.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let is_needed = attribute.is_required() || number == 0;
        if is_common
            || !is_writable
            || attribute.returned() == Returned::Never
            || !env.tested.is_usable(target)
        {
            continue;
        }
        if (is_needed || !(number + index).is_multiple_of(3))
            && let Some(value) = attribute_value(env, target, number + index, number, created)
        {
            target.set(&mut body, value);
        }
    }
    Value::Object(body)
}

/// Makes a value of an attribute. `salt` selects one of a few values, so that some resources have equal ones. `number` is
/// the number of the resource, which makes values different that must be unique.
fn attribute_value(
    env: &Environment,
    target: &AttributeRef,
    salt: usize,
    number: usize,
    created: &[(String, String)],
) -> Option<Value> {
    let attribute = target.attribute();
    let additional = if env.tested.holds_one_element(target) { 0 } else { salt % 3 };
    let elements: Vec<Value> = match referred_types(env, target) {
        Some(types) => {
            if target.holds_members() && !env.capabilities.memberships() {
                return None;
            }
            let is_referred = |(name, _): &&(String, String)| types.contains(&name.as_str());
            let ids: Vec<&String> = created.iter().filter(is_referred).map(|(_, id)| id).collect();
            let pick = |position: usize| ids.get((salt * 5 + position * 3) % ids.len().max(1));
            let mut chosen: Vec<&&String> = (0..=additional).filter_map(pick).collect();
            chosen.dedup();
            let value = |id| if target.is_complex() { json!({ "value": id }) } else { json!(id) };
            chosen.into_iter().map(value).collect()
        }
        None if target.is_complex() => {
            (0..=additional).map(|position| element(env, target, salt, position)).collect()
        }
        // Names, unique values and external ids differ between resources.
        None if attribute.data_type() == Type::String
            && (attribute.is_required()
                || env.tested.is_unique(target)
                || attribute.name() == "externalId")
            && !attribute.is_only_canonical() =>
        {
            vec![json!(truncated(attribute, &format!("{number} {}", text(env, salt))))]
        }
        None => (0..=additional).map(|position| simple_value(env, attribute, salt + position)).collect(),
    };
    match attribute.is_multi_valued() {
        true if elements.is_empty() => None,
        true => Some(Value::Array(elements)),
        false => elements.into_iter().next(),
    }
}

/// The names of the resource types that an attribute refers to; `None` if it is no reference.
fn referred_types<'e>(env: &'e Environment, target: &'e AttributeRef) -> Option<Vec<&'e str>> {
    if let Some((_, referred)) = env.references.iter().find(|(attribute, _)| attribute == target) {
        return Some(vec![referred.name()]);
    }
    let reference = target.sub_attributes().iter().find(|sub| sub.is_derived())?;
    if env.flat_groups && target.holds_members() {
        return Some(vec![env.tested.resource_type.name()]);
    }
    Some(reference.definition().reference_types().iter().map(String::as_str).collect())
}

/// Makes an element of a list, or the value of a complex attribute. `primary` is true in some elements, false in some, and
/// missing in others.
fn element(env: &Environment, target: &AttributeRef, salt: usize, position: usize) -> Value {
    let mut element = Map::new();
    for (index, sub) in target.sub_attributes().iter().enumerate() {
        let definition = sub.definition();
        let is_writable = matches!(definition.mutability(), Mutability::ReadWrite | Mutability::Immutable);
        let is_omitted = !definition.is_required() && (salt + position + index).is_multiple_of(4);
        if is_writable && !is_omitted && definition.data_type() != Type::Complex {
            let value = match definition.data_type() {
                Type::String if env.tested.is_unique(sub) => {
                    let count = env.tested.unique_counter.fetch_add(1, Ordering::Relaxed);
                    json!(truncated(definition, &format!("{count} {}", text(env, salt))))
                }
                _ => simple_value(env, definition, salt + position),
            };
            let value = if definition.is_multi_valued() { json!([value]) } else { value };
            element.insert(definition.name().to_owned(), value);
        }
    }
    if target.sub_attribute("primary").is_some() {
        match (salt % 4, position) {
            (1, 0) | (2, 1) => element.insert("primary".to_owned(), json!(true)),
            (2 | 3, _) => element.insert("primary".to_owned(), json!(false)),
            _ => element.remove("primary"),
        };
    }
    if let Some(type_value) = target.attribute().kept_types().first() {
        element.insert("type".to_owned(), Value::from(type_value.as_str()));
        if target.sub_attribute("primary").is_some() {
            element.insert("primary".to_owned(), json!(true));
        }
    }
    Value::Object(element)
}

/// Cuts a text to the maximum length of an attribute.
fn truncated(definition: &Attribute, text: &str) -> String {
    let max_length = definition.max_length().unwrap_or(usize::MAX);
    text.chars().take(max_length).collect::<String>().trim_end().to_owned()
}

fn text(env: &Environment, n: usize) -> &'static str {
    let texts = match env.tested.ascii_texts {
        true => ["anna", "Anna b", "100%", "Emile", "it's", "b"],
        false => ["anna", "Anna b", "100%", "Émile", "it's", "б"],
    };
    texts.get(n % texts.len()).copied().unwrap_or_default()
}

/// Makes a value of an attribute that is not complex. There are only a few, so that some resources have equal ones.
pub(super) fn simple_value(env: &Environment, definition: &Attribute, n: usize) -> Value {
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
            [] => json!(truncated(definition, text(env, n))),
            canonical => json!(canonical.get(n % canonical.len().min(3))),
        },
    }
}
