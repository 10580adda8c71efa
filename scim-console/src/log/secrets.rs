//! The values that are never recorded: those of attributes that are never returned, such as passwords.

use scim_core::schema::{ResourceType, Returned};
use serde_json::Value;

/// How deep JSON inside of a string is looked into. What is deeper is hidden.
const MAX_NESTING: usize = 3;

/// The names of attributes that are never returned, in lower case.
#[derive(Clone, Debug)]
pub(crate) struct SecretNames(Vec<String>);

impl SecretNames {
    pub(super) fn new() -> Self {
        Self(vec!["password".to_owned()])
    }

    /// Adds the attributes and sub-attributes of a resource type that are never returned.
    pub(super) fn add(&mut self, resource_type: &ResourceType) {
        for definition in resource_type.all_attribute_refs().map(|attribute| attribute.definition()) {
            let name = definition.name().to_ascii_lowercase();
            if definition.returned() == Returned::Never && !self.0.contains(&name) {
                self.0.push(name);
            }
        }
    }

    /// Whether a path, a name or a filter is about such an attribute, in whatever form it is written.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.0.iter().any(|name| text.contains(name.as_str()))
    }

    /// Replaces such values by null.
    pub(super) fn hide(&self, value: &mut Value) {
        self.hide_nested(value, 0);
    }

    fn hide_nested(&self, value: &mut Value, nesting: usize) {
        match value {
            Value::Object(object) => {
                for (name, value) in object.iter_mut() {
                    if self.are_in(name) { *value = Value::Null } else { self.hide_nested(value, nesting) }
                }
                // An operation of a PATCH. If there are several paths, either may be meant.
                let is_path = |name: &str| name.eq_ignore_ascii_case("path");
                let mut paths =
                    object.iter().filter(|(name, _)| is_path(name)).filter_map(|(_, path)| path.as_str());
                if paths.any(|path| self.are_in(path)) {
                    let others = object
                        .iter_mut()
                        .filter(|(name, _)| !is_path(name) && !name.eq_ignore_ascii_case("op"));
                    others.for_each(|(_, value)| *value = Value::Null);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.hide_nested(value, nesting)),
            // Some clients send JSON in a string.
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                let inner = serde_json::from_str::<Value>(text).ok().filter(|_| nesting < MAX_NESTING);
                // What is no JSON may be the beginning of some.
                let Some(mut inner) = inner else {
                    *value = Value::Null;
                    return;
                };
                self.hide_nested(&mut inner, nesting + 1);
                *value = Value::String(inner.to_string());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_in_every_form() {
        let mut names = SecretNames::new();
        names.add(&standard::user_type());
        for (value, expected) in [
            (json!({"userName": "bea", "Password": "x"}), json!({"userName": "bea", "Password": null})),
            (
                json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": "x"}),
                json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": null}),
            ),
            (json!({"name": {"password": ["x"]}}), json!({"name": {"password": null}})),
            (json!("[{\"password\":\"x\"}]"), json!("[{\"password\":null}]")),
            (
                json!([{"op": "add", "Path": "password", "value": "x"}]),
                json!([{"op": "add", "Path": "password", "value": null}]),
            ),
            (json!("my password is bea"), json!("my password is bea")),
            (json!("[{\"pass\\u0077ord\":\"x\"}]"), json!("[{\"password\":null}]")),
            (json!({"title": "{\"password\":\"x\""}), json!({"title": null})),
            (
                json!({"Path": "title", "path": "password", "value": "x"}),
                json!({"Path": "title", "path": "password", "value": null}),
            ),
        ] {
            let mut hidden = value.clone();
            names.hide(&mut hidden);
            assert_eq!(hidden, expected, "{value}");
        }
        let mut nested = json!({"password": "secret-1"});
        for _ in 0..5 {
            nested = json!({"x": nested.to_string()});
        }
        names.hide(&mut nested);
        assert!(!nested.to_string().contains("secret-1"), "{nested}");
        assert!(names.are_in("urn:x:User.PassWord") && !names.are_in("userName"));
    }
}
