//! Reading filters (RFC 7644 figure 1).
//!
//! One pass, no backtracking: each production takes what is left of the text and returns what is
//! left after it. Recursion is as deep as parentheses and brackets are. What the grammar says is
//! tried first; what deviates from it is looked at more closely, since it may be tolerated.

use std::borrow::Cow;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::tag_no_case;
use nom::character::complete::{char, space0};
use nom::combinator::{peek, value};
use nom::sequence::delimited;
use scim_schema::{AttrPath, Quirk, Reading, ScimType, Tolerance};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::ast::{CompareOp, Connective, Filter};
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::Limits;
use crate::token::{Fault, Parsed, Rest, at_close, is_blank, is_path_byte, lex, next, run, token};

impl Filter {
    /// Reads a filter from its whole text.
    ///
    /// Beyond the grammar, the reading may tolerate blanks that are missing or too many, literals
    /// without quotes or in other case, and a comparison behind a value path.
    ///
    /// ```
    /// use scim_filter::{Filter, Limits};
    /// use scim_schema::{Quirk, Reading, Tolerance};
    ///
    /// let tolerance = Tolerance::lenient();
    /// let mut reading = Reading::new(&tolerance);
    /// let text = r#"emails[type eq "work"].value eq bea@example.com"#;
    /// let filter = Filter::parse(text, &Limits::default(), &mut reading)?;
    /// assert_eq!(filter.to_string(), r#"emails[type eq "work" and value eq "bea@example.com"]"#);
    /// let quirks: Vec<_> = reading.fired().iter().map(|fired| fired.quirk).collect();
    /// assert_eq!(quirks, [Quirk::ComparedValuePath, Quirk::UnquotedLiteral]);
    /// # Ok::<(), scim_filter::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the text does not follow RFC 7644 figure 1 in a way that is not tolerated, or exceeds a
    /// limit.
    pub fn parse(text: &str, limits: &Limits, reading: &mut Reading<'_>) -> Result<Self, ParseError> {
        Parser::new("filter", ScimType::InvalidFilter, limits, reading).whole(text, Parser::filter)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text, &Limits::default(), &mut Reading::new(&Tolerance::strict()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The state of reading one text.
pub(crate) struct Parser<'p, 't> {
    /// What is read, for reports.
    name: &'static str,
    /// The error keyword for what is wrong here.
    pub(crate) scim_type: ScimType,
    pub(crate) limits: &'p Limits,
    pub(crate) reading: &'p mut Reading<'t>,
    /// How many more brackets may be opened inside each other.
    levels: usize,
    pub(crate) terms: usize,
    in_value_path: bool,
    /// What has been read and is not yet part of a larger filter. Each production leaves its filter
    /// here, which is cheaper than handing it up through every level.
    pub(crate) operands: Vec<Filter>,
}

impl<'p, 't> Parser<'p, 't> {
    pub(crate) fn new(
        name: &'static str,
        scim_type: ScimType,
        limits: &'p Limits,
        reading: &'p mut Reading<'t>,
    ) -> Self {
        Self {
            name,
            scim_type,
            limits,
            reading,
            levels: limits.levels(),
            terms: 0,
            in_value_path: false,
            operands: Vec::new(),
        }
    }

    /// Reads a whole text by a production, or says what is wrong with it.
    pub(crate) fn whole<'a, T>(
        &mut self,
        text: &'a str,
        production: impl FnOnce(&mut Self, &'a str) -> Parsed<'a, T>,
    ) -> Result<T, ParseError> {
        let limit = self.limits.length;
        if text.len() > limit {
            let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let beginning = text.get(..end).unwrap_or_default();
            let expected = format!("at most {limit} bytes").into();
            return Err(ParseError::new(Kind::Length, self.scim_type, beginning, end..end, expected));
        }
        // A guess, since growing step by step is slow: most terms are longer than this.
        self.operands = Vec::with_capacity(text.len() / 32 + 1);
        self.text(text, production).map_err(|fault| {
            let wrong = fault.into_inner();
            let start = text.len() - wrong.rest.len();
            ParseError::new(wrong.kind, self.scim_type, text, start..start + wrong.length, wrong.expected)
        })
    }

    fn text<'a, T>(
        &mut self,
        text: &'a str,
        production: impl FnOnce(&mut Self, &'a str) -> Parsed<'a, T>,
    ) -> Result<T, Fault<'a>> {
        let rest = self.blanks(text, 0)?;
        let (rest, read) = production(self, rest)?;
        let rest = self.blanks(rest, 0)?;
        match (rest, self.scim_type) {
            ("", _) => Ok(read),
            (_, ScimType::InvalidPath) => Err(Fault::new(Kind::Connective, rest, token(rest), "the end")),
            _ => Err(Fault::new(Kind::Connective, rest, token(rest), "`and`, `or` or the end")),
        }
    }

    /// A filter, taken off the operands.
    pub(crate) fn filter<'a>(&mut self, input: &'a str) -> Parsed<'a, Filter> {
        let rest = self.expression(input)?;
        self.taken(rest)
    }

    pub(crate) fn taken<'a>(&mut self, rest: &'a str) -> Parsed<'a, Filter> {
        match self.operands.pop() {
            Some(filter) => Ok((rest, filter)),
            None => Err(Fault::new(Kind::Attribute, rest, "", "a filter")),
        }
    }

    /// Reads blanks, of which the grammar allows so many.
    #[inline]
    pub(crate) fn blanks<'a>(&mut self, input: &'a str, allowed: usize) -> Rest<'a> {
        if next(input) == b' ' { self.some_blanks(input, allowed) } else { Ok(input) }
    }

    #[inline(never)]
    fn some_blanks<'a>(&mut self, input: &'a str, allowed: usize) -> Rest<'a> {
        let (rest, blanks) = run(input, is_blank);
        if blanks.len() > allowed && !self.reading.tolerates(Quirk::ExtraBlanks, self.name) {
            let expected = if allowed == 0 { "no blank" } else { "a single blank" };
            return Err(Fault::new(Kind::Blank, input, blanks, expected));
        }
        Ok(rest)
    }

    /// `attrExp`s, groups and value paths with `and` and `or` between them. `and` binds tighter.
    fn expression<'a>(&mut self, input: &'a str) -> Rest<'a> {
        let any = self.operands.len();
        let mut all = any;
        let mut rest = self.term(input)?;
        while !at_close(rest) {
            let connective;
            (rest, connective) = self.connective(rest)?;
            match connective {
                Some(Connective::And) => {}
                Some(Connective::Or) => {
                    self.combine(all, Connective::And);
                    all = self.operands.len();
                }
                None => break,
            }
            rest = self.term(rest)?;
        }
        self.combine(all, Connective::And);
        self.combine(any, Connective::Or);
        Ok(rest)
    }

    /// Makes one filter of the operands from an index on.
    #[inline]
    fn combine(&mut self, from: usize, connective: Connective) {
        if self.operands.len() > from + 1 {
            self.join(from, connective);
        }
    }

    #[inline(never)]
    fn join(&mut self, from: usize, connective: Connective) {
        let operands = match from {
            0 => std::mem::take(&mut self.operands),
            _ => self.operands.split_off(from),
        };
        self.operands.push(connective.join(operands));
    }

    /// Makes a larger filter of the last operand.
    fn wrap(&mut self, wrap: impl FnOnce(Box<Filter>) -> Filter) {
        if let Some(filter) = self.operands.pop() {
            self.operands.push(wrap(Box::new(filter)));
        }
    }

    /// `and` or `or` with its blanks; nothing if only blanks are left.
    #[inline]
    fn connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let and = value(Connective::And, tag_no_case("and"));
        let or = value(Connective::Or, tag_no_case("or"));
        match lex(input, delimited(char(' '), alt((and, or)), char(' '))) {
            Some((rest, connective)) if next(rest) != b' ' => Ok((rest, Some(connective))),
            _ => self.irregular_connective(input),
        }
    }

    /// The same, with blanks that are missing or too many.
    #[inline(never)]
    fn irregular_connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let (word, blanks) = run(input, is_blank);
        if at_close(word) {
            return Ok((self.blanks(input, 0)?, None));
        }
        let (end, name) = run(word, is_path_byte);
        let Some(connective) = Connective::from_word(name).filter(|_| !blanks.is_empty()) else {
            let end = if self.in_value_path {
                "`]`"
            } else if self.is_nested() {
                "`)`"
            } else {
                "the end"
            };
            return Err(Fault::new(Kind::Connective, word, token(word), format!("`and`, `or` or {end}")));
        };
        self.blanks(input, 1)?;
        let rest = self.blanks(end, 1)?;
        if rest.len() == end.len() && !rest.is_empty() {
            return Err(Fault::new(
                Kind::Blank,
                rest,
                "",
                format!("a blank after `{}`", connective.as_str()),
            ));
        }
        Ok((rest, Some(connective)))
    }

    /// A group, a negated group, a value path or an `attrExp`.
    #[inline(always)]
    fn term<'a>(&mut self, input: &'a str) -> Rest<'a> {
        match next(input) {
            b'(' => self.nested(input, b')'),
            b'n' | b'N' if is_negation(input) => self.negation(input),
            b'n' | b'N' if is_bare_negation(input) && self.reading.tolerates(Quirk::BareNot, self.name) => {
                self.bare_negation(input)
            }
            _ => {
                let Ok((rest, path)) = AttrPath::parse_prefix(input) else {
                    return Err(no_attribute(input, "an attribute, `not` or `(`"));
                };
                let rest = self.before_bracket(rest)?;
                if next(rest) == b'[' {
                    self.value_path(path, rest)
                } else {
                    self.comparison(path, input, rest)
                }
            }
        }
    }

    /// A filter between brackets.
    #[inline(always)]
    fn nested<'a>(&mut self, input: &'a str, close: u8) -> Rest<'a> {
        if self.levels == 0 {
            return Err(self.too_deep(input));
        }
        self.levels -= 1;
        let rest = self.blanks(input.get(1..).unwrap_or_default(), 0)?;
        let rest = self.expression(rest)?;
        self.levels += 1;
        match rest.get(1..) {
            Some(after) if next(rest) == close => Ok(after),
            _ => Err(unclosed(rest, close)),
        }
    }

    /// Whether a bracket is open.
    pub(crate) fn is_nested(&self) -> bool {
        self.levels < self.limits.levels()
    }

    #[cold]
    fn too_deep<'a>(&self, input: &'a str) -> Fault<'a> {
        let expected = format!("at most {} levels of parentheses and brackets", self.limits.levels());
        Fault::new(Kind::Nesting, input, "(", expected)
    }

    #[inline(never)]
    fn negation<'a>(&mut self, input: &'a str) -> Rest<'a> {
        let group = self.blanks(input.get(3..).unwrap_or_default(), 1)?;
        let rest = self.nested(group, b')')?;
        self.wrap(Filter::Not);
        Ok(rest)
    }

    /// `not` in front of a single expression.
    #[inline(never)]
    fn bare_negation<'a>(&mut self, input: &'a str) -> Rest<'a> {
        if self.levels == 0 {
            return Err(self.too_deep(input));
        }
        self.levels -= 1;
        let rest = self.blanks(input.get(3..).unwrap_or_default(), 1)?;
        let rest = self.term(rest)?;
        self.levels += 1;
        self.wrap(Filter::Not);
        Ok(rest)
    }

    /// Reads blanks before a bracket, where the grammar has none.
    #[inline]
    pub(crate) fn before_bracket<'a>(&mut self, input: &'a str) -> Rest<'a> {
        match input.as_bytes() {
            [b' ', b' ' | b'[', ..] if input.trim_start_matches(' ').starts_with('[') => {
                self.blanks(input, 0)
            }
            _ => Ok(input),
        }
    }

    /// The brackets of a value path, and what may follow: `.value eq "x"` or ` eq "x"`, which is one
    /// more condition on the same element.
    #[inline(never)]
    fn value_path<'a>(&mut self, path: AttrPath, input: &'a str) -> Rest<'a> {
        let from = self.operands.len();
        let mut rest = self.brackets(input)?;
        if is_compared(rest) {
            if !self.reading.tolerates(Quirk::ComparedValuePath, &path) {
                let expected = "`and`, `or` or the end";
                return Err(Fault::new(Kind::ComparedValuePath, rest, token(rest), expected));
            }
            let (operator, sub) = match rest.strip_prefix('.') {
                Some(after) => attribute(after, "a sub-attribute")?,
                None => (rest, attribute("value", "")?.1),
            };
            rest = self.comparison(sub, rest, operator)?;
            self.combine(from, Connective::And);
        }
        self.wrap(|filter| Filter::Complex { path, filter });
        Ok(rest)
    }

    /// A filter in the brackets of a value path.
    pub(crate) fn brackets<'a>(&mut self, input: &'a str) -> Rest<'a> {
        if self.in_value_path {
            return Err(Fault::new(Kind::NestedValuePath, input, "[", "no value path inside a value path"));
        }
        self.in_value_path = true;
        let rest = self.nested(input, b']')?;
        self.in_value_path = false;
        Ok(rest)
    }
}

#[cold]
fn unclosed(rest: &str, close: u8) -> Fault<'_> {
    let expected = format!("`and`, `or` or `{}`", char::from(close));
    Fault::new(Kind::Bracket, rest, token(rest), expected)
}

/// Whether `not` and an opening parenthesis come next.
fn is_negation(input: &str) -> bool {
    lex(input, (tag_no_case("not"), space0, peek(char('(')))).is_some()
}

/// Whether `not` comes next with an expression behind it, and not as the name of an attribute.
fn is_bare_negation(input: &str) -> bool {
    let Some((rest, _)) = lex(input, (tag_no_case("not"), char(' '), space0)) else { return false };
    let (_, word) = run(rest, is_path_byte);
    !word.is_empty() && !word.eq_ignore_ascii_case("pr") && CompareOp::from_word(word.as_bytes()).is_none()
}

/// Whether a comparison, not a connective, follows a value path.
fn is_compared(input: &str) -> bool {
    match next(input) {
        b'.' => true,
        b' ' => {
            let (_, word) = run(input.trim_start_matches(' '), is_path_byte);
            word.eq_ignore_ascii_case("pr") || CompareOp::from_word(word.as_bytes()).is_some()
        }
        _ => false,
    }
}

/// The path of an attribute.
pub(crate) fn attribute<'a>(input: &'a str, expected: &'static str) -> Parsed<'a, AttrPath> {
    AttrPath::parse_prefix(input).map_err(|_| no_attribute(input, expected))
}

#[cold]
fn no_attribute<'a>(input: &'a str, expected: &'static str) -> Fault<'a> {
    let (_, text) = run(input, is_path_byte);
    match AttrPath::parse(text) {
        Err(reason) if !text.is_empty() => {
            Fault::new(Kind::Attribute, input, text, format!("{expected} ({reason})"))
        }
        _ => Fault::new(Kind::Attribute, input, token(input), expected),
    }
}
