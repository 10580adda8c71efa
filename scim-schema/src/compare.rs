//! Comparing values: one implementation for filters, sorting, PATCH and uniqueness.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

use crate::instant::Instant;
use crate::{Attribute, Type};

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

/// A value made ready for comparing under one [`Comparison`]: folded, parsed, checked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operand {
    /// Text, also for references and binary values.
    Text(Text),
    /// A number.
    Number(Number),
    /// A truth value.
    Boolean(bool),
    /// A point in time, and the text that gave it.
    Instant(Instant, Box<str>),
}

impl Operand {
    /// The value as it was given, before it was folded or parsed.
    ///
    /// ```
    /// use scim_schema::Comparison;
    /// use serde_json::json;
    ///
    /// let operand = Comparison::Folded.prepare(&json!("Work")).unwrap();
    /// assert_eq!(operand.to_value(), json!("Work"));
    /// ```
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.given()),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Boolean(flag) => Value::Bool(*flag),
            Self::Instant(_, given) => Value::from(&**given),
        }
    }
}

/// Text as it was given and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    given: Box<str>,
    /// Only if folding changed it.
    folded: Option<Box<str>>,
}

impl Text {
    /// The text as it was given.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The text as [`Comparison::fold`] makes it; what a store binds for a folded column.
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.given)
    }
}

impl Comparison {
    /// The comparison that suits an attribute.
    pub fn of(attribute: &Attribute) -> Self {
        match attribute.data_type() {
            Type::String if attribute.is_compared_as_user_name() => Self::UserName,
            Type::String if attribute.is_case_exact() => Self::Exact,
            Type::String => Self::Folded,
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
        matches!(self, Self::Exact | Self::Folded | Self::UserName)
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
            Self::UserName => Cow::Owned(text.chars().flat_map(map_width).map(fold_char).nfc().collect()),
            _ => Cow::Borrowed(text),
        }
    }

    /// Makes a value ready for comparing; `None` if it is not of the right type.
    pub fn prepare(self, value: &Value) -> Option<Operand> {
        match (self, value) {
            (Self::Number, Value::Number(number)) => Some(Operand::Number(number.clone())),
            (Self::Boolean, Value::Bool(flag)) => Some(Operand::Boolean(*flag)),
            (_, Value::String(text)) => self.prepare_text(text),
            _ => None,
        }
    }

    /// Makes text ready for comparing, as [`prepare`](Self::prepare) does.
    pub fn prepare_text(self, text: &str) -> Option<Operand> {
        match self {
            Self::Instant => Some(Operand::Instant(Instant::parse(text)?, text.into())),
            Self::Number | Self::Boolean | Self::Complex => None,
            _ => {
                let folded = match self.fold(text) {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(folded) => (folded != text).then(|| folded.into()),
                };
                Some(Operand::Text(Text { given: text.into(), folded }))
            }
        }
    }

    /// Compares a value with an operand; `None` if the value is not of the operand's type.
    ///
    /// Booleans and binary values are only ever equal or not; the order that is returned for them
    /// has no meaning of its own.
    pub fn compare(self, value: &Value, operand: &Operand) -> Option<Ordering> {
        match (operand, value) {
            (Operand::Text(operand), Value::String(text)) => Some(self.compare_text(text, operand.folded())),
            (Operand::Number(operand), Value::Number(number)) => compare_numbers(number, operand),
            (Operand::Boolean(operand), Value::Bool(flag)) => Some(flag.cmp(operand)),
            (Operand::Instant(operand, _), Value::String(text)) => {
                Instant::parse(text).map(|instant| instant.cmp(operand))
            }
            _ => None,
        }
    }

    /// Whether a value equals an operand.
    pub fn equals(self, value: &Value, operand: &Operand) -> bool {
        match (operand, value) {
            (Operand::Text(operand), Value::String(text)) => self.equals_text(text, operand.folded()),
            _ => self.compare(value, operand) == Some(Ordering::Equal),
        }
    }

    /// Whether text equals folded text.
    pub fn equals_text(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName => {
                if text.is_ascii() {
                    text.len() == folded.len()
                        && text.bytes().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)
                } else if self == Self::Folded {
                    text.chars().map(fold_char).eq(folded.chars())
                } else {
                    self.fold(text) == folded
                }
            }
            _ => text == folded,
        }
    }

    fn compare_text(self, text: &str, folded: &str) -> Ordering {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.bytes().map(|b| b.to_ascii_lowercase()).cmp(folded.bytes())
            }
            Self::Folded => text.chars().map(fold_char).cmp(folded.chars()),
            Self::UserName => self.fold(text).as_ref().cmp(folded),
            _ => text.cmp(folded),
        }
    }

    /// Whether text contains folded text (`co`).
    pub fn contains(self, text: &str, folded: &str) -> bool {
        // A naive search is the fastest one for short texts; beyond, the standard library's is linear.
        const SHORT: usize = 256;
        match self {
            Self::Folded | Self::UserName if text.is_ascii() && text.len() <= SHORT => {
                folded.is_empty()
                    || text.as_bytes().windows(folded.len()).any(|window| {
                        window.iter().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)
                    })
            }
            Self::Folded | Self::UserName => self.fold(text).contains(folded),
            _ => text.contains(folded),
        }
    }

    /// Whether text begins with folded text (`sw`).
    pub fn starts_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => text
                .as_bytes()
                .get(..folded.len())
                .is_some_and(|head| head.iter().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)),
            Self::Folded | Self::UserName => self.fold(text).starts_with(folded),
            _ => text.starts_with(folded),
        }
    }

    /// Whether text ends with folded text (`ew`).
    pub fn ends_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => text
                .len()
                .checked_sub(folded.len())
                .and_then(|at| text.as_bytes().get(at..))
                .is_some_and(|tail| tail.iter().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)),
            Self::Folded | Self::UserName => self.fold(text).ends_with(folded),
            _ => text.ends_with(folded),
        }
    }

    /// Whether two values are the same under this comparison.
    ///
    /// Values that are not of the right type are the same if they are identical.
    pub fn same(self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::String(a), Value::String(b)) if self != Self::Instant => {
                a == b || (self != Self::Exact && self != Self::Binary && self.fold(a) == self.fold(b))
            }
            (Value::Number(a), Value::Number(b)) => compare_numbers(a, b) == Some(Ordering::Equal),
            (Value::String(a), Value::String(b)) => {
                a == b || Instant::parse(a).is_some_and(|a| Some(a) == Instant::parse(b))
            }
            _ => a == b,
        }
    }

    /// The order of two values for sorting; values of the wrong type sort as equal.
    pub fn order(self, a: &Value, b: &Value) -> Ordering {
        match self.prepare(b) {
            Some(b) => self.compare(a, &b).unwrap_or(Ordering::Equal),
            None => Ordering::Equal,
        }
    }
}

/// Unicode simple case folding (CaseFolding.txt, statuses C and S): one character to one.
fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    unicode_case_mapping::case_folded(c).and_then(|folded| char::from_u32(folded.get())).unwrap_or(c)
}

/// Full-width and half-width characters as their usual forms (RFC 8265 section 3.3.2).
fn map_width(c: char) -> impl Iterator<Item = char> {
    let mut mapped = Vec::new();
    if matches!(c, '\u{3000}' | '\u{ff00}'..='\u{ffef}') {
        decompose_compatible(c, |part| mapped.push(part));
    }
    let itself = mapped.is_empty().then_some(c);
    mapped.into_iter().chain(itself)
}

/// Compares numbers by value, whatever their notation.
fn compare_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => compare_whole(a, b.as_f64()?),
        (None, Some(b)) => compare_whole(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Compares a whole number with a float without rounding the whole number.
#[expect(clippy::cast_possible_truncation, reason = "the float is whole and in range where it is cast")]
fn compare_whole(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b.abs() > 1e30 {
        return Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = b.floor();
    Some(a.cmp(&(floor as i128)).then(if floor < b { Ordering::Less } else { Ordering::Equal }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Comparison::Folded.same(&json!(a), &json!(b))
    }

    #[test]
    fn folds_one_character_to_one() {
        assert!(same("Σ", "ς") && same("σ", "ς"));
        assert!(same("ſ", "S"));
        assert!(same("\u{212a}", "k"), "the Kelvin sign");
        assert!(same("ẞ", "ß") && !same("ß", "ss"));
        assert!(!same("İ", "i") && !same("ı", "i") && !same("İ", "i\u{307}"));
        assert!(!same("é", "e\u{301}"), "composition matters except in user names");
    }

    #[test]
    fn user_names_also_compose_and_ignore_width() {
        let user_name = |a: &str, b: &str| Comparison::UserName.same(&json!(a), &json!(b));
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

    #[test]
    fn numbers_compare_by_value() {
        let order = |a: Value, b: Value| Comparison::Number.order(&a, &b);
        assert_eq!(order(json!(10), json!(10.0)), Ordering::Equal);
        assert_eq!(order(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(order(json!(-1), json!(-1.5)), Ordering::Greater);
        assert_eq!(order(json!(u64::MAX), json!(i64::MIN)), Ordering::Greater);
        assert_eq!(order(json!(1), json!(1e300)), Ordering::Less);
    }
}
