//! Whether two values of an attribute are the same, all of its sub-attributes considered.

use std::borrow::Cow;

use serde_json::Value;

use super::AttributeRef;

impl AttributeRef {
    /// Whether two values of this attribute are the same: sub-attributes by their own rules, lists
    /// in any order, and without regard to what the service fills in (`$ref`).
    pub fn values_equal(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len()
                    && (a.iter().zip(b).all(|(a, b)| self.values_equal(a, b))
                        || self.sorted_keys(a) == self.sorted_keys(b))
            }
            (Value::Object(a), Value::Object(b)) if self.is_complex() => {
                self.identifying_sub_attributes().all(|sub| match (a.get(sub.name()), b.get(sub.name())) {
                    (Some(a), Some(b)) => sub.values_equal(a, b),
                    (None, None) => true,
                    _ => false,
                })
            }
            _ => self.comparison().values_equal(a, b),
        }
    }

    /// The sub-attributes that tell two values apart.
    fn identifying_sub_attributes(&self) -> impl Iterator<Item = &AttributeRef> {
        self.sub_attributes().iter().filter(|sub| !sub.definition().is_resource_reference())
    }

    /// The elements of a list, each as a text that the same elements share, in an order that does
    /// not depend on theirs.
    fn sorted_keys(&self, list: &[Value]) -> Vec<String> {
        let mut keys: Vec<String> =
            list.iter().map(|element| self.equality_key(element).into_owned()).collect();
        keys.sort_unstable();
        keys
    }

    /// A text that two values of this attribute share exactly if they are the same, as
    /// [`values_equal`](Self::values_equal) defines it; to hash values, not to show them.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let user = scim_schema::standard::user_type();
    /// let emails = user.attribute("emails").unwrap();
    /// let [a, b] = [json!({ "value": "mara@example.com" }), json!({ "value": "Mara@Example.com" })];
    /// assert_eq!(emails.equality_key(&a), emails.equality_key(&b));
    /// ```
    pub fn equality_key<'a>(&self, value: &'a Value) -> Cow<'a, str> {
        match value {
            Value::Object(object) if self.is_complex() => {
                let members = self
                    .identifying_sub_attributes()
                    .map(|sub| object.get(sub.name()).map(|value| sub.equality_key(value)));
                format!("{:?}", members.collect::<Vec<_>>()).into()
            }
            Value::Array(list) => format!("{:?}", self.sorted_keys(list)).into(),
            value => self.comparison().equality_key(value),
        }
    }
}
