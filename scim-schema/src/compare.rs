//! Comparing values: one implementation for filters, sorting, PATCH and uniqueness.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::fold::{fold_char, fold_reference, fold_user_name};
use crate::instant::Instant;
use crate::number::{compare_numbers, is_comparable, number_key};
use crate::target::Target;
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

    /// The order of two operands of one comparison, for sorting many values that were made ready once.
    /// Operands of two kinds, which one comparison does not make, are equal.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.folded().cmp(b.folded()),
            (Self::Number(a), Self::Number(b)) => compare_numbers(a, b).unwrap_or(Ordering::Equal),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Instant(a, _), Self::Instant(b, _)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

/// Text as it was given and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text as it was given, and behind it the folded text if that is another one.
    both: Box<str>,
    /// Where the given text ends.
    given: usize,
    /// Where the folded text begins.
    folded: usize,
}

impl Text {
    fn new(given: &str, rule: Comparison) -> Self {
        let both = match rule {
            Comparison::Folded | Comparison::UserName if given.is_ascii() => {
                // In place, as `fold` does it.
                given.bytes().any(|b| b.is_ascii_uppercase()).then(|| {
                    let mut both = [given, given].concat();
                    both.get_mut(given.len()..).unwrap_or_default().make_ascii_lowercase();
                    both
                })
            }
            _ => {
                let folded = rule.fold(given);
                (folded != given).then(|| [given, &folded].concat())
            }
        };
        match both {
            Some(both) => Self { both: both.into(), given: given.len(), folded: given.len() },
            None => Self { both: given.into(), given: given.len(), folded: 0 },
        }
    }

    /// The text as it was given.
    pub fn given(&self) -> &str {
        self.both.get(..self.given).unwrap_or_default()
    }

    /// The text as [`Comparison::fold`] makes it; what a store binds for a folded column.
    pub fn folded(&self) -> &str {
        self.both.get(self.folded..).unwrap_or_default()
    }
}

impl Comparison {
    /// The comparison that suits an attribute.
    pub fn of(attribute: &Attribute) -> Self {
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
    /// let key = |value| Comparison::Instant.key(&value).into_owned();
    /// assert_eq!(key(json!("2024-01-01T00:00:00Z")), key(json!("2024-01-01T02:00:00.0+02:00")));
    /// ```
    pub fn key(self, value: &Value) -> Cow<'_, str> {
        // What is not of the right type is marked, lest it be taken for something that is.
        let wrong = |text: String| Cow::Owned(format!("\0{text}"));
        match (self, value) {
            (Self::Number, Value::Number(number)) => Cow::Owned(number_key(number)),
            (Self::Instant, Value::String(text)) => match Instant::parse(text) {
                Some(instant) => Cow::Owned(instant.key()),
                None => wrong(text.clone()),
            },
            (_, Value::String(text)) if self.is_text() || self == Self::Binary => self.fold(text),
            (_, Value::Number(number)) => wrong(number_key(number)),
            (_, value) => wrong(value.to_string()),
        }
    }

    /// Makes a value ready for comparing; `None` if it is not of the right type.
    pub fn prepare(self, value: &Value) -> Option<Operand> {
        match (self, value) {
            (Self::Number, Value::Number(number)) => {
                is_comparable(number).then(|| Operand::Number(number.clone()))
            }
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
            _ => Some(Operand::Text(Text::new(text, self))),
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
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.len() == folded.len() && is_folded(text.as_bytes(), folded)
            }
            Self::Folded => text.chars().map(fold_char).eq(folded.chars()),
            Self::UserName | Self::Reference => self.fold(text) == folded,
            _ => text == folded,
        }
    }

    fn compare_text(self, text: &str, folded: &str) -> Ordering {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.bytes().map(|b| b.to_ascii_lowercase()).cmp(folded.bytes())
            }
            Self::Folded => text.chars().map(fold_char).cmp(folded.chars()),
            Self::UserName | Self::Reference => self.fold(text).as_ref().cmp(folded),
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
                    || text.as_bytes().windows(folded.len()).any(|window| is_folded(window, folded))
            }
            _ => self.either(text, |text| text.contains(folded)),
        }
    }

    /// Whether text begins with folded text (`sw`).
    pub fn starts_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                text.as_bytes().get(..folded.len()).is_some_and(|head| is_folded(head, folded))
            }
            _ => self.either(text, |text| text.starts_with(folded)),
        }
    }

    /// Whether text ends with folded text (`ew`).
    pub fn ends_with(self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded | Self::UserName if text.is_ascii() => {
                let tail = text.len().checked_sub(folded.len()).and_then(|at| text.as_bytes().get(at..));
                tail.is_some_and(|tail| is_folded(tail, folded))
            }
            _ => self.either(text, |text| text.ends_with(folded)),
        }
    }

    /// Whether folded text passes a test; of references also the text itself, since a part of a URI
    /// may end within what folding takes away, as `/v2/`.
    fn either(self, text: &str, test: impl Fn(&str) -> bool) -> bool {
        self == Self::Reference && test(text) || test(&self.fold(text))
    }

    /// Whether two values are the same under this comparison.
    ///
    /// Values that are not of the right type are the same if they are identical.
    pub fn same(self, a: &Value, b: &Value) -> bool {
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

    /// The order of two values for sorting. It is a total one, whatever a store holds: values that
    /// are not of the right type come last, in no order of their own.
    pub fn order(self, a: &Value, b: &Value) -> Ordering {
        match (self.prepare(a), self.prepare(b)) {
            (Some(a), Some(b)) => a.order(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

impl Target {
    /// Whether two values of this attribute are the same: sub-attributes by their own rules, lists
    /// in any order, and without regard to what the service fills in (`$ref`).
    pub fn same_value(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len()
                    && (a.iter().zip(b).all(|(a, b)| self.same_value(a, b)) || self.keys(a) == self.keys(b))
            }
            (Value::Object(a), Value::Object(b)) if self.is_complex() => {
                self.identifying().all(|sub| match (a.get(sub.name()), b.get(sub.name())) {
                    (Some(a), Some(b)) => sub.same_value(a, b),
                    (None, None) => true,
                    _ => false,
                })
            }
            _ => self.comparison().same(a, b),
        }
    }

    /// The sub-attributes that tell two values apart.
    fn identifying(&self) -> impl Iterator<Item = &Target> {
        self.sub_attributes().iter().filter(|sub| !sub.definition().is_resource_reference())
    }

    /// The elements of a list, each as a text that the same elements share, in an order that does
    /// not depend on theirs.
    fn keys(&self, list: &[Value]) -> Vec<String> {
        let mut keys: Vec<String> = list.iter().map(|element| self.key(element).into_owned()).collect();
        keys.sort_unstable();
        keys
    }

    /// A text that two values of this attribute share exactly if they are the same, as
    /// [`same_value`](Self::same_value) has it; to hash values, not to show them.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let user = scim_schema::standard::user_type();
    /// let emails = user.attribute("emails").unwrap();
    /// let [a, b] = [json!({ "value": "mara@example.com" }), json!({ "value": "Mara@Example.com" })];
    /// assert_eq!(emails.key(&a), emails.key(&b));
    /// ```
    pub fn key<'a>(&self, value: &'a Value) -> Cow<'a, str> {
        match value {
            Value::Object(object) if self.is_complex() => {
                let members =
                    self.identifying().map(|sub| object.get(sub.name()).map(|value| sub.key(value)));
                format!("{:?}", members.collect::<Vec<_>>()).into()
            }
            Value::Array(list) => format!("{:?}", self.keys(list)).into(),
            value => self.comparison().key(value),
        }
    }
}

/// Whether ASCII text folds to a folded text of its length.
fn is_folded(text: &[u8], folded: &str) -> bool {
    text.iter().zip(folded.bytes()).all(|(a, b)| a.to_ascii_lowercase() == b)
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
}
