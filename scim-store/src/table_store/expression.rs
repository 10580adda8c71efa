//! SQL expressions that read and write an attribute.

/// SQL that reads an attribute, and optionally SQL that writes it.
///
/// The SQL becomes part of statements as it is, so it must never contain anything that a client sent.
///
/// ```
/// use scim_store::{Expression, Ids, Table};
///
/// let accounts = Table::new("accounts", "id", Ids::uuid()).key("userName", "login").expression(
///     "active",
///     Expression::boolean("(t.status = 'on')").writes("status", "CASE WHEN {} THEN 'on' ELSE 'off' END"),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Expression {
    pub(crate) read: String,
    pub(crate) result: ExpressionType,
    pub(crate) write: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpressionType {
    Text,
    Integer,
    Boolean,
}

impl Expression {
    fn new(read: impl Into<String>, result: ExpressionType) -> Self {
        Self { read: read.into(), result, write: None }
    }

    /// An expression of type text. The columns of the table have the alias `t`.
    pub fn text(read: impl Into<String>) -> Self {
        Self::new(read, ExpressionType::Text)
    }

    /// An expression of type integer. The columns of the table have the alias `t`.
    pub fn integer(read: impl Into<String>) -> Self {
        Self::new(read, ExpressionType::Integer)
    }

    /// An expression of type boolean. The columns of the table have the alias `t`.
    pub fn boolean(read: impl Into<String>) -> Self {
        Self::new(read, ExpressionType::Boolean)
    }

    /// Writes the attribute by setting a column to an expression, in which `{}` is the value. Without it the attribute is
    /// `readOnly`.
    pub fn writes(mut self, column: impl Into<String>, value: impl Into<String>) -> Self {
        self.write = Some((column.into(), value.into()));
        self
    }
}
