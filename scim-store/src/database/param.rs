//! The parameters of statements.

use scim_sql::BindValue;

/// The value of a parameter of a statement.
///
/// A driver converts it to the type that the database expects: in PostgreSQL a text can be the value of a `uuid`, and
/// an integer that of an `int4`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Param {
    /// NULL.
    Null,
    /// A text, or any value in its text form.
    Text(String),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Real(f64),
    /// A boolean; 0 or 1 in SQLite.
    Bool(bool),
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Param {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl<T: Into<Param>> From<Option<T>> for Param {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<BindValue> for Param {
    fn from(value: BindValue) -> Self {
        match value {
            BindValue::Text(text) => Self::Text(text),
            BindValue::Integer(number) => Self::Int(number),
            BindValue::Real(number) => Self::Real(number),
            BindValue::Boolean(flag) => Self::Bool(flag),
            _ => Self::Null,
        }
    }
}

/// Makes a list of parameters from values of any types that [`Param`] can be made from.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Param::from($value)),*] };
}
pub(crate) use params;
