//! The fields of a form, or of a query.

use std::collections::HashMap;

/// The fields by their names. A field that is sent twice has its first value.
#[derive(Debug, Default)]
pub(super) struct Form(HashMap<String, String>);

impl Form {
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(text).take(50) {
            // PostgreSQL does not store U+0000, and so refuses to look for it.
            let value = || value.trim().replace('\0', "");
            fields.entry(name.into_owned()).or_insert_with(value);
        }
        Self(fields)
    }

    /// The same fields, with another value of one.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut fields = self.0.clone();
        fields.insert(name.to_owned(), value.to_owned());
        Self(fields)
    }

    /// The value of a field; empty if it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The value of a field; `None` if it is empty, or was not sent.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }
}

/// The query of a URL with these fields, without those that are empty.
pub(super) fn query<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
}
