//! A column of a CSV file: an attribute of a resource, by its path.

mod convert;
mod parse;
mod place;
mod suggest;

pub(crate) use convert::text;
pub(crate) use place::set_attribute;

use scim_core::schema::{AttributeRef, Mutability};
use serde_json::Value;

/// A column: which value of a resource it has.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The attribute, or the sub-attribute.
    target: AttributeRef,
    place: Place,
}

/// Where the value is.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// The only value of the attribute or sub-attribute.
    Single,
    /// The whole list, as JSON.
    List,
    /// A sub-attribute of the first element in which other sub-attributes have these values: `emails[type eq "work"].value`.
    Element(Vec<(AttributeRef, Value)>),
}

impl Column {
    /// The path, which is the name of the column.
    pub(crate) fn path(&self) -> String {
        let Place::Element(selected) = &self.place else { return self.target.path().to_string() };
        let conditions: Vec<String> =
            selected.iter().map(|(sub, value)| format!("{} eq {value}", sub.definition().name())).collect();
        let list = self.list_path();
        format!("{list}[{}].{}", conditions.join(" and "), self.target.definition().name())
    }

    /// The path of the attribute of which this is an element.
    fn list_path(&self) -> &str {
        let path = self.target.path().as_str();
        match self.target.sub_attribute_definition() {
            Some(sub) => {
                path.strip_suffix(sub.name()).and_then(|path| path.strip_suffix('.')).unwrap_or(path)
            }
            None => path,
        }
    }

    /// Whether only the service writes the attribute.
    pub(crate) fn is_read_only(&self) -> bool {
        let read_only = Mutability::ReadOnly;
        self.target.definition().mutability() == read_only
            || self.target.attribute().mutability() == read_only
            || self.target.path().as_str() == "schemas"
    }

    /// Whether no response has the attribute.
    pub(crate) fn is_write_only(&self) -> bool {
        self.target.is_secret() || self.target.definition().mutability() == Mutability::WriteOnly
    }

    /// Whether both columns are for the same value, or one is for a part of the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        if self.list_path() != other.list_path() {
            return false;
        }
        match (&self.place, &other.place) {
            (Place::List, _) | (_, Place::List) => true,
            (Place::Element(conditions), Place::Element(others)) => {
                let is_among = |(sub, value): &(AttributeRef, Value)| {
                    others.iter().any(|(other, found)| other == sub && sub.values_equal(value, found))
                };
                self.target == other.target
                    && conditions.len() == others.len()
                    && conditions.iter().all(is_among)
            }
            _ => self.target == other.target,
        }
    }
}
