//! Reading attribute definitions in the JSON form of RFC 7643 section 7.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::attribute::Attribute;
use super::characteristic::{Mutability, Returned, Type, Uniqueness};
use crate::SchemaError;

impl Attribute {
    /// Reads a definition. Its consistency is checked with the schema's, by `check_all`.
    pub(crate) fn from_json(value: &Value) -> Result<Self, SchemaError> {
        let object =
            value.as_object().ok_or_else(|| SchemaError::new("", "an attribute must be a JSON object"))?;
        let name =
            text(object, "name")?.ok_or_else(|| SchemaError::new("", "an attribute must have a `name`"))?;
        Self::read(name, object).map_err(|error| error.within(name))
    }

    /// Reads a list of definitions; one that has no name is called by its place in the list.
    pub(crate) fn list_from_json(object: &Map<String, Value>, name: &str) -> Result<Vec<Self>, SchemaError> {
        match member(object, name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list
                .iter()
                .enumerate()
                .map(|(index, attribute)| {
                    Self::from_json(attribute).map_err(|error| match error.path() {
                        "" => error.within(&format!("{name}[{index}]")),
                        _ => error,
                    })
                })
                .collect(),
            Some(_) => Err(SchemaError::new("", format!("`{name}` must be an array"))),
        }
    }

    fn read(name: &str, object: &Map<String, Value>) -> Result<Self, SchemaError> {
        let data_type = keyword(object, "type", Type::parse)?.unwrap_or(Type::String);
        let mut attribute = Self::new(name, data_type)
            .with_description(text(object, "description")?.unwrap_or_default())
            .with_canonical_values(texts(object, "canonicalValues")?)
            .with_reference_types(texts(object, "referenceTypes")?)
            .with_sub_attributes(Self::list_from_json(object, "subAttributes")?);
        if flag(object, "multiValued")? == Some(true) {
            attribute = attribute.multi_valued();
        }
        if flag(object, "required")? == Some(true) {
            attribute = attribute.required();
        }
        if let Some(exact) = flag(object, "caseExact")?
            && data_type.is_textual()
        {
            // Many published schemas state it, without meaning, for other types too.
            attribute = attribute.case_exact(exact);
        }
        if let Some(mutability) = keyword(object, "mutability", Mutability::parse)? {
            attribute = attribute.with_mutability(mutability);
        }
        if let Some(returned) = keyword(object, "returned", Returned::parse)? {
            attribute = attribute.with_returned(returned);
        }
        if let Some(uniqueness) = keyword(object, "uniqueness", Uniqueness::parse)?
            && (uniqueness != Uniqueness::None || data_type.may_be_unique())
        {
            attribute = attribute.with_uniqueness(uniqueness);
        }
        Ok(attribute)
    }
}

/// A member that is not null; names have no case (RFC 7643 section 2.1).
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, SchemaError> {
    match member(object, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(SchemaError::new("", format!("`{name}` must be a string"))),
    }
}

fn flag(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, SchemaError> {
    match member(object, name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(SchemaError::new("", format!("`{name}` must be true or false"))),
    }
}

fn keyword<T>(
    object: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, SchemaError> {
    let Some(text) = text(object, name)? else { return Ok(None) };
    match parse(text) {
        Some(keyword) => Ok(Some(keyword)),
        None => Err(SchemaError::new("", format!("`{text}` is not a value of `{name}`"))),
    }
}

fn texts(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, SchemaError> {
    let invalid = || SchemaError::new("", format!("`{name}` must be an array of strings"));
    match member(object, name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(invalid)).collect()
        }
        Some(_) => Err(invalid()),
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attribute = Self::from_json(&Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        attribute.check().map_err(D::Error::custom)?;
        Ok(attribute)
    }
}
