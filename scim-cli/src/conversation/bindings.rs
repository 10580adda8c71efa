//! Placeholders: `{{prefix}}`, and names such as `{{id.ada}}` whose values come from answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::uri::escaped;

/// The values of placeholders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings {
    values: BTreeMap<String, String>,
    /// Whether placeholders such as `{{id.ada}}` may get values: only from the answer to a request that creates something. What a
    /// search returns may belong to somebody else.
    pub(crate) binds_ids: bool,
}

impl Bindings {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Fills all placeholders of a text.
    ///
    /// # Errors
    ///
    /// If one has no value.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, ToString::to_string)
    }

    /// Fills the placeholders of a path; their values are escaped.
    pub(crate) fn fill_path(&self, text: &str) -> Result<String, String> {
        self.fill_with(text, escaped)
    }

    fn fill_with(&self, text: &str, write: impl Fn(&str) -> String) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, end) =
                after.split_once("}}").ok_or_else(|| format!("a placeholder of `{text}` is not closed"))?;
            let value = self.values.get(name).ok_or_else(|| format!("there is no value for {name}"))?;
            filled.push_str(before);
            filled.push_str(&write(value));
            rest = end;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    pub(crate) fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(list) => {
                Value::Array(list.iter().map(|value| self.fill_json(value)).collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                let fill = |(name, value): (&String, &Value)| Ok((name.clone(), self.fill_json(value)?));
                Value::Object(object.iter().map(fill).collect::<Result<Map<_, _>, String>>()?)
            }
            other => other.clone(),
        })
    }

    /// Compares a text with one that may contain one placeholder without a value, which then gets it.
    ///
    /// # Errors
    ///
    /// What is different.
    pub(crate) fn match_text(&mut self, expected: &str, found: &str) -> Result<(), String> {
        let different = |expected: &str| Err(format!("expected `{expected}`, got `{found}`"));
        if let Ok(filled) = self.fill(expected) {
            return if filled == found { Ok(()) } else { different(&filled) };
        }
        // The last placeholder is the one without a value.
        let Some((before, after)) = expected.rsplit_once("{{") else { return different(expected) };
        let Some((name, end)) = after.split_once("}}") else { return different(expected) };
        let before = self.fill(before)?;
        match found.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(end)) {
            Some(value) if !value.is_empty() && (self.binds_ids || !name.starts_with("id.")) => {
                self.set(name, value);
                Ok(())
            }
            _ => different(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bindings;
    use serde_json::json;

    #[test]
    fn placeholders_are_filled_and_get_values() {
        let mut bindings = Bindings::default();
        bindings.set("prefix", "x/1");
        assert_eq!(
            bindings.fill_path("/Users?filter=a%20eq%20{{prefix}}").unwrap(),
            "/Users?filter=a%20eq%20x%2F1"
        );
        assert_eq!(
            bindings.fill_json(&json!({ "a": ["{{prefix}}-b", 1] })).unwrap(),
            json!({ "a": ["x/1-b", 1] })
        );
        assert!(bindings.fill("{{id.ada}}").is_err());
        assert!(bindings.match_text("/Users/{{id.ada}}", "/Users/7").is_err(), "nothing was created");
        bindings.binds_ids = true;
        bindings.match_text("/Users/{{id.ada}}", "/Users/7").unwrap();
        assert_eq!(bindings.fill("{{id.ada}}").unwrap(), "7");
        assert!(bindings.match_text("/Users/{{id.ada}}", "/Users/8").is_err());
        assert!(bindings.match_text("W/{{v}}!", "W/").is_err());
    }
}
