//! Reads and writes the value of a column in a resource.

use std::collections::HashMap;

use scim_core::schema::AttributeRef;
use serde_json::{Map, Value};

use super::{Column, Place};

type Object = Map<String, Value>;

impl Column {
    /// The value in a resource in canonical form.
    pub(crate) fn get<'a>(&self, resource: &'a Object) -> Option<&'a Value> {
        let value = self.target.get(resource)?;
        match &self.place {
            Place::List => Some(value),
            Place::Single => match self.target.sub_attribute_definition() {
                Some(sub) => value.get(sub.name()),
                None => Some(value),
            },
            Place::Element(selected) => {
                let element = value.as_array()?.iter().find(|element| is_selected(selected, element))?;
                element.get(self.target.definition().name())
            }
        }
    }

    /// Sets the value in a resource in canonical form, or removes it. A list element that does not exist is added.
    pub(crate) fn set(&self, resource: &mut Object, value: Option<Value>) {
        // The same instant or number in another form is not a change.
        if let (Some(old), Some(new)) = (self.get(resource), &value)
            && !self.target.comparison().is_text()
            && self.target.values_equal(old, new)
        {
            return;
        }
        match &self.place {
            Place::Element(selected) => self.set_in_element(selected, resource, value),
            Place::Single if self.target.sub_attribute_definition().is_some() => {
                let mut object = match self.target.remove(resource) {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                set_member(&mut object, self.target.definition().name(), value);
                if !object.is_empty() {
                    self.target.set(resource, Value::Object(object));
                }
            }
            Place::Single | Place::List => match value {
                Some(value) => set_attribute(&self.target, resource, value),
                None => drop(self.target.remove(resource)),
            },
        }
    }

    fn set_in_element(
        &self,
        selected: &[(AttributeRef, Value)],
        resource: &mut Object,
        value: Option<Value>,
    ) {
        let mut list = match self.target.remove(resource) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let name = self.target.definition().name();
        match list.iter_mut().find(|element| is_selected(selected, element)).and_then(Value::as_object_mut) {
            Some(element) => set_member(element, name, value),
            None => {
                if let Some(value) = value {
                    let conditions = selected
                        .iter()
                        .map(|(sub, value)| (sub.definition().name().to_owned(), value.clone()));
                    let mut element: Object = conditions.collect();
                    element.insert(name.to_owned(), value);
                    list.push(Value::Object(element));
                }
            }
        }
        if !list.is_empty() {
            self.target.set(resource, Value::Array(list));
        }
    }

    /// Removes the elements of the list of this column that have nothing but a `type` and a `primary`. To be called after all
    /// columns are set.
    pub(crate) fn remove_empty_elements(&self, resource: &mut Object) {
        if !matches!(self.place, Place::Element(_)) {
            return;
        }
        let says_something = |element: &Value| match element {
            Value::Object(object) => object.keys().any(|name| name != "type" && name != "primary"),
            _ => true,
        };
        if let Some(Value::Array(mut list)) = self.target.remove(resource) {
            list.retain(says_something);
            if !list.is_empty() {
                self.target.set(resource, Value::Array(list));
            }
        }
    }

    /// Whether the column shows an element of the list `list`.
    pub(crate) fn shows(&self, list: &AttributeRef, index: usize, resource: &Object) -> bool {
        if list.attribute().name() != self.target.attribute().name()
            || list.extension() != self.target.extension()
        {
            return false;
        }
        match &self.place {
            Place::List | Place::Single => true,
            Place::Element(selected) => {
                let elements = list.get(resource).and_then(Value::as_array);
                elements.and_then(|list| list.iter().position(|element| is_selected(selected, element)))
                    == Some(index)
            }
        }
    }
}

/// Sets the value of a top-level attribute. A member of a group that is there already stays as the endpoint shows it, with what
/// the endpoint has added.
pub(crate) fn set_attribute(target: &AttributeRef, resource: &mut Object, mut value: Value) {
    if target.holds_members()
        && let (Some(Value::Array(old)), Value::Array(new)) = (target.get(resource), &mut value)
    {
        let by_id: HashMap<&str, &Value> =
            old.iter().filter_map(|element| Some((element.get("value")?.as_str()?, element))).collect();
        for element in new {
            if let Some(known) = element.get("value").and_then(Value::as_str).and_then(|id| by_id.get(id)) {
                *element = (*known).clone();
            }
        }
    }
    target.set(resource, value);
}

fn is_selected(selected: &[(AttributeRef, Value)], element: &Value) -> bool {
    selected
        .iter()
        .all(|(sub, value)| sub.value_in(element).is_some_and(|found| sub.values_equal(found, value)))
}

fn set_member(object: &mut Object, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => drop(object.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;
    use serde_json::json;

    use super::*;

    fn set(resource: &Value, cells: &[(&str, &str)]) -> Value {
        let users = standard::user_type();
        let mut resource = resource.as_object().unwrap().clone();
        let columns: Vec<_> = cells.iter().map(|(name, _)| Column::parse(name, &users).unwrap()).collect();
        for (column, (_, cell)) in columns.iter().zip(cells) {
            column.set(&mut resource, column.value(cell).unwrap());
        }
        columns.iter().for_each(|column| column.remove_empty_elements(&mut resource));
        for (column, (_, cell)) in columns.iter().zip(cells) {
            if !cell.is_empty() && !column.path().ends_with(".primary") {
                assert_eq!(column.get(&resource).map(super::super::text).as_deref(), Some(*cell));
            }
        }
        Value::Object(resource)
    }

    #[test]
    fn values_are_set_where_the_column_says() {
        let cells = [
            ("userName", "bea"),
            ("name.givenName", "Bea"),
            ("name.familyName", ""),
            ("active", "false"),
            ("emails[type eq \"work\"].value", "bea@example.com"),
            ("emails[type eq \"work\"].primary", "true"),
            ("emails[type eq \"home\"].primary", "true"),
            ("department", "Sales"),
            ("roles", "[{\"value\":\"admin\"}]"),
        ];
        let expected = json!({
            "userName": "bea",
            "name": { "givenName": "Bea" },
            "active": false,
            "emails": [{ "type": "work", "value": "bea@example.com", "primary": true }],
            standard::ENTERPRISE_USER: { "department": "Sales" },
            "roles": [{ "value": "admin" }],
        });
        assert_eq!(set(&json!({}), &cells), expected);
    }

    #[test]
    fn an_empty_cell_removes_its_value_and_nothing_else() {
        let user = json!({
            "name": { "givenName": "Bea" },
            "emails": [{ "value": "a@example.com" }, { "type": "WORK", "value": "b@example.com", "display": "B" }],
            "phoneNumbers": [{ "type": "work", "value": "1", "primary": true }],
            "title": "Diver",
        });
        let cells = [
            ("name.givenName", ""),
            ("emails[type eq \"work\"].value", ""),
            ("phoneNumbers[type eq \"work\"].value", ""),
            ("phoneNumbers[type eq \"home\"].value", ""),
        ];
        let expected = json!({
            "emails": [{ "value": "a@example.com" }, { "type": "WORK", "display": "B" }],
            "title": "Diver",
        });
        assert_eq!(set(&user, &cells), expected);
    }
}
