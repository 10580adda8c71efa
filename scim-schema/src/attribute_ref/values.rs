//! The values of an attribute in a resource: where they are, and how they are read and changed.
//!
//! Attributes of the core schema are members of the resource itself. Those of an extension are members of
//! an object under the URI of its schema (RFC 7643 section 3.3). Only this file needs to know.

use serde_json::{Map, Value};

use super::AttributeRef;

impl AttributeRef {
    /// The value of the attribute in a resource in canonical form.
    ///
    /// [`get_mut`](Self::get_mut), [`set`](Self::set) and [`remove`](Self::remove) go with it. All four
    /// are about the top-level attribute: for `name.givenName` they read and write `name`.
    ///
    /// ```
    /// use serde_json::{Map, json};
    ///
    /// let user = scim_schema::standard::user_type();
    /// let department = user.all_attribute_refs().find(|target| target.definition().name() == "department").unwrap();
    /// let mut resource = Map::new();
    /// assert_eq!(department.set(&mut resource, json!("Sales")), None);
    /// assert_eq!(resource[department.extension().unwrap()], json!({ "department": "Sales" }));
    ///
    /// *department.get_mut(&mut resource).unwrap() = json!("Support");
    /// assert_eq!(department.get(&resource), Some(&json!("Support")));
    ///
    /// assert_eq!(department.remove(&mut resource), Some(json!("Support")));
    /// assert!(resource.is_empty());
    /// ```
    pub fn get<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        self.parent_object(resource)?.get(self.0.attribute.name())
    }

    /// The value of the attribute, to change it in place; see [`get`](Self::get).
    pub fn get_mut<'a>(&self, resource: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        self.parent_object_mut(resource)?.get_mut(self.0.attribute.name())
    }

    /// Gives the attribute a value, and returns the one that it had; see [`get`](Self::get).
    ///
    /// Makes the object of the extension if there is none. `schemas` stays as it is: see
    /// [`ResourceType::update_schemas`](crate::ResourceType::update_schemas).
    pub fn set(&self, resource: &mut Map<String, Value>, value: Value) -> Option<Value> {
        let name = self.0.attribute.name().to_owned();
        let Some(uri) = self.extension() else { return resource.insert(name, value) };
        if let Some(Value::Object(members)) = resource.get_mut(uri) {
            return members.insert(name, value);
        }
        resource.insert(uri.to_owned(), Value::Object(Map::from_iter([(name, value)])));
        None
    }

    /// Takes the value of the attribute out of the resource; see [`get`](Self::get).
    ///
    /// Also takes out the object of the extension if nothing is left in it. `schemas` stays as it is: see
    /// [`ResourceType::update_schemas`](crate::ResourceType::update_schemas).
    pub fn remove(&self, resource: &mut Map<String, Value>) -> Option<Value> {
        let object = self.parent_object_mut(resource)?;
        let value = object.remove(self.0.attribute.name());
        let is_empty = object.is_empty();
        if let Some(uri) = self.extension().filter(|_| is_empty) {
            resource.remove(uri);
        }
        value
    }

    /// The object that holds the attribute: the resource itself, or an extension's.
    pub fn parent_object<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Map<String, Value>> {
        if self.0.extension { resource.get(self.0.schema.id())?.as_object() } else { Some(resource) }
    }

    fn parent_object_mut<'a>(
        &self,
        resource: &'a mut Map<String, Value>,
    ) -> Option<&'a mut Map<String, Value>> {
        if self.0.extension { resource.get_mut(self.0.schema.id())?.as_object_mut() } else { Some(resource) }
    }

    /// The object whose member the path names: of a sub-attribute of a singular attribute, its value.
    pub(crate) fn object_with_member<'a>(
        &self,
        resource: &'a Map<String, Value>,
    ) -> Option<&'a Map<String, Value>> {
        let object = self.parent_object(resource)?;
        match self.0.sub {
            None => Some(object),
            Some(_) => object.get(self.0.attribute.name())?.as_object(),
        }
    }

    /// Every value that the path reaches in a resource: list elements, and the sub-attribute in each.
    pub fn values<'a>(&'a self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        self.elements(resource).iter().filter_map(|element| match &self.0.sub {
            None => Some(element),
            Some(sub) => element.get(sub.name()),
        })
    }

    /// The value that a sub-attribute has in an element, or the element itself, as it is compared: an
    /// element without `primary` has `primary` false.
    pub fn value_in<'a>(&self, element: &'a Value) -> Option<&'a Value> {
        const FALSE: &Value = &Value::Bool(false);
        let Some(sub) = &self.0.sub else { return Some(element) };
        element.get(sub.name()).or(if self.0.primary { Some(FALSE) } else { None })
    }

    /// The same values as they are compared; see [`value_in`](Self::value_in).
    pub fn compared_values<'a>(
        &'a self,
        resource: &'a Map<String, Value>,
    ) -> impl Iterator<Item = &'a Value> {
        self.elements(resource).iter().filter_map(|element| self.value_in(element))
    }

    /// The elements of the attribute; its value if it is singular.
    fn elements<'a>(&self, resource: &'a Map<String, Value>) -> &'a [Value] {
        match self.get(resource) {
            Some(Value::Array(list)) => list,
            Some(value) => std::slice::from_ref(value),
            None => &[],
        }
    }

    /// Makes a resource sort by this value: the inverse of [`sort_value`](Self::sort_value), for
    /// resuming a sorted query at a value.
    pub(crate) fn set_sort_value(&self, resource: &mut Map<String, Value>, value: Value) {
        let value = match &self.0.sub {
            Some(sub) => Value::Object(Map::from_iter([(sub.name().to_owned(), value)])),
            None => value,
        };
        let value = if self.0.attribute.is_multi_valued() { Value::Array(vec![value]) } else { value };
        self.set(resource, value);
    }

    /// The value by which a resource is sorted: of a list the primary element's, else the first's
    /// (RFC 7644 section 3.4.2.3).
    pub fn sort_value<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let element = match self.get(resource)? {
            Value::Array(list) => list
                .iter()
                .find(|element| element.get("primary").and_then(Value::as_bool) == Some(true))
                .or(list.first())?,
            value => value,
        };
        self.value_in(element)
    }
}
