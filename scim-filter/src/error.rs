//! Errors of filters, with the position in the text.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::ops::Range;

use scim_schema::ScimType;

/// A filter, or the path of a PATCH operation, that cannot be parsed.
///
/// `{}` prints one line; `{:#}` adds the text with a caret below the error.
///
/// ```
/// use scim_filter::{Filter, ParseErrorKind};
///
/// let error = "userName eq \"bea\" und active eq true".parse::<Filter>().unwrap_err();
/// assert_eq!(error.kind(), ParseErrorKind::Connective);
/// assert_eq!(error.span(), 18..21);
/// assert_eq!(error.expected(), "`and`, `or` or the end");
/// assert_eq!(error.to_string(), "at character 19: expected `and`, `or` or the end, found `und`");
/// assert_eq!(error.caret(), "\
/// userName eq \"bea\" und active eq true
///                   ^^^");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(Box<ParseErrorInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ParseErrorInner {
    kind: ParseErrorKind,
    scim_type: ScimType,
    excerpt: Excerpt,
    expected: Cow<'static, str>,
}

/// The kind of error in the text of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text is longer than the limit.
    Length,
    /// Parentheses and brackets are nested deeper than the limit.
    Nesting,
    /// There are more comparisons and presence tests than the limit.
    Terms,
    /// An attribute is missing or malformed.
    Attribute,
    /// An operator is missing or unknown.
    Operator,
    /// A value is missing or malformed.
    Literal,
    /// A space is missing, or there is one too many.
    Blank,
    /// A parenthesis or bracket is missing.
    Bracket,
    /// Something else follows where `and`, `or` or the end is expected.
    Connective,
    /// A value path is inside another value path.
    NestedValuePath,
    /// A comparison follows a value path.
    ComparedValuePath,
}

impl ParseError {
    pub(crate) fn new(
        kind: ParseErrorKind,
        scim_type: ScimType,
        input: &str,
        span: Range<usize>,
        expected: Cow<'static, str>,
    ) -> Self {
        let excerpt = Excerpt { input: input.into(), span };
        Self(Box::new(ParseErrorInner { kind, scim_type, excerpt, expected }))
    }

    /// The kind of the error.
    pub fn kind(&self) -> ParseErrorKind {
        self.0.kind
    }

    /// The `scimType` for the client: `invalidFilter`, or `invalidPath` outside the brackets of a PATCH path.
    pub fn scim_type(&self) -> ScimType {
        self.0.scim_type
    }

    /// The text that was parsed; if it is too long, its beginning.
    pub fn input(&self) -> &str {
        &self.0.excerpt.input
    }

    /// The byte range of the error; empty if something is missing there.
    pub fn span(&self) -> Range<usize> {
        self.0.excerpt.span.clone()
    }

    /// What the parser expected there.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// The text, or the relevant part of a long text, with carets below the error.
    pub fn caret(&self) -> String {
        self.0.excerpt.caret()
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let excerpt = &self.0.excerpt;
        write!(f, "at character {}: expected {}", excerpt.character(), self.0.expected)?;
        match excerpt.marked() {
            "" if self.0.kind == ParseErrorKind::Length => {}
            "" if excerpt.is_at_end() => f.write_str(", found the end")?,
            "" => {}
            // A value is not repeated: it may belong to an attribute that is never returned.
            _ if self.0.kind == ParseErrorKind::Literal => {}
            text if text.trim_start_matches(' ').is_empty() => {}
            text if text.starts_with('"') => f.write_str(", found a quoted string")?,
            text => write!(f, ", found `{}`", Shortened(text))?,
        }
        excerpt.alternate(f)
    }
}

impl std::error::Error for ParseError {}

/// A filter that does not fit the resource type.
///
/// Like [`ParseError`]; the text is the printed filter.
///
/// ```
/// use scim_filter::{Filter, ResolveErrorKind};
/// use scim_schema::{ReadContext, Tolerance, standard};
///
/// let tolerance = Tolerance::lenient();
/// let filter: Filter = "title pr and active gt true".parse()?;
/// let error = filter.resolve(&standard::user_type(), &mut ReadContext::new(&tolerance)).unwrap_err();
/// assert_eq!(error.kind(), ResolveErrorKind::Operator);
/// assert_eq!(format!("{error:#}"), "\
/// at character 21: `gt` does not fit `active`, which is boolean
/// title pr and active gt true
///                     ^^");
/// # Ok::<(), scim_filter::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveError(Box<ResolveErrorInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ResolveErrorInner {
    kind: ResolveErrorKind,
    excerpt: Excerpt,
    message: String,
}

/// The reason why a filter does not fit a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResolveErrorKind {
    /// The resource type does not have the attribute.
    UnknownAttribute,
    /// The attribute is complex and has no `value`, so the filter must name one of its sub-attributes.
    ComplexAttribute,
    /// The attribute has no elements for a value path to select.
    ValuePath,
    /// The operator does not fit the type of the attribute.
    Operator,
    /// The value does not fit the type of the attribute.
    Literal,
    /// The attribute is never returned, so a filter must not reveal its values.
    Sensitive,
}

impl ResolveError {
    pub(crate) fn new(kind: ResolveErrorKind, input: &str, span: Range<usize>, message: String) -> Self {
        let excerpt = Excerpt { input: input.into(), span };
        Self(Box::new(ResolveErrorInner { kind, excerpt, message }))
    }

    /// The reason why the filter does not fit.
    pub fn kind(&self) -> ResolveErrorKind {
        self.0.kind
    }

    /// The `scimType` for the client: `invalidFilter`, or `sensitive` with status 403 (RFC 7644 section 7.5.2).
    pub fn scim_type(&self) -> ScimType {
        match self.0.kind {
            ResolveErrorKind::Sensitive => ScimType::Sensitive,
            _ => ScimType::InvalidFilter,
        }
    }

    /// The printed filter; for a sensitive attribute only its path, without the value.
    pub fn input(&self) -> &str {
        &self.0.excerpt.input
    }

    /// The byte range that does not fit.
    pub fn span(&self) -> Range<usize> {
        self.0.excerpt.span.clone()
    }

    /// The text, or the relevant part of a long text, with carets below what does not fit.
    pub fn caret(&self) -> String {
        self.0.excerpt.caret()
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let excerpt = &self.0.excerpt;
        write!(f, "at character {}: {}", excerpt.character(), self.0.message)?;
        excerpt.alternate(f)
    }
}

impl std::error::Error for ResolveError {}

/// A text, and the part of it that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    input: Box<str>,
    span: Range<usize>,
}

impl Excerpt {
    /// The number of characters that are shown on each side.
    const CONTEXT: usize = 40;

    fn before(&self) -> &str {
        self.input.get(..self.span.start).unwrap_or(&self.input)
    }

    fn marked(&self) -> &str {
        self.input.get(self.span.clone()).unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.span.start >= self.input.len()
    }

    /// The position, counted from 1.
    fn character(&self) -> usize {
        self.before().chars().count() + 1
    }

    fn caret(&self) -> String {
        let (mut text, mut carets) = (String::new(), String::new());
        let skipped = self.before().chars().count().saturating_sub(Self::CONTEXT);
        let shown = Self::CONTEXT.saturating_mul(2);
        if skipped > 0 {
            text.push('…');
            carets.push(' ');
        }
        let mut rest = self.input.char_indices().skip(skipped);
        for (at, c) in rest.by_ref().take(shown) {
            // A control character would shift the carets.
            text.push(if c.is_control() { ' ' } else { c });
            if at < self.span.start {
                carets.push(' ');
            } else if at < self.span.end {
                carets.push('^');
            }
        }
        if rest.next().is_some() {
            text.push('…');
        }
        if !carets.contains('^') {
            carets.push('^');
        }
        format!("{text}\n{carets}")
    }

    fn alternate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { write!(f, "\n{}", self.caret()) } else { Ok(()) }
    }
}

/// Text from a client for use in a message: cut if it is long, and without control characters.
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        for (index, c) in self.0.chars().enumerate() {
            match c {
                _ if index == SHOWN => return f.write_char('…'),
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
