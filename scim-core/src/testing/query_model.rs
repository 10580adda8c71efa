//! What a filter and an order mean, said a second time: a naive walk over the syntax tree, and over the
//! values that responses show.
//!
//! It shares no code with what it is compared with, and does not want to be fast.

use std::cmp::Ordering;

use chrono::DateTime;
use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, AttributeRef, ResourceType, Type};
use serde_json::Value;

/// Whether a resource, as a response shows it, matches a filter.
pub(super) fn matches(resource_type: &ResourceType, filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| matches(resource_type, term, resource)),
        Filter::Or(terms) => terms.iter().any(|term| matches(resource_type, term, resource)),
        Filter::Not(inner) => !matches(resource_type, inner, resource),
        Filter::Present(path) => is_any_present(&stored(path, resource)),
        Filter::Compare { path, op, value } => match (value, op) {
            (Literal::Null, CompareOp::Eq) => !is_any_present(&stored(path, resource)),
            (Literal::Null, _) => is_any_present(&stored(path, resource)),
            _ => compare(
                &compared(resource_type, path, &elements(path, resource)),
                *op,
                value,
                Rule::of(resource_type, path),
            ),
        },
        Filter::Complex { path, filter } => elements(path, resource)
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
    let inside = |path: &AttrPath| {
        let text = format!("{}.{}", parent.as_str(), path.attribute());
        AttrPath::parse(&text).unwrap_or_else(|_| path.clone())
    };
    let stored = |path: &AttrPath| is_any_present(&Vec::from_iter(element.get(path.attribute())));
    match filter {
        Filter::And(terms) => terms.iter().all(|term| element_matches(resource_type, parent, term, element)),
        Filter::Or(terms) => terms.iter().any(|term| element_matches(resource_type, parent, term, element)),
        Filter::Not(inner) => !element_matches(resource_type, parent, inner, element),
        Filter::Present(path) => stored(path),
        Filter::Compare { path, op, value } => match (value, op) {
            (Literal::Null, CompareOp::Eq) => !stored(path),
            (Literal::Null, _) => stored(path),
            _ => {
                let path = inside(path);
                compare(
                    &compared(resource_type, &path, &[element]),
                    *op,
                    value,
                    Rule::of(resource_type, &path),
                )
            }
        },
        Filter::Complex { .. } => false,
    }
}

/// The values of the attribute itself: the elements of a list, else the value.
fn elements<'a>(path: &AttrPath, resource: &'a Value) -> Vec<&'a Value> {
    let holder = match path.uri() {
        Some(uri) => resource.get(uri),
        None => Some(resource),
    };
    match holder.and_then(|holder| holder.get(path.attribute())) {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// The values that there are.
fn stored<'a>(path: &AttrPath, resource: &'a Value) -> Vec<&'a Value> {
    let elements = elements(path, resource);
    match path.sub_attribute() {
        Some(sub) => elements.into_iter().filter_map(|element| element.get(sub)).collect(),
        None => elements,
    }
}

/// The values that are compared: an element of a list that does not say whether it is primary is not.
fn compared<'a>(resource_type: &ResourceType, path: &AttrPath, elements: &[&'a Value]) -> Vec<&'a Value> {
    let Some(sub) = path.sub_attribute() else { return elements.to_vec() };
    let is_list = top(resource_type, path).is_some_and(|top| top.attribute().is_multi_valued());
    let is_flag =
        find(resource_type, path).is_some_and(|found| found.definition().data_type() == Type::Boolean);
    let absent = (sub == "primary" && is_list && is_flag).then_some(&Value::Bool(false));
    elements.iter().filter_map(|element| element.get(sub).or(absent)).collect()
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

fn top<'a>(resource_type: &'a ResourceType, path: &AttrPath) -> Option<&'a AttributeRef> {
    match path.uri() {
        Some(uri) => resource_type.extension(uri).and_then(|extension| extension.attribute(path.attribute())),
        None => resource_type.attribute(path.attribute()),
    }
}

fn find<'a>(resource_type: &'a ResourceType, path: &AttrPath) -> Option<&'a AttributeRef> {
    let top = top(resource_type, path)?;
    match path.sub_attribute() {
        Some(sub) => top.sub_attribute(sub),
        None => Some(top),
    }
}

/// How texts compare.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Exact,
    Folded,
    Time,
}

impl Rule {
    fn of(resource_type: &ResourceType, path: &AttrPath) -> Self {
        let Some(definition) = find(resource_type, path).map(AttributeRef::definition) else {
            return Self::Folded;
        };
        // The value beside a reference is an id.
        let refers = top(resource_type, path).is_some_and(|top| top.sub_attribute("$ref").is_some());
        let is_id = refers && path.sub_attribute() == Some("value");
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

fn compare(values: &[&Value], op: CompareOp, literal: &Literal, rule: Rule) -> bool {
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
                let (text, part) = (rule.fold(value), rule.fold(literal));
                match op {
                    CompareOp::Co => return text.contains(&part),
                    CompareOp::Sw => return text.starts_with(&part),
                    CompareOp::Ew => return text.ends_with(&part),
                    _ => rule.order(value, literal),
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

/// The ids of resources, as responses show them, in the order by an attribute (RFC 7644 section 3.4.2.3):
/// by the primary element of a list, else by its first; those without a value last, or first if the order
/// descends; equal ones in the order of their ids.
pub(super) fn sorted(
    resource_type: &ResourceType,
    path: &AttrPath,
    descending: bool,
    resources: &[Value],
) -> Vec<String> {
    let id = |resource: &Value| resource.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = |resource: &Value| {
        let elements = elements(path, resource);
        let is_primary = |element: &&&Value| element.get("primary") == Some(&Value::Bool(true));
        let first = elements.iter().find(is_primary).or(elements.first()).copied()?;
        let value = match find(resource_type, path).is_some_and(AttributeRef::is_complex) {
            true => first.get("value").cloned(),
            false => compared(resource_type, path, &[first]).into_iter().next().cloned(),
        };
        // A reference is sorted by what it refers to, wherever that is.
        match (path.sub_attribute(), value) {
            (Some("$ref"), Some(Value::String(uri))) => uri.rsplit('/').next().map(Value::from),
            (_, value) => value,
        }
    };
    let of_value = match find(resource_type, path).is_some_and(AttributeRef::is_complex) {
        true => AttrPath::parse(&format!("{}.value", path.as_str())).unwrap_or_else(|_| path.clone()),
        false => path.clone(),
    };
    let rule = Rule::of(resource_type, &of_value);
    let mut keyed: Vec<(Option<Value>, String)> = resources.iter().map(|r| (key(r), id(r))).collect();
    keyed.sort_by(|(a, one), (b, other)| {
        let order = match (a, b) {
            (Some(Value::String(a)), Some(Value::String(b))) => rule.order(a, b),
            (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
            (Some(Value::Number(a)), Some(Value::Number(b))) => {
                a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
            }
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        let order = if descending { order.reverse() } else { order };
        order.then_with(|| one.cmp(other))
    });
    keyed.into_iter().map(|(_, id)| id).collect()
}
