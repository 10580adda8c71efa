//! The syntax tree of a filter, which does not depend on a schema.

use compact_str::CompactString;
use scim_schema::AttrPath;
use serde_json::Number;

/// A filter as it was written (RFC 7644 section 3.4.2.2).
///
/// [`parse`](Self::parse) makes it from text, `Display` prints it with as few parentheses as possible, and
/// [`resolve`](Self::resolve) makes a [`Predicate`](crate::Predicate) of it for a resource type. `FromStr` and serde
/// accept exactly the grammar, within the default [`FilterLimits`](crate::FilterLimits).
///
/// ```
/// use scim_filter::Filter;
///
/// let filter: Filter = r#"(title pr) OR ((userType eq "Intern") and active eq true)"#.parse()?;
/// assert_eq!(filter.to_string(), r#"title pr or userType eq "Intern" and active eq true"#);
/// assert_eq!(filter, filter.to_string().parse()?);
/// # Ok::<(), scim_filter::ParseError>(())
/// ```
///
/// `And` and `Or` contain at least two filters, and never directly a filter of their own kind, so a long chain is
/// flat; [`and`](Self::and) and [`or`](Self::or) make such filters. A `Complex` does not contain another one.
///
/// The variants are those of the grammar, so there will be no others: a match needs no catch-all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of the filters hold.
    And(Vec<Filter>),
    /// At least one of the filters holds.
    Or(Vec<Filter>),
    /// The filter does not hold.
    Not(Box<Filter>),
    /// The attribute has a value: `title pr`.
    Present(AttrPath),
    /// A value of the attribute compares to the literal: `userName eq "bea"`.
    Compare {
        /// The attribute; inside a value path, a sub-attribute.
        path: AttrPath,
        /// The operator.
        op: CompareOp,
        /// The literal to compare with.
        value: Literal,
    },
    /// One element of a complex attribute satisfies the filter: `emails[type eq "work"]`.
    Complex {
        /// The complex attribute.
        path: AttrPath,
        /// A filter over its sub-attributes.
        filter: Box<Filter>,
    },
}

impl Filter {
    /// Both filters hold.
    ///
    /// ```
    /// use scim_filter::Filter;
    ///
    /// let both = "title pr".parse::<Filter>()?.and("nickName pr or active eq true".parse()?);
    /// assert_eq!(both.to_string(), "title pr and (nickName pr or active eq true)");
    /// # Ok::<(), scim_filter::ParseError>(())
    /// ```
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        Connective::And.join(vec![self, other])
    }

    /// At least one of the filters holds.
    #[must_use]
    pub fn or(self, other: Filter) -> Filter {
        Connective::Or.join(vec![self, other])
    }
}

/// The word between two filters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

impl Connective {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::And, Self::Or].into_iter().find(|connective| word.eq_ignore_ascii_case(connective.as_str()))
    }

    /// Joins several filters. The operands of a filter of the same kind are joined instead of the filter.
    pub(crate) fn join(self, mut operands: Vec<Filter>) -> Filter {
        let same = |filter: &Filter| {
            matches!((self, filter), (Self::And, Filter::And(_)) | (Self::Or, Filter::Or(_)))
        };
        if operands.iter().any(same) {
            let parts = operands.into_iter().flat_map(|operand| match (self, operand) {
                (Self::And, Filter::And(inner)) | (Self::Or, Filter::Or(inner)) => inner,
                (_, operand) => vec![operand],
            });
            operands = parts.collect();
        }
        match self {
            Self::And => Filter::And(operands),
            Self::Or => Filter::Or(operands),
        }
    }
}

/// The operator of a comparison (RFC 7644 table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// The value contains the literal.
    Co,
    /// The value starts with the literal.
    Sw,
    /// The value ends with the literal.
    Ew,
    /// The value is greater.
    Gt,
    /// The value is greater or equal.
    Ge,
    /// The value is less.
    Lt,
    /// The value is less or equal.
    Le,
}

impl CompareOp {
    /// Every operator.
    pub const ALL: &[CompareOp] =
        &[Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator as it is written in a filter.
    ///
    /// ```
    /// assert_eq!(scim_filter::CompareOp::Sw.as_str(), "sw");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    pub(crate) fn from_word(word: &[u8]) -> Option<Self> {
        let &[a, b] = word else { return None };
        Some(match &[a.to_ascii_lowercase(), b.to_ascii_lowercase()] {
            b"eq" => Self::Eq,
            b"ne" => Self::Ne,
            b"co" => Self::Co,
            b"sw" => Self::Sw,
            b"ew" => Self::Ew,
            b"gt" => Self::Gt,
            b"ge" => Self::Ge,
            b"lt" => Self::Lt,
            b"le" => Self::Le,
            _ => return None,
        })
    }
}

/// The literal that an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// `null`, which is the absence of a value (RFC 7643 section 2.5).
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number.
    Number(Number),
    /// A string, without its quotation marks and escapes.
    String(CompactString),
}
