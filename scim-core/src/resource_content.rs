//! The content of a resource: attributes as a JSON object, or as JSON text that is parsed when someone looks at them.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::rendered::Rendered;

/// The content of a resource, which its clones share.
#[derive(Default)]
pub(crate) struct ResourceContent {
    /// The attributes, but those that are in `stored`.
    object: Map<String, Value>,
    stored: Option<StoredJson>,
    /// How the resource was shown since it was last changed.
    pub(crate) rendered: OnceLock<Rendered>,
}

impl Clone for ResourceContent {
    fn clone(&self) -> Self {
        Self { object: self.all_attributes().clone(), stored: None, rendered: OnceLock::new() }
    }
}

impl ResourceContent {
    /// The content of a resource with these attributes.
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self { object, ..Self::default() }
    }

    /// The content of a resource with the attributes in JSON text, and with others.
    pub(crate) fn from_stored_json(json: Box<str>, others: Map<String, Value>) -> Self {
        let stored = StoredJson { json, all: OnceLock::new() };
        Self { object: others, stored: Some(stored), rendered: OnceLock::new() }
    }

    /// The JSON text with which the resource was made, and the attributes that are not in it.
    pub(crate) fn stored_json(&self) -> Option<(&str, &Map<String, Value>)> {
        self.stored.as_ref().map(|stored| (&*stored.json, &self.object))
    }

    /// All attributes.
    pub(crate) fn all_attributes(&self) -> &Map<String, Value> {
        match &self.stored {
            None => &self.object,
            Some(stored) => stored.all.get_or_init(|| stored.parse(self.object.clone())),
        }
    }

    /// Finds something in the attributes. The text is parsed only if the other attributes do not have it.
    pub(crate) fn find<'a, T>(&'a self, find: impl Fn(&'a Map<String, Value>) -> Option<T>) -> Option<T> {
        find(&self.object).or_else(|| self.stored.is_some().then(|| find(self.all_attributes()))?)
    }

    /// Whether the text was parsed, or there was none.
    #[cfg(test)]
    pub(crate) fn is_parsed(&self) -> bool {
        self.stored.as_ref().is_none_or(|stored| stored.all.get().is_some())
    }

    /// All attributes, to change them. The text is dropped.
    pub(crate) fn all_attributes_mut(&mut self) -> &mut Map<String, Value> {
        if let Some(mut stored) = self.stored.take() {
            let all = stored.all.take();
            self.object = all.unwrap_or_else(|| stored.parse(std::mem::take(&mut self.object)));
        }
        &mut self.object
    }
}

/// Attributes as JSON text.
struct StoredJson {
    json: Box<str>,
    /// All attributes of the resource, once they have been looked at.
    all: OnceLock<Map<String, Value>>,
}

impl StoredJson {
    /// The attributes in the text together with the others.
    fn parse(&self, others: Map<String, Value>) -> Map<String, Value> {
        let mut all: Map<String, Value> = serde_json::from_str(&self.json).unwrap_or_default();
        all.extend(others);
        all
    }
}
