//! Evaluating predicates on resources in canonical form.

use std::cmp::Ordering;

use scim_schema::{AttributeRef, Comparison, Operand};
use serde_json::{Map, Value};

use crate::ast::CompareOp;
use crate::predicate::Predicate;

impl Predicate {
    /// Whether a resource satisfies the predicate.
    ///
    /// The resource must be in canonical form, as [`ResourceType::normalize`] makes it: names are looked up as the
    /// schema spells them.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    /// use serde_json::json;
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"emails.type eq "home" and emails.value ew "@example.com""#.parse()?;
    /// let predicate = filter.resolve(&standard::user_type(), &mut ReadContext::new(&tolerance))?;
    /// // Two elements together satisfy it; `emails[..]` would require a single one.
    /// let user = json!({ "emails": [
    ///     { "type": "home", "value": "bea@example.org" },
    ///     { "type": "work", "value": "bea@example.com" },
    /// ]});
    /// assert!(predicate.is_match(user.as_object().unwrap()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`ResourceType::normalize`]: scim_schema::ResourceType::normalize
    pub fn is_match(&self, resource: &Map<String, Value>) -> bool {
        self.is_match_with_cost(resource, &mut 0)
    }

    /// Whether a resource satisfies the predicate, like [`is_match`](Self::is_match). Adds its work to `visits`, for
    /// a [`Budget`](crate::Budget).
    pub fn is_match_with_cost(&self, resource: &Map<String, Value>, visits: &mut usize) -> bool {
        match self {
            Self::And(all) => all.iter().all(|predicate| predicate.is_match_with_cost(resource, visits)),
            Self::Or(any) => any.iter().any(|predicate| predicate.is_match_with_cost(resource, visits)),
            Self::Not(inner) => !inner.is_match_with_cost(resource, visits),
            Self::Const(holds) => *holds,
            Self::Present(target) => {
                *visits += 1;
                target.values(resource).any(|value| is_present(value, visits))
            }
            Self::Compare { target, op, operand } => {
                compare(target.compared_values(resource), target.comparison(), *op, operand, visits)
            }
            Self::Any { target, inner } => match target.get(resource) {
                Some(Value::Array(elements)) => {
                    elements.iter().any(|element| inner.matches_element_with_cost(element, visits))
                }
                Some(value) => !value.is_null() && inner.matches_element_with_cost(value, visits),
                None => false,
            },
        }
    }

    /// Whether an element of a complex attribute satisfies the inner predicate of an [`Any`](Self::Any), or the filter
    /// of a value path.
    ///
    /// The predicate is about sub-attributes, which are looked up in the element, or about the attribute itself, whose
    /// value the element is.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    /// use serde_json::json;
    ///
    /// let tolerance = Tolerance::strict();
    /// let user = standard::user_type();
    /// let filter: Filter = r#"type eq "work" and value pr"#.parse()?;
    /// let emails = user.attribute("emails").unwrap();
    /// let predicate = filter.resolve_value_path(emails, &mut ReadContext::new(&tolerance))?;
    /// assert!(predicate.matches_element(&json!({ "type": "WORK", "value": "bea@example.com" })));
    /// assert!(!predicate.matches_element(&json!({ "type": "work" })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matches_element(&self, element: &Value) -> bool {
        self.matches_element_with_cost(element, &mut 0)
    }

    /// Whether an element satisfies the predicate, like [`matches_element`](Self::matches_element). Adds its work to
    /// `visits`.
    pub fn matches_element_with_cost(&self, element: &Value, visits: &mut usize) -> bool {
        match self {
            Self::And(all) => {
                all.iter().all(|predicate| predicate.matches_element_with_cost(element, visits))
            }
            Self::Or(any) => any.iter().any(|predicate| predicate.matches_element_with_cost(element, visits)),
            Self::Not(inner) => !inner.matches_element_with_cost(element, visits),
            Self::Const(holds) => {
                *visits += 1;
                *holds
            }
            Self::Present(target) => {
                *visits += 1;
                stored_in(target, element).is_some_and(|value| is_present(value, visits))
            }
            Self::Compare { target, op, operand } => {
                let value = target.value_in(element).into_iter();
                compare(value, target.comparison(), *op, operand, visits)
            }
            // There are no elements inside an element.
            Self::Any { .. } => false,
        }
    }
}

/// The number of bytes of a string that cost one visit.
const TEXT: usize = 32;

/// The value in an element of an attribute that an inner predicate names.
fn stored_in<'a>(target: &AttributeRef, element: &'a Value) -> Option<&'a Value> {
    match target.sub_attribute_definition() {
        Some(sub) => element.get(sub.name()),
        None => Some(element),
    }
}

/// Whether a value is not null and not empty. For an object or a list: whether it has such a value.
fn is_present(value: &Value, visits: &mut usize) -> bool {
    *visits += 1;
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => list.iter().any(|value| is_present(value, visits)),
        Value::Object(object) => object.values().any(|value| is_present(value, visits)),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether the comparison holds for one of the values. `ne` also holds if there are no values.
pub(crate) fn compare<'a>(
    values: impl Iterator<Item = &'a Value>,
    rule: Comparison,
    op: CompareOp,
    operand: &Operand,
    visits: &mut usize,
) -> bool {
    let mut looks = 0;
    // Sub-attributes may be multi-valued themselves.
    let mut values = values.flat_map(elements_of).inspect(|value| {
        looks += 1 + if let Value::String(text) = value { text.len() / TEXT } else { 0 };
    });
    let holds = match op {
        CompareOp::Eq => values.any(|value| rule.equals(value, operand)),
        CompareOp::Ne => {
            let mut absent = true;
            let differs = values.any(|value| {
                absent = false;
                !rule.equals(value, operand)
            });
            differs || absent
        }
        CompareOp::Co => values.any(|v| is_text(v, operand, |text, folded| rule.contains(text, folded))),
        CompareOp::Sw => values.any(|v| is_text(v, operand, |text, folded| rule.starts_with(text, folded))),
        CompareOp::Ew => values.any(|v| is_text(v, operand, |text, folded| rule.ends_with(text, folded))),
        CompareOp::Gt => values.any(|v| rule.compare(v, operand).is_some_and(Ordering::is_gt)),
        CompareOp::Ge => values.any(|v| rule.compare(v, operand).is_some_and(Ordering::is_ge)),
        CompareOp::Lt => values.any(|v| rule.compare(v, operand).is_some_and(Ordering::is_lt)),
        CompareOp::Le => values.any(|v| rule.compare(v, operand).is_some_and(Ordering::is_le)),
    };
    // Finding no value costs a visit too.
    *visits += looks.max(1);
    holds
}

/// The elements of a list, or the value itself; nothing for null.
fn elements_of(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// Whether a value is a string that passes a test with the string of the operand.
fn is_text(value: &Value, operand: &Operand, test: impl FnOnce(&str, &str) -> bool) -> bool {
    match (value, operand) {
        (Value::String(text), Operand::Text(operand)) => test(text, operand.folded()),
        _ => false,
    }
}
