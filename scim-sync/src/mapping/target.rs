//! The attribute that a rule fills.

use std::fmt;

use scim_core::filter::PatchPath;
use scim_core::schema::{AttributeRef, Mutability, ReadContext, ResourceType, Tolerance, Type};
use serde_json::Value;

/// The path of a singular value: an attribute, a sub-attribute, or a sub-attribute of the element that a filter selects.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    path: String,
    /// The part of the path that selects the element of a list: `emails[type eq "work"]`.
    element: Option<String>,
    attribute: AttributeRef,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.path.eq_ignore_ascii_case(&other.path)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl Target {
    pub(crate) fn new(path: &str, resource_type: &ResourceType) -> Result<Self, String> {
        let parsed: PatchPath = path.parse().map_err(|error| format!("is not a path: {error}"))?;
        let tolerance = Tolerance::strict();
        let find = |path| {
            let unknown = || format!("is not an attribute of {}", resource_type.name());
            resource_type.find_path(path, &mut ReadContext::new(&tolerance)).cloned().ok_or_else(unknown)
        };
        let (attribute, element) = match &parsed {
            PatchPath::Attribute(attribute) => (find(attribute)?, None),
            PatchPath::Value { path: list, filter, sub } => {
                let list = find(list)?;
                let Some(sub) = sub.as_deref() else {
                    return Err(format!(
                        "names all of an element; write `{path}.value` or another sub-attribute"
                    ));
                };
                let attribute = list.sub_attribute(sub).cloned();
                (
                    attribute.ok_or_else(|| format!("`{sub}` is not a sub-attribute of `{list}`"))?,
                    Some(format!("{list}[{filter}]")),
                )
            }
        };
        let top = attribute.attribute();
        if attribute.is_complex() && top.is_multi_valued() {
            return Err(format!(
                "consists of sub-attributes; write `{}[type eq \"work\"].value`",
                top.name()
            ));
        }
        if attribute.is_complex() {
            let sub = attribute.sub_attributes().first().map_or_else(String::new, ToString::to_string);
            return Err(format!("consists of sub-attributes; write one of them, such as `{sub}`"));
        }
        if top.is_multi_valued() && element.is_none() {
            return Err(format!("is a list; write `{}[type eq \"work\"].value`", top.name()));
        }
        if attribute.definition().mutability() == Mutability::ReadOnly
            || top.mutability() == Mutability::ReadOnly
        {
            return Err("cannot be written by a client".to_owned());
        }
        if attribute.is_secret() {
            return Err("is never returned, so it cannot be compared".to_owned());
        }
        if top.name() == "externalId" {
            return Err("is always the id of the person in the directory; delete the rule".to_owned());
        }
        let path = match &element {
            Some(element) => format!("{element}.{}", attribute.definition().name()),
            None => attribute.to_string(),
        };
        Ok(Self { path, element, attribute })
    }

    /// The path, with names as the schema spells them.
    pub(crate) fn as_str(&self) -> &str {
        &self.path
    }

    /// The path of the element of the list.
    pub(crate) fn element(&self) -> Option<&str> {
        self.element.as_deref()
    }

    /// Whether it is this attribute.
    pub(crate) fn is_attribute(&self, attribute: &AttributeRef) -> bool {
        self.attribute.path() == attribute.path()
    }

    /// A value of the right type.
    pub(crate) fn sample(&self) -> Value {
        let definition = self.attribute.definition();
        if let Some(value) = definition.canonical_values().first() {
            return Value::from(value.as_str());
        }
        match definition.data_type() {
            Type::Boolean => Value::Bool(true),
            Type::Integer | Type::Decimal => Value::from(1),
            Type::DateTime => Value::from("2024-01-01T00:00:00Z"),
            Type::Binary => Value::from("AA=="),
            _ => Value::from("https://example.com/a"),
        }
    }

    /// The value for a text. `Err` says what the text is not, without repeating it.
    pub(crate) fn value(&self, text: String) -> Result<Value, &'static str> {
        match self.attribute.definition().data_type() {
            Type::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Type::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            Type::Boolean => Err("is neither true nor false"),
            Type::Integer => text.parse::<i64>().map(Value::from).map_err(|_| "is not an integer"),
            Type::Decimal => {
                let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                number.map(Value::Number).ok_or("is not a number")
            }
            _ => Ok(Value::String(text)),
        }
    }
}
