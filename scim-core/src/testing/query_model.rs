//! A second, simple implementation of filters and sorting, with which the checks compare the answers of a provider.
//!
//! It walks over the syntax tree of a filter and over the JSON of responses. It shares no code with the library, so that
//! both do not have the same fault, and it is not optimized.

use std::cmp::Ordering;

use chrono::DateTime;
use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, AttributeRef, ResourceType, Type};
use serde_json::Value;

/// Whether a resource, as it is in a response, matches a filter.
pub(super) fn matches(resource_type: &ResourceType, filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| matches(resource_type, term, resource)),
        Filter::Or(terms) => terms.iter().any(|term| matches(resource_type, term, resource)),
        Filter::Not(inner) => !matches(resource_type, inner, resource),
        Filter::Present(path) => is_any_present(&present_values(path, resource)),
        Filter::Compare { path, op, value } => match (value, op) {
            (Literal::Null, CompareOp::Eq) => !is_any_present(&present_values(path, resource)),
            (Literal::Null, _) => is_any_present(&present_values(path, resource)),
            _ => compare(
                &compared_values(resource_type, path, &attribute_elements(path, resource)),
                *op,
                value,
                TextComparison::new(resource_type, path),
            ),
        },
        Filter::Complex { path, filter } => attribute_elements(path, resource)
            .iter()
            .any(|element| element_matches(resource_type, path, filter, element)),
    }
}

fn element_matches(
    resource_type: &ResourceType,
    parent: &AttrPath,
    filter: &Filter,
    element: &Value,
) -> bool {
    let with_parent = |path: &AttrPath| {
        let text = format!("{}.{}", parent.as_str(), path.attribute());
        AttrPath::parse(&text).unwrap_or_else(|_| path.clone())
    };
    let is_stored = |path: &AttrPath| is_any_present(&Vec::from_iter(element.get(path.attribute())));
    match filter {
        Filter::And(terms) => terms.iter().all(|term| element_matches(resource_type, parent, term, element)),
        Filter::Or(terms) => terms.iter().any(|term| element_matches(resource_type, parent, term, element)),
        Filter::Not(inner) => !element_matches(resource_type, parent, inner, element),
        Filter::Present(path) => is_stored(path),
        Filter::Compare { path, op, value } => match (value, op) {
            (Literal::Null, CompareOp::Eq) => !is_stored(path),
            (Literal::Null, _) => is_stored(path),
            _ => {
                let path = with_parent(path);
                compare(
                    &compared_values(resource_type, &path, &[element]),
                    *op,
                    value,
                    TextComparison::new(resource_type, &path),
                )
            }
        },
        Filter::Complex { .. } => false,
    }
}

/// The values of the attribute itself, without its sub-attribute: the elements of a list, or the single value.
fn attribute_elements<'a>(path: &AttrPath, resource: &'a Value) -> Vec<&'a Value> {
    let object = match path.uri() {
        Some(uri) => resource.get(uri),
        None => Some(resource),
    };
    match object.and_then(|object| object.get(path.attribute())) {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// The values of an attribute or sub-attribute that are present.
fn present_values<'a>(path: &AttrPath, resource: &'a Value) -> Vec<&'a Value> {
    let elements = attribute_elements(path, resource);
    match path.sub_attribute() {
        Some(sub) => elements.into_iter().filter_map(|element| element.get(sub)).collect(),
        None => elements,
    }
}

/// The values that a filter compares. An element of a list without `primary` counts as not primary.
fn compared_values<'a>(
    resource_type: &ResourceType,
    path: &AttrPath,
    elements: &[&'a Value],
) -> Vec<&'a Value> {
    let Some(sub) = path.sub_attribute() else { return elements.to_vec() };
    let is_list =
        find_attribute(resource_type, path).is_some_and(|found| found.attribute().is_multi_valued());
    let is_flag =
        find_target(resource_type, path).is_some_and(|found| found.definition().data_type() == Type::Boolean);
    let default = (sub == "primary" && is_list && is_flag).then_some(&Value::Bool(false));
    elements.iter().filter_map(|element| element.get(sub).or(default)).collect()
}

fn is_any_present(values: &[&Value]) -> bool {
    values.iter().any(|value| is_present(value))
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => list.iter().any(is_present),
        Value::Object(object) => object.values().any(is_present),
        _ => true,
    }
}

/// The attribute that a path names, without its sub-attribute.
fn find_attribute<'a>(resource_type: &'a ResourceType, path: &AttrPath) -> Option<&'a AttributeRef> {
    match path.uri() {
        Some(uri) => resource_type.extension(uri).and_then(|extension| extension.attribute(path.attribute())),
        None => resource_type.attribute(path.attribute()),
    }
}

/// The attribute or sub-attribute that a path names.
fn find_target<'a>(resource_type: &'a ResourceType, path: &AttrPath) -> Option<&'a AttributeRef> {
    let attribute = find_attribute(resource_type, path)?;
    match path.sub_attribute() {
        Some(sub) => attribute.sub_attribute(sub),
        None => Some(attribute),
    }
}

/// How texts are compared.
#[derive(Clone, Copy, PartialEq)]
enum TextComparison {
    Exact,
    Folded,
    Time,
}

impl TextComparison {
    fn new(resource_type: &ResourceType, path: &AttrPath) -> Self {
        let Some(definition) = find_target(resource_type, path).map(AttributeRef::definition) else {
            return Self::Folded;
        };
        // The `value` next to a `$ref` is an id.
        let attribute = find_attribute(resource_type, path);
        let is_reference = attribute.is_some_and(|attribute| attribute.sub_attribute("$ref").is_some());
        let is_id = is_reference && path.sub_attribute() == Some("value");
        match definition.data_type() {
            Type::DateTime => Self::Time,
            Type::Reference | Type::Binary => Self::Exact,
            _ if is_id || definition.is_case_exact() => Self::Exact,
            _ => Self::Folded,
        }
    }

    fn fold(self, text: &str) -> String {
        if self == Self::Folded { text.to_lowercase() } else { text.to_owned() }
    }

    fn order(self, a: &str, b: &str) -> Ordering {
        if self == Self::Time {
            return DateTime::parse_from_rfc3339(a).ok().cmp(&DateTime::parse_from_rfc3339(b).ok());
        }
        self.fold(a).cmp(&self.fold(b))
    }
}

fn compare(values: &[&Value], op: CompareOp, literal: &Literal, comparison: TextComparison) -> bool {
    // An attribute without a value differs from every value and equals none.
    if values.is_empty() {
        return op == CompareOp::Ne;
    }
    values.iter().any(|value| {
        let order = match (value, literal) {
            (Value::Bool(value), Literal::Bool(literal)) => value.cmp(literal),
            (Value::Number(value), Literal::Number(literal)) => {
                value.as_f64().partial_cmp(&literal.as_f64()).unwrap_or(Ordering::Less)
            }
            (Value::String(value), Literal::String(literal)) => {
                let (text, operand) = (comparison.fold(value), comparison.fold(literal));
                match op {
                    CompareOp::Co => return text.contains(&operand),
                    CompareOp::Sw => return text.starts_with(&operand),
                    CompareOp::Ew => return text.ends_with(&operand),
                    _ => comparison.order(value, literal),
                }
            }
            _ => return op == CompareOp::Ne,
        };
        match op {
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
        }
    })
}

/// Returns the ids of resources in the order by an attribute (RFC 7644 section 3.4.2.3). Lists are sorted by their
/// primary element, else by their first one. Resources without a value come last, or first in descending order.
/// Resources with equal values are sorted by their ids.
pub(super) fn sorted(
    resource_type: &ResourceType,
    path: &AttrPath,
    descending: bool,
    resources: &[Value],
) -> Vec<String> {
    let id = |resource: &Value| resource.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = |resource: &Value| {
        let elements = attribute_elements(path, resource);
        let is_primary = |element: &&&Value| element.get("primary") == Some(&Value::Bool(true));
        let first = elements.iter().find(is_primary).or(elements.first()).copied()?;
        let value = match find_target(resource_type, path).is_some_and(AttributeRef::is_complex) {
            true => first.get("value").cloned(),
            false => compared_values(resource_type, path, &[first]).into_iter().next().cloned(),
        };
        // A `$ref` is sorted by the id at its end, since its beginning depends on the base URL.
        match (path.sub_attribute(), value) {
            (Some("$ref"), Some(Value::String(uri))) => uri.rsplit('/').next().map(Value::from),
            (_, value) => value,
        }
    };
    let value_path = match find_target(resource_type, path).is_some_and(AttributeRef::is_complex) {
        true => AttrPath::parse(&format!("{}.value", path.as_str())).unwrap_or_else(|_| path.clone()),
        false => path.clone(),
    };
    let comparison = TextComparison::new(resource_type, &value_path);
    let mut keyed: Vec<(Option<Value>, String)> = resources.iter().map(|r| (key(r), id(r))).collect();
    keyed.sort_by(|(a, id_a), (b, id_b)| {
        let order = match (a, b) {
            (Some(Value::String(a)), Some(Value::String(b))) => comparison.order(a, b),
            (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
            (Some(Value::Number(a)), Some(Value::Number(b))) => {
                a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
            }
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        let order = if descending { order.reverse() } else { order };
        order.then_with(|| id_a.cmp(id_b))
    });
    keyed.into_iter().map(|(_, id)| id).collect()
}
