//! The parameters of statements.

use scim_sql::Bind;

/// A value to be bound.
#[derive(Clone, Debug)]
pub(crate) enum Param {
    Null,
    Text(String),
    Int(i64),
    Real(f64),
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

impl From<Bind> for Param {
    fn from(bind: Bind) -> Self {
        match bind {
            Bind::Text(text) => Self::Text(text),
            Bind::Integer(number) => Self::Int(number),
            Bind::Real(number) => Self::Real(number),
            Bind::Boolean(flag) => Self::Bool(flag),
            _ => Self::Null,
        }
    }
}

/// Writes parameters, each as what it is.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Param::from($value)),*] };
}
pub(crate) use params;
