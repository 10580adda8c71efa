//! The columns of the row of a resource, and how their values are converted.

use chrono::DateTime;
use scim_core::schema::{AttributeRef, standard};
use scim_core::{Error, Result};
use serde_json::{Map, Value};

use super::resource_type::Kind;
use super::time::TimeColumn;
use crate::database::{Param, Row};
use crate::table_store::ids::KeyCodec;

/// A value in the row of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) target: FieldTarget,
    pub(crate) codec: Codec,
    /// The SQL that reads it.
    pub(crate) read: String,
    /// How it is written; `None` if it is `readOnly`.
    pub(crate) write: Option<FieldWrite>,
}

impl Field {
    /// Whether this is the name of the resource, without which a row does not exist for SCIM: `userName`, or the
    /// `displayName` of a group.
    pub(crate) fn names_resource(&self) -> bool {
        let attribute = self.target.attribute();
        match attribute.schema().id() {
            standard::USER => attribute.path().as_str() == "userName",
            standard::GROUP => attribute.path().as_str() == "displayName",
            _ => false,
        }
    }
}

/// The attribute whose value a field has.
#[derive(Clone, Debug)]
pub(crate) enum FieldTarget {
    /// An attribute without sub-attributes.
    Attribute(AttributeRef),
    /// A sub-attribute, the second one, of a singular attribute.
    SubAttribute(AttributeRef, AttributeRef),
    /// The `value` of the only element of a list with this `type`.
    Element(AttributeRef, String),
}

/// How a field is written.
#[derive(Clone, Debug)]
pub(crate) enum FieldWrite {
    /// A column gets the value.
    Value {
        /// The quoted name of the column.
        column: String,
        /// The value to set, with `{}` for the parameter.
        value: String,
        /// The value of a changed row if the attribute is unassigned.
        unassigned: String,
        /// The quoted name of the column with the folded text.
        folded: Option<String>,
    },
    /// A column for times is NULL while the value is true; otherwise it has the time at which it became false.
    NullWhileTrue(TimeColumn),
}

/// The conversion between a cell and a JSON value.
#[derive(Clone, Debug)]
pub(crate) enum Codec {
    Text,
    Integer,
    Boolean,
    Time,
    /// The key of a row of the table of this kind.
    Reference(Kind, KeyCodec),
}

impl Codec {
    /// The value of a cell; `None` if it is NULL.
    pub(crate) fn decode(&self, row: Row<'_>, column: usize) -> Option<Value> {
        match self {
            Self::Text => row.text(column).map(Value::from),
            Self::Integer => row.int(column).map(Value::from),
            Self::Boolean => row.boolean(column).map(Value::from),
            Self::Time => TimeColumn::decode(row, column).map(Value::from),
            Self::Reference(_, codec) => row.text(column).map(|key| Value::from(codec.id(key))),
        }
    }

    /// The parameter for a value.
    ///
    /// # Errors
    ///
    /// `invalidValue` if the column cannot hold the value.
    pub(crate) fn encode(&self, target: &AttributeRef, value: &Value) -> Result<Param> {
        let path = target.path().as_str();
        let param = match self {
            Self::Text => value.as_str().map(Param::from),
            Self::Integer => value.as_i64().map(Param::Int),
            Self::Boolean => value.as_bool().map(Param::Bool),
            Self::Time => value.as_str().and_then(|text| {
                DateTime::parse_from_rfc3339(text).ok().map(|time| Param::Int(time.timestamp_millis()))
            }),
            Self::Reference(_, codec) => {
                let id = value.as_str().unwrap_or_default();
                let key = codec.key(id);
                return key
                    .ok_or_else(|| Error::invalid_value(path, &format!("there is no resource `{id}`")));
            }
        };
        param.ok_or_else(|| Error::invalid_value(path, "the value cannot be stored"))
    }
}

impl FieldTarget {
    /// The attribute or sub-attribute with the value.
    pub(crate) fn attribute(&self) -> &AttributeRef {
        match self {
            Self::Attribute(attribute) => attribute,
            Self::SubAttribute(_, sub) => sub,
            Self::Element(list, _) => list.sub_attribute("value").unwrap_or(list),
        }
    }

    /// The value in a resource.
    pub(crate) fn get<'r>(&self, resource: &'r Map<String, Value>) -> Option<&'r Value> {
        match self {
            Self::Attribute(attribute) => attribute.get(resource),
            Self::SubAttribute(parent, sub) => parent.get(resource)?.get(sub.definition().name()),
            Self::Element(list, element_type) => {
                let elements = list.get(resource)?.as_array()?;
                let rule = list.sub_attribute("type").map(AttributeRef::comparison)?;
                let has_type = |element: &&Value| {
                    element
                        .get("type")
                        .and_then(Value::as_str)
                        .is_some_and(|text| rule.fold(text) == rule.fold(element_type))
                };
                elements.iter().find(has_type)?.get("value")
            }
        }
    }

    /// Sets the value in a resource that is being read.
    pub(crate) fn set(&self, resource: &mut Map<String, Value>, value: Value) {
        match self {
            Self::Attribute(attribute) => {
                attribute.set(resource, value);
            }
            Self::SubAttribute(parent, sub) => {
                let name = sub.definition().name();
                match parent.get_mut(resource).and_then(Value::as_object_mut) {
                    Some(object) => {
                        object.insert(name.to_owned(), value);
                    }
                    None => {
                        let object = Map::from_iter([(name.to_owned(), value)]);
                        parent.set(resource, Value::Object(object));
                    }
                }
            }
            Self::Element(list, element_type) => {
                let mut element = Map::new();
                element.insert("value".to_owned(), value);
                element.insert("type".to_owned(), Value::from(element_type.as_str()));
                if list.sub_attribute("primary").is_some() {
                    element.insert("primary".to_owned(), Value::Bool(true));
                }
                match list.get_mut(resource).and_then(Value::as_array_mut) {
                    Some(elements) => elements.push(Value::Object(element)),
                    None => {
                        list.set(resource, Value::Array(vec![Value::Object(element)]));
                    }
                }
            }
        }
    }
}
