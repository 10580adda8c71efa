//! The paths of PATCH operations.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use scim_schema::{AttrPath, ReadContext, ScimType, Tolerance};

use crate::ast::Filter;
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::FilterLimits;
use crate::parse::{Parsed, Parser, SyntaxError, attribute};

/// What a PATCH operation changes (RFC 7644 figure 7).
///
/// Names compare without regard to case. `FromStr` accepts exactly the grammar, within the default [`FilterLimits`].
///
/// ```
/// use scim_filter::PatchPath;
///
/// let path: PatchPath = r#"emails[type eq "work"].value"#.parse()?;
/// let PatchPath::Value { path, filter, sub } = &path else { unreachable!() };
/// assert_eq!(path.as_str(), "emails");
/// assert_eq!(filter.to_string(), r#"type eq "work""#);
/// assert_eq!(sub.as_deref(), Some("value"));
/// # Ok::<(), scim_filter::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub enum PatchPath {
    /// An attribute or a sub-attribute: `name.familyName`.
    Attribute(AttrPath),
    /// The elements of an attribute that satisfy a filter, or one sub-attribute of each.
    Value {
        /// The attribute.
        path: AttrPath,
        /// A filter over its sub-attributes; see [`Filter::resolve_value_path`].
        filter: Filter,
        /// The sub-attribute after the brackets.
        sub: Option<Box<str>>,
    },
}

impl PatchPath {
    /// Parses a path from its whole text.
    ///
    /// ```
    /// use scim_filter::{FilterLimits, PatchPath};
    /// use scim_schema::{ReadContext, ScimType, Tolerance};
    ///
    /// let tolerance = Tolerance::lenient();
    /// let parse = |text| PatchPath::parse(text, &FilterLimits::default(), &mut ReadContext::new(&tolerance));
    /// assert!(matches!(parse("name.familyName"), Ok(PatchPath::Attribute(_))));
    /// assert_eq!(parse("/name/familyName").unwrap_err().scim_type(), ScimType::InvalidPath);
    /// assert_eq!(parse("emails[type is 1]").unwrap_err().scim_type(), ScimType::InvalidFilter);
    /// ```
    ///
    /// # Errors
    ///
    /// `invalidPath` if the text does not conform to RFC 7644 figure 7 or exceeds a limit; `invalidFilter` if the filter
    /// in the brackets does not conform to figure 1.
    pub fn parse(
        text: &str,
        limits: &FilterLimits,
        read_context: &mut ReadContext<'_>,
    ) -> Result<Self, ParseError> {
        Parser::new("path", ScimType::InvalidPath, limits, read_context).parse_all(text, Parser::patch_path)
    }
}

impl Parser<'_, '_> {
    /// `attrPath`, or `valuePath` with an optional sub-attribute.
    fn patch_path<'a>(&mut self, input: &'a str) -> Parsed<'a, PatchPath> {
        let (rest, path) = attribute(input, "an attribute")?;
        let rest = self.before_bracket(rest)?;
        let Some(inside) = rest.strip_prefix('[') else { return Ok((rest, PatchPath::Attribute(path))) };

        self.scim_type = ScimType::InvalidFilter;
        let rest = self.brackets(rest).inspect_err(|error| {
            // Brackets that are not closed, or in which nothing begins like a filter, are a
            // malformed path, not a malformed filter.
            let begins = inside.trim_start_matches(' ').len();
            if error.rest().len() == begins || error.kind() == Kind::Bracket && !self.is_nested() {
                self.scim_type = ScimType::InvalidPath;
            }
        })?;
        self.scim_type = ScimType::InvalidPath;
        let (rest, filter) = self.pop_operand(rest)?;

        let Some(after) = rest.strip_prefix('.') else {
            return Ok((rest, PatchPath::Value { path, filter, sub: None }));
        };
        let (rest, sub) = attribute(after, "a sub-attribute")?;
        if sub.uri().is_some() || sub.sub_attribute().is_some() {
            return Err(SyntaxError::new(Kind::Attribute, after, sub.as_str(), "a sub-attribute"));
        }
        Ok((rest, PatchPath::Value { path, filter, sub: Some(sub.as_str().into()) }))
    }
}

impl FromStr for PatchPath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, &FilterLimits::default(), &mut ReadContext::new(&Tolerance::strict()))
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path) => path.fmt(f),
            Self::Value { path, filter, sub } => {
                write!(f, "{path}[{filter}]")?;
                sub.iter().try_for_each(|sub| write!(f, ".{sub}"))
            }
        }
    }
}

impl PatchPath {
    /// The parts, with names in the form that is compared.
    fn parts(&self) -> (&AttrPath, Option<(&Filter, Option<String>)>) {
        match self {
            Self::Attribute(path) => (path, None),
            Self::Value { path, filter, sub } => {
                (path, Some((filter, sub.as_deref().map(str::to_ascii_lowercase))))
            }
        }
    }
}

impl PartialEq for PatchPath {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for PatchPath {}

impl Hash for PatchPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}
