//! Reading filters (RFC 7644 figure 1).
//!
//! One pass, no backtracking: each production takes what is left of the text and returns what is
//! left after it. Recursion is as deep as parentheses and brackets are. What the grammar says is
//! tried first; what deviates from it is looked at more closely, since it may be tolerated.

mod comparison;
mod expression;
mod parser;
mod token;

use std::borrow::Cow;
use std::str::FromStr;

use scim_schema::{ReadContext, ScimType, Tolerance};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::ast::Filter;
use crate::error::ParseError;
use crate::limits::Limits;

pub(crate) use expression::attribute;
pub(crate) use parser::Parser;
pub(crate) use token::{Fault, Parsed};

impl Filter {
    /// Reads a filter from its whole text.
    ///
    /// Beyond the grammar, the reading may tolerate blanks that are missing or too many, literals
    /// without quotes or in other case, and a comparison behind a value path.
    ///
    /// ```
    /// use scim_filter::{Filter, Limits};
    /// use scim_schema::{Quirk, ReadContext, Tolerance};
    ///
    /// let tolerance = Tolerance::lenient();
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let text = r#"emails[type eq "work"].value eq bea@example.com"#;
    /// let filter = Filter::parse(text, &Limits::default(), &mut read_context)?;
    /// assert_eq!(filter.to_string(), r#"emails[type eq "work" and value eq "bea@example.com"]"#);
    /// let quirks: Vec<_> = read_context.tolerated().iter().map(|tolerated| tolerated.quirk).collect();
    /// assert_eq!(quirks, [Quirk::ComparedValuePath, Quirk::UnquotedLiteral]);
    /// # Ok::<(), scim_filter::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text does not follow RFC 7644 figure 1 in a way that is not tolerated, or exceeds a
    /// limit.
    pub fn parse(
        text: &str,
        limits: &Limits,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Self, ParseError> {
        Parser::new("filter", ScimType::InvalidFilter, limits, read_context).whole(text, Parser::filter)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, &Limits::default(), &mut ReadContext::new(&Tolerance::strict()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
