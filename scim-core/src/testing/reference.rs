//! What a filter means, said a second time: a naive walk over the syntax tree.
//!
//! It shares no code with the evaluator that it is compared with, and does not want to be fast. It
//! knows strings and booleans, which is what the random resources are made of.

use scim_filter::{CompareOp, Filter, Literal};
use scim_schema::{AttrPath, ResourceType, Target};
use serde_json::Value;

/// Whether a resource, as a response shows it, matches a filter.
pub(super) fn matches(on: &ResourceType, filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| matches(on, term, resource)),
        Filter::Or(terms) => terms.iter().any(|term| matches(on, term, resource)),
        Filter::Not(inner) => !matches(on, inner, resource),
        Filter::Present(path) => values(path, resource).iter().any(|value| is_present(value)),
        Filter::Compare { path, op, value } => {
            let found = elements(path, resource);
            let found: Vec<&Value> = match path.sub_attribute() {
                Some(sub) => found.into_iter().filter_map(|e| compared(on, path, sub, e)).collect(),
                None => found,
            };
            compare(&found, *op, value, is_exact(on, path))
        }
        Filter::Complex { path, filter } => {
            elements(path, resource).iter().any(|element| element_matches(on, path, filter, element))
        }
    }
}

fn element_matches(on: &ResourceType, parent: &AttrPath, filter: &Filter, element: &Value) -> bool {
    let inside = |path: &AttrPath| {
        let text = format!("{}.{}", parent.as_str(), path.attribute());
        AttrPath::parse(&text).unwrap_or_else(|_| path.clone())
    };
    let member = |path: &AttrPath| Vec::from_iter(element.get(path.attribute()));
    match filter {
        Filter::And(terms) => terms.iter().all(|term| element_matches(on, parent, term, element)),
        Filter::Or(terms) => terms.iter().any(|term| element_matches(on, parent, term, element)),
        Filter::Not(inner) => !element_matches(on, parent, inner, element),
        Filter::Present(path) => member(path).iter().any(|value| is_present(value)),
        Filter::Compare { path, op, value } => {
            let found = compared(on, parent, path.attribute(), element);
            compare(&Vec::from_iter(found), *op, value, is_exact(on, &inside(path)))
        }
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

fn values<'a>(path: &AttrPath, resource: &'a Value) -> Vec<&'a Value> {
    let elements = elements(path, resource);
    match path.sub_attribute() {
        Some(sub) => elements.into_iter().filter_map(|element| element.get(sub)).collect(),
        None => elements,
    }
}

/// The value of a sub-attribute as it is compared: an element of a list that does not say whether it
/// is the primary one is not (RFC 7643 section 2.4).
fn compared<'a>(on: &ResourceType, of: &AttrPath, sub: &str, element: &'a Value) -> Option<&'a Value> {
    let listed = || top(on, of).is_some_and(|target| target.attribute().is_multi_valued());
    match element.get(sub) {
        None if sub == "primary" && listed() => Some(&Value::Bool(false)),
        value => value,
    }
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

/// The attribute that a path is about, or is inside of.
fn top<'a>(on: &'a ResourceType, path: &AttrPath) -> Option<&'a Target> {
    match path.uri() {
        Some(uri) => on.extension(uri)?.attribute(path.attribute()),
        None => on.attribute(path.attribute()),
    }
}

fn is_exact(on: &ResourceType, path: &AttrPath) -> bool {
    let target = top(on, path).and_then(|top| match path.sub_attribute() {
        Some(sub) => top.sub_attribute(sub),
        None => Some(top),
    });
    target.is_some_and(|target| target.definition().is_case_exact())
}

fn compare(values: &[&Value], op: CompareOp, literal: &Literal, exact: bool) -> bool {
    // An attribute without a value differs from every value and equals none.
    if values.is_empty() {
        return op == CompareOp::Ne;
    }
    values.iter().any(|value| match (value, literal) {
        (Value::Bool(value), Literal::Bool(literal)) => match op {
            CompareOp::Eq => value == literal,
            _ => value != literal,
        },
        (Value::String(value), Literal::String(literal)) => {
            let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
            let (value, literal) = (fold(value), fold(literal));
            match op {
                CompareOp::Eq => value == literal,
                CompareOp::Ne => value != literal,
                CompareOp::Co => value.contains(&literal),
                CompareOp::Sw => value.starts_with(&literal),
                CompareOp::Ew => value.ends_with(&literal),
                CompareOp::Gt => value > literal,
                CompareOp::Ge => value >= literal,
                CompareOp::Lt => value < literal,
                CompareOp::Le => value <= literal,
            }
        }
        _ => op == CompareOp::Ne,
    })
}
