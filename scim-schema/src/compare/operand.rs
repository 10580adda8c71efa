//! Values that are folded, parsed and checked once, to be compared with many others.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::Comparison;
use super::fold::fold_char;
use super::instant::Instant;
use super::number::{compare_numbers, is_comparable};

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
            Self::Text(text) => Value::from(text.original()),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Boolean(flag) => Value::Bool(*flag),
            Self::Instant(_, original) => Value::from(&**original),
        }
    }

    /// The order of two operands of one comparison, for sorting many values that were made ready once.
    /// Operands of two kinds, which one comparison does not make, are equal.
    pub fn compare_to(&self, other: &Self) -> Ordering {
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
    /// The original text, followed by the folded text if that is different. One allocation holds both.
    text: Box<str>,
    /// Where the original text ends.
    original_len: usize,
    /// Where the folded text begins.
    folded_start: usize,
}

impl Text {
    fn new(original: &str, rule: Comparison) -> Self {
        let both = match rule {
            Comparison::Folded | Comparison::UserName if original.is_ascii() => {
                // Folds in place, to save the allocation that `fold` makes.
                original.bytes().any(|b| b.is_ascii_uppercase()).then(|| {
                    let mut both = [original, original].concat();
                    both.get_mut(original.len()..).unwrap_or_default().make_ascii_lowercase();
                    both
                })
            }
            _ => {
                let folded = rule.fold(original);
                (folded != original).then(|| [original, &folded].concat())
            }
        };
        let original_len = original.len();
        match both {
            Some(both) => Self { text: both.into(), original_len, folded_start: original_len },
            None => Self { text: original.into(), original_len, folded_start: 0 },
        }
    }

    /// The text before folding.
    pub fn original(&self) -> &str {
        self.text.get(..self.original_len).unwrap_or_default()
    }

    /// The text as [`Comparison::fold`] makes it; what a store binds for a folded column.
    pub fn folded(&self) -> &str {
        self.text.get(self.folded_start..).unwrap_or_default()
    }
}

impl Comparison {
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
}
