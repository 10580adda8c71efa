//! How the text of a field is changed.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A change of a text. In JSON: `"lower"`, `"trim"`, `{"cut_before": "@"}`, `{"cut_after": "\\"}`, `{"digits": "46"}`, or
/// `{"lookup": {"table": {"SE": "sv-SE"}, "otherwise": "en-GB"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Transform {
    /// Changes it to lower case.
    Lower,
    /// Removes space at both ends.
    Trim,
    /// Keeps what is left of the first separator. A text without the separator stays.
    CutBefore(String),
    /// Keeps what is right of the first separator. A text without the separator stays.
    CutAfter(String),
    /// Keeps the digits of a telephone number, with this country prefix if it has none: with `46`, `+46 (0)70-12 34` and
    /// `070-12 34` become `46701234`.
    Digits(String),
    /// Looks the text up in a table.
    Lookup(Lookup),
}

/// A table of texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// From the text of the field to the text of the attribute.
    pub table: BTreeMap<String, String>,
    /// What other texts become. Without it, they become no value.
    #[serde(default)]
    pub otherwise: Option<String>,
}

impl Transform {
    /// Applies it. `None` means that there is no value; so does an empty result.
    pub(crate) fn apply(&self, text: String) -> Option<String> {
        let text = match self {
            Self::Lower => text.to_lowercase(),
            Self::Trim => text.trim().to_owned(),
            Self::CutBefore(separator) => cut_before(&text, separator).to_owned(),
            Self::CutAfter(separator) => cut_after(&text, separator).to_owned(),
            Self::Digits(prefix) => digits(&text, prefix)?,
            Self::Lookup(lookup) => lookup.table.get(&text).or(lookup.otherwise.as_ref())?.clone(),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// What is wrong with its parameters.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::CutBefore(separator) | Self::CutAfter(separator) if separator.is_empty() => {
                Err("the separator is empty; write one, such as \"@\"".to_owned())
            }
            Self::Digits(prefix)
                if prefix.is_empty()
                    || prefix.starts_with('0')
                    || !prefix.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Err(format!(
                    "`{prefix}` is not a country prefix; write its digits without + or 00, such as \"46\""
                ))
            }
            _ => Ok(()),
        }
    }
}

/// What is left of the first separator; all of the text if there is none.
pub(crate) fn cut_before<'a>(text: &'a str, separator: &str) -> &'a str {
    text.split_once(separator).map_or(text, |(left, _)| left)
}

/// What is right of the first separator; all of the text if there is none.
pub(crate) fn cut_after<'a>(text: &'a str, separator: &str) -> &'a str {
    text.split_once(separator).map_or(text, |(_, right)| right)
}

fn digits(text: &str, prefix: &str) -> Option<String> {
    // `(0)` in an international number is the 0 that is dialled only within the country.
    let text = text.trim().replace("(0)", "");
    // What follows a letter is an extension: `040-12 34 ext. 5`.
    let number: String = text
        .chars()
        .take_while(|character| !character.is_alphabetic())
        .filter(char::is_ascii_digit)
        .collect();
    if number.is_empty() {
        return None;
    }
    if text.starts_with('+') {
        return Some(number);
    }
    if let Some(international) = number.strip_prefix("00") {
        return Some(international.to_owned());
    }
    Some(match number.strip_prefix('0') {
        Some(national) => format!("{prefix}{national}"),
        None if number.starts_with(prefix) => number,
        None => format!("{prefix}{number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::Transform;

    fn apply(transform: &str, text: &str) -> Option<String> {
        let transform: Transform = serde_json::from_str(transform).unwrap();
        transform.check().unwrap();
        transform.apply(text.to_owned())
    }

    #[test]
    fn each_transform_changes_a_text() {
        let cases = [
            (r#""lower""#, "ÅSA@Example.com", Some("åsa@example.com")),
            (r#""trim""#, "  Åsa ", Some("Åsa")),
            (r#""trim""#, "  ", None),
            (r#"{"cut_before":"@"}"#, "asa@example.com", Some("asa")),
            (r#"{"cut_before":"@"}"#, "asa", Some("asa")),
            (r#"{"cut_before":"@"}"#, "@example.com", None),
            (r#"{"cut_after":"\\"}"#, r"NORD\asa", Some("asa")),
            (r#"{"cut_after":"\\"}"#, r"NORD\", None),
            (r#"{"digits":"46"}"#, "+46 (0)8-12 34 56", Some("468123456")),
            (r#"{"digits":"46"}"#, "08-12 34 56", Some("468123456")),
            (r#"{"digits":"46"}"#, "0049 30 12", Some("493012")),
            (r#"{"digits":"46"}"#, "46 8 12", Some("46812")),
            (r#"{"digits":"46"}"#, "8 12 34 ext. 7", Some("4681234")),
            (r#"{"digits":"46"}"#, "none", None),
            (r#"{"lookup":{"table":{"SE":"sv-SE"}}}"#, "SE", Some("sv-SE")),
            (r#"{"lookup":{"table":{"SE":"sv-SE"}}}"#, "NO", None),
            (r#"{"lookup":{"table":{"SE":"sv-SE"},"otherwise":"en"}}"#, "NO", Some("en")),
        ];
        for (transform, text, expected) in cases {
            assert_eq!(apply(transform, text).as_deref(), expected, "{transform} {text}");
        }
    }

    #[test]
    fn a_prefix_and_a_separator_are_checked() {
        for transform in [r#"{"digits":"+46"}"#, r#"{"digits":""}"#, r#"{"cut_before":""}"#] {
            let transform: Transform = serde_json::from_str(transform).unwrap();
            assert!(transform.check().is_err(), "{transform:?}");
        }
        assert!(serde_json::from_str::<Transform>(r#""upper""#).is_err());
    }
}
