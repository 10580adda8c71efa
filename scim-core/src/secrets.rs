//! `writeOnly` values such as passwords, which are kept out of the resource.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroize;

/// The `writeOnly` values of a request. They are overwritten in memory when the request ends.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(String, Option<Value>)>);

impl Secrets {
    /// The new value of a `writeOnly` attribute, by its canonical path (`password`).
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == path)?.1.as_ref()?.as_str()
    }

    /// Whether the request removes the value of a `writeOnly` attribute.
    pub fn is_cleared(&self, path: &str) -> bool {
        self.0.iter().rev().find(|(name, _)| name == path).is_some_and(|(_, value)| value.is_none())
    }

    /// Whether the request has no `writeOnly` values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, path: impl Into<String>, value: Option<Value>) {
        self.0.push((path.into(), value));
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        fn wipe(value: &mut Value) {
            match value {
                Value::String(text) => text.zeroize(),
                Value::Array(list) => list.iter_mut().for_each(wipe),
                Value::Object(object) => object.values_mut().for_each(wipe),
                _ => {}
            }
        }
        self.0.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(wipe);
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(path, _)| path)).finish()
    }
}
