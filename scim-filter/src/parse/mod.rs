//! Parses filters (RFC 7644 figure 1).
//!
//! One pass without backtracking: each production takes the rest of the text and returns the rest after it. The
//! recursion is as deep as the parentheses and brackets. Each production tries the grammar first, and then the
//! deviations that may be tolerated.

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
use crate::limits::FilterLimits;

pub(crate) use expression::attribute;
pub(crate) use parser::Parser;
pub(crate) use token::{Parsed, SyntaxError};

impl Filter {
    /// Parses a filter from its whole text.
    ///
    /// Besides the grammar, the tolerance may allow missing or additional spaces, literals without quotation marks or
    /// in another case, and a comparison after a value path.
    ///
    /// ```
    /// use scim_filter::{Filter, FilterLimits};
    /// use scim_schema::{Quirk, ReadContext, Tolerance};
    ///
    /// let tolerance = Tolerance::lenient();
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let text = r#"emails[type eq "work"].value eq bea@example.com"#;
    /// let filter = Filter::parse(text, &FilterLimits::default(), &mut read_context)?;
    /// assert_eq!(filter.to_string(), r#"emails[type eq "work" and value eq "bea@example.com"]"#);
    /// let quirks: Vec<_> = read_context.tolerated().iter().map(|tolerated| tolerated.quirk).collect();
    /// assert_eq!(quirks, [Quirk::ComparedValuePath, Quirk::UnquotedLiteral]);
    /// # Ok::<(), scim_filter::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text does not conform to RFC 7644 figure 1 and the deviation is not tolerated, or if it exceeds a limit.
    pub fn parse(
        text: &str,
        limits: &FilterLimits,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Self, ParseError> {
        Parser::new("filter", ScimType::InvalidFilter, limits, read_context).parse_all(text, Parser::filter)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, &FilterLimits::default(), &mut ReadContext::new(&Tolerance::strict()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
