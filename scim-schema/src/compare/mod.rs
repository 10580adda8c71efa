//! Comparing values: one implementation for filters, sorting, PATCH and uniqueness.

mod fold;
mod instant;
mod number;
mod operand;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use self::fold::{fold_char, fold_reference, fold_user_name};
use self::number::{compare_numbers, number_key};
use crate::{Attribute, Type};

pub use instant::Instant;
pub(crate) use number::{float_as_integer, keeps_all_digits};
pub use operand::{Operand, Text};

/// The Unicode version of the folding tables, as (major, minor, update).
///
/// A store that keeps folded columns keeps this beside them, and folds anew when it changes.
pub const UNICODE_VERSION: (u64, u64, u64) = unicode_case_mapping::UNICODE_VERSION;

/// How the values of an attribute compare (RFC 7643 sections 2.3 and 7, RFC 7644 section 3.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// Text, code point by code point.
    Exact,
    /// Text without regard to case: Unicode simple case folding.
    Folded,
    /// User names: width mapping, case folding and composition (RFC 8265 section 3.3).
    UserName,
    /// URIs of resources of this service: with any API version or none (RFC 7643 section 2.4).
    Reference,
    /// Points in time, whatever the offset.
    Instant,
    /// Numbers, by value.
    Number,
    /// `true` and `false`; they have no order.
    Boolean,
    /// Base64 text; it has no order.
    Binary,
    /// Objects, member by member; they have no order.
    Complex,
}

impl Comparison {
    /// The comparison that suits an attribute.
    pub fn for_attribute(attribute: &Attribute) -> Self {
        match attribute.data_type() {
            Type::String if attribute.is_compared_as_user_name() => Self::UserName,
            Type::String if attribute.is_case_exact() => Self::Exact,
            Type::String => Self::Folded,
            Type::Reference if attribute.refers_to_resources() => Self::Reference,
            Type::Reference => Self::Exact,
            Type::Binary => Self::Binary,
            Type::DateTime => Self::Instant,
            Type::Integer | Type::Decimal => Self::Number,
            Type::Boolean => Self::Boolean,
            Type::Complex => Self::Complex,
        }
    }

    /// Whether the values are text, so that `co`, `sw` and `ew` make sense.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Exact | Self::Folded | Self::UserName | Self::Reference)
    }

    /// Whether the values have an order, so that `gt`, `ge`, `lt` and `le` make sense.
    pub fn is_ordered(self) -> bool {
        self.is_text() || matches!(self, Self::Instant | Self::Number)
    }

    /// Text in the form in which two texts that are equal under this comparison are the same.
    ///
    /// ```
    /// use scim_schema::Comparison;
    ///
    /// assert_eq!(Comparison::Folded.fold("Straße ΣΊΣΥΦΟΣ"), "straße σίσυφοσ");
    /// assert_eq!(Comparison::UserName.fold("Ｊosé"), Comparison::UserName.fold("jose\u{301}"));
    /// assert_eq!(Comparison::Exact.fold("As It Is"), "As It Is");
    /// ```
    pub fn fold(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    Cow::Owned(text.to_ascii_lowercase())
                } else {
                    Cow::Borrowed(text)
                }
            }
            Self::Folded => Cow::Owned(text.chars().map(fold_char).collect()),
            Self::UserName => Cow::Owned(fold_user_name(text)),
            Self::Reference => fold_reference(text),
            _ => Cow::Borrowed(text),
        }
    }

    /// A text that two values of an attribute share exactly if they are the same: for a hash table,
    /// or a unique index of a store. Where the values are text it is the [folded](Self::fold) text.
    ///
    /// ```
    /// use scim_schema::Comparison;
    /// use serde_json::json;
    ///
    /// let key = |value| Comparison::Instant.equality_key(&value).into_owned();
    /// assert_eq!(key(json!("2024-01-01T00:00:00Z")), key(json!("2024-01-01T02:00:00.0+02:00")));
    /// ```
    pub fn equality_key(self, value: &Value) -> Cow<'_, str> {
        // A value of another type gets a mark, so that its key never equals that of a value of the right type.
        let mark_wrong_type = |text: String| Cow::Owned(format!("\0{text}"));
        match (self, value) {
            (Self::Number, Value::Number(number)) => Cow::Owned(number_key(number)),
            (Self::Instant, Value::String(text)) => match Instant::parse(text) {
                Some(instant) => Cow::Owned(instant.equality_key()),
                None => mark_wrong_type(text.clone()),
            },
            (_, Value::String(text)) if self.is_text() || self == Self::Binary => self.fold(text),
            (_, Value::Number(number)) => mark_wrong_type(number_key(number)),
            (_, value) => mark_wrong_type(value.to_string()),
        }
    }

    /// Whether text equals folded text.
    pub fn equals_text(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.len() == folded.len() && folds_to(text.as_bytes(), folded)
            }
            Self::Folded => text.chars().map(fold_char).eq(folded.chars()),
            Self::UserName | Self::Reference => self.fold(text) == folded,
            _ => text == folded,
        }
    }

    /// Whether text contains folded text (`co`).
    pub fn contains(self, text: &str, folded: &str) -> bool {
        // A naive search is the fastest one for short texts; beyond, the standard library's is linear.
        const SHORT: usize = 256;
        match self {
            Self::Folded | Self::UserName if text.is_ascii() && text.len() <= SHORT => {
                folded.is_empty()
                    || text.as_bytes().windows(folded.len()).any(|window| folds_to(window, folded))
            }
            _ => self.original_or_folded(text, |text| text.contains(folded)),
        }
    }

    /// Whether text begins with folded text (`sw`).
    pub fn starts_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.as_bytes().get(..folded.len()).is_some_and(|head| folds_to(head, folded))
            }
            _ => self.original_or_folded(text, |text| text.starts_with(folded)),
        }
    }

    /// Whether text ends with folded text (`ew`).
    pub fn ends_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                let tail = text.len().checked_sub(folded.len()).and_then(|at| text.as_bytes().get(at..));
                tail.is_some_and(|tail| folds_to(tail, folded))
            }
            _ => self.original_or_folded(text, |text| text.ends_with(folded)),
        }
    }

    /// Whether folded text passes a test; of references also the text itself, since a part of a URI
    /// may end within what folding takes away, as `/v2/`.
    fn original_or_folded(self, text: &str, test: impl Fn(&str) -> bool) -> bool {
        self == Self::Reference && test(text) || test(&self.fold(text))
    }

    /// Whether two values are the same under this comparison.
    ///
    /// Values that are not of the right type are the same if they are identical.
    pub fn values_equal(self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::String(a), Value::String(b)) if a == b => true,
            (Value::String(a), Value::String(b)) => match self {
                Self::Folded | Self::UserName if a.is_ascii() && b.is_ascii() => a.eq_ignore_ascii_case(b),
                Self::Folded | Self::UserName | Self::Reference => self.fold(a) == self.fold(b),
                Self::Instant => Instant::parse(a).is_some_and(|a| Some(a) == Instant::parse(b)),
                _ => false,
            },
            (Value::Number(a), Value::Number(b)) => a == b || compare_numbers(a, b) == Some(Ordering::Equal),
            _ => a == b,
        }
    }

    /// The order of two values for sorting. It is a total order, even if a store holds bad values: those that
    /// are not of the right type come last, in no order of their own.
    pub fn order_values(self, a: &Value, b: &Value) -> Ordering {
        match (self.prepare(a), self.prepare(b)) {
            (Some(a), Some(b)) => a.compare_to(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// Whether ASCII text folds to a folded text of its length.
fn folds_to(text: &[u8], folded: &str) -> bool {
    text.iter().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values_equal(a: &str, b: &str) -> bool {
        Comparison::Folded.values_equal(&json!(a), &json!(b))
    }

    #[test]
    fn folds_one_character_to_one() {
        assert!(values_equal("Σ", "ς") && values_equal("σ", "ς"));
        assert!(values_equal("ſ", "S"));
        assert!(values_equal("\u{212a}", "k"), "the Kelvin sign");
        assert!(values_equal("ẞ", "ß") && !values_equal("ß", "ss"));
        assert!(!values_equal("İ", "i") && !values_equal("ı", "i") && !values_equal("İ", "i\u{307}"));
        assert!(!values_equal("é", "e\u{301}"), "composition matters except in user names");
    }

    #[test]
    fn user_names_also_compose_and_ignore_width() {
        let user_name = |a: &str, b: &str| Comparison::UserName.values_equal(&json!(a), &json!(b));
        assert!(user_name("É", "e\u{301}"));
        assert!(user_name("ＡＬＩＣＥ", "alice"));
        assert!(user_name("ｶﾞ", "ガ"));
        assert!(!user_name("ﬁ", "fi"), "only width is mapped, not other compatibility forms");
    }

    #[test]
    fn text_operators_agree_with_folding_at_any_length() {
        let long = "x".repeat(300) + "Needle";
        for rule in [Comparison::Folded, Comparison::UserName] {
            for text in ["A Needle here", &long, "Ünd NeEdLe"] {
                assert!(rule.contains(text, "needle") && rule.contains(text, ""), "{text}");
                assert!(!rule.contains(text, "noodle"), "{text}");
            }
            assert!(rule.starts_with("NEEDLE", "need") && !rule.starts_with("NE", "need"));
            assert!(rule.ends_with("NEEDLE", "dle") && !rule.ends_with("le", "dle"));
            assert!(rule.starts_with("ÄB", "ä") && rule.ends_with("BÄ", "ä"));
        }
        assert!(Comparison::Exact.contains("aBc", "B") && !Comparison::Exact.contains("aBc", "b"));
    }
}
