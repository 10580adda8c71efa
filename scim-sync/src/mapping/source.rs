//! Where the text of a value comes from.

use serde::{Deserialize, Deserializer};

use super::Transform;
use crate::Person;

/// One field or template, or several of which the first with a value counts. In JSON, a string or a list of strings: `"mail"`,
/// `["mail", "userPrincipalName"]`, `"{givenName} {surname}"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source(Vec<Field>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Name(String),
    /// Texts and names of fields, by turns, beginning with a text.
    Template(Vec<String>),
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected the name of a field, a template such as \"{givenName} {surname}\", or a list of them"
        )]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let texts = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        };
        texts
            .iter()
            .map(|text| Field::parse(text))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Field {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the name of a field is empty".to_owned());
        }
        if !text.contains(['{', '}']) {
            return Ok(Self::Name(text.to_owned()));
        }
        let unclosed = || format!("the braces of the template `{text}` are not closed");
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, end) = after.split_once('}').ok_or_else(unclosed)?;
            if name.is_empty() || name.contains('{') || before.contains('}') {
                return Err(unclosed());
            }
            parts.extend([before.to_owned(), name.to_owned()]);
            rest = end;
        }
        if rest.contains('}') {
            return Err(unclosed());
        }
        parts.push(rest.to_owned());
        Ok(Self::Template(parts))
    }

    fn text(&self, person: &Person) -> Option<String> {
        match self {
            Self::Name(name) => person.text(name),
            Self::Template(parts) => {
                let part = |(index, part): (usize, &String)| match index % 2 {
                    0 => Some(part.clone()),
                    _ => person.text(part),
                };
                parts.iter().enumerate().map(part).collect()
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Name(name) => vec![name],
            Self::Template(parts) => parts.iter().skip(1).step_by(2).map(String::as_str).collect(),
        }
    }
}

impl Source {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of all its fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Field::names)
    }

    /// The first text that is left after the transforms. A template has no text if one of its fields has none.
    pub(crate) fn text(&self, person: &Person, transforms: &[Transform]) -> Option<String> {
        let transformed = |text| transforms.iter().try_fold(text, |text, transform| transform.apply(text));
        self.0.iter().find_map(|field| transformed(field.text(person)?))
    }
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::Person;
    use serde_json::json;

    #[test]
    fn the_first_field_or_template_with_a_text_counts() {
        let person = Person::new(
            "1",
            json!({
                "givenName": "Bea", "surname": null, "org": { "unit": "Nord" }, "phones": ["", "12"]
            }),
        );
        let cases = [
            (json!("givenName"), Some("Bea")),
            (json!("org.unit"), Some("Nord")),
            (json!("org"), None),
            (json!("phones"), Some("12")),
            (json!(["surname", "givenName"]), Some("Bea")),
            (json!(["{givenName} {surname}", "<{givenName}>"]), Some("<Bea>")),
            (json!("{givenName}@{org.unit}.example"), Some("Bea@Nord.example")),
        ];
        for (source, expected) in cases {
            let source: Source = serde_json::from_value(source).unwrap();
            assert_eq!(source.text(&person, &[]).as_deref(), expected, "{source:?}");
        }
        let source: Source = serde_json::from_value(json!(["mail", "{givenName} {surname}"])).unwrap();
        assert_eq!(source.names().collect::<Vec<_>>(), ["mail", "givenName", "surname"]);
    }

    #[test]
    fn a_malformed_template_is_refused() {
        for text in ["{a", "a}", "{}", "{a{b}}", "}a{b}", ""] {
            assert!(serde_json::from_value::<Source>(json!(text)).is_err(), "{text}");
        }
    }
}
