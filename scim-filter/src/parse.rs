//! Reading filters (RFC 7644 figure 1) and the paths of PATCH operations (figure 7).
//!
//! One pass, no backtracking: each function takes what is left of the text and returns what is
//! left after it. Recursion is as deep as parentheses and brackets are.

use std::borrow::Cow;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take};
use nom::character::complete::{char, space0};
use nom::combinator::{peek, value};
use nom::sequence::delimited;
use nom::{Finish, IResult, Parser as _};
use scim_schema::{AttrPath, Quirk, Reading, ScimType, Tolerance};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Number;

use crate::ast::{CompareOp, Connective, Filter, Literal};
use crate::error::Shortened;
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::Limits;
use crate::literal::{is_blank, lex, next, run, string, token};
use crate::path::PatchPath;

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

/// Reads the path of a PATCH operation.
pub(crate) fn patch_path(
    text: &str,
    limits: &Limits,
    reading: &mut Reading<'_>,
) -> Result<PatchPath, ParseError> {
    Parser::new("path", ScimType::InvalidPath, limits, reading).whole(text, Parser::patch_path)
}

/// What is left of the text, and what was read; or what is wrong.
pub(crate) type Parsed<'a, T> = IResult<&'a str, T, Fault<'a>>;

/// What is wrong, where, and what was expected there.
pub(crate) struct Fault<'a>(Box<Wrong<'a>>);

struct Wrong<'a> {
    kind: Kind,
    /// The text from what is wrong to the end.
    rest: &'a str,
    /// How many bytes of it are wrong.
    length: usize,
    expected: Cow<'static, str>,
}

impl<'a> Fault<'a> {
    /// The failure to find what was expected, where something else is.
    pub(crate) fn at<T>(
        kind: Kind,
        rest: &'a str,
        wrong: &str,
        expected: impl Into<Cow<'static, str>>,
    ) -> Parsed<'a, T> {
        let wrong = Wrong { kind, rest, length: wrong.len(), expected: expected.into() };
        Err(nom::Err::Failure(Fault(Box::new(wrong))))
    }
}

struct Parser<'p, 't> {
    /// What is read, for reports.
    name: &'static str,
    /// The error keyword for what is wrong here.
    scim_type: ScimType,
    limits: &'p Limits,
    reading: &'p mut Reading<'t>,
    nesting: usize,
    terms: usize,
    in_value_path: bool,
    /// What has been read and is not yet part of a larger filter. The productions of filters leave
    /// theirs here, which is cheaper than handing it up through every level.
    operands: Vec<Filter>,
}

impl<'p, 't> Parser<'p, 't> {
    fn new(
        name: &'static str,
        scim_type: ScimType,
        limits: &'p Limits,
        reading: &'p mut Reading<'t>,
    ) -> Self {
        Self { name, scim_type, limits, reading, nesting: 0, terms: 0, in_value_path: false, operands: Vec::new() }
    }

    /// Reads the whole text, or says what is wrong with it.
    fn whole<'a, T>(
        mut self,
        text: &'a str,
        production: fn(&mut Self, &'a str) -> Parsed<'a, T>,
    ) -> Result<T, ParseError> {
        let limit = self.limits.length;
        if text.len() > limit {
            let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let beginning = text.get(..end).unwrap_or_default();
            let expected = format!("at most {limit} bytes").into();
            return Err(ParseError::new(Kind::Length, self.scim_type, beginning, end..end, expected));
        }
        match self.to_end(text, production).finish() {
            Ok((_, parsed)) => Ok(parsed),
            Err(Fault(wrong)) => {
                let start = text.len() - wrong.rest.len();
                let span = start..start + wrong.length;
                Err(ParseError::new(wrong.kind, self.scim_type, text, span, wrong.expected))
            }
        }
    }

    fn to_end<'a, T>(
        &mut self,
        text: &'a str,
        production: fn(&mut Self, &'a str) -> Parsed<'a, T>,
    ) -> Parsed<'a, T> {
        let (rest, _) = self.blanks(text, 0)?;
        let (rest, parsed) = production(self, rest)?;
        let (rest, _) = self.blanks(rest, 0)?;
        match rest {
            "" => Ok((rest, parsed)),
            _ if self.scim_type == ScimType::InvalidPath => {
                Fault::at(Kind::Connective, rest, token(rest), "the end")
            }
            _ => Fault::at(Kind::Connective, rest, token(rest), "`and`, `or` or the end"),
        }
    }

    /// Reads blanks, of which the grammar allows so many: the number of them.
    #[inline]
    fn blanks<'a>(&mut self, input: &'a str, allowed: usize) -> Parsed<'a, usize> {
        let (rest, blanks) = run(input, is_blank);
        if blanks.len() > allowed {
            self.extra_blanks(input, blanks, allowed)?;
        }
        Ok((rest, blanks.len()))
    }

    #[cold]
    fn extra_blanks<'a>(&mut self, input: &'a str, blanks: &'a str, allowed: usize) -> Parsed<'a, ()> {
        if self.reading.tolerates(Quirk::ExtraBlanks, self.name) {
            return Ok((input, ()));
        }
        let expected = if allowed == 0 { "no blank" } else { "a single blank" };
        Fault::at(Kind::Blank, input, blanks, expected)
    }

    /// A filter, taken off the operands.
    fn filter<'a>(&mut self, input: &'a str) -> Parsed<'a, Filter> {
        let (rest, ()) = self.expression(input)?;
        self.top(rest)
    }

    fn top<'a>(&mut self, rest: &'a str) -> Parsed<'a, Filter> {
        match self.operands.pop() {
            Some(filter) => Ok((rest, filter)),
            None => Fault::at(Kind::Attribute, rest, "", "a filter"),
        }
    }

    /// `attrExp`s, groups and value paths with `and` and `or` between them. `and` binds tighter.
    fn expression<'a>(&mut self, mut input: &'a str) -> Parsed<'a, ()> {
        let any = self.operands.len();
        let mut all = any;
        loop {
            let (rest, ()) = self.term(input)?;
            let (rest, connective) = self.connective(rest)?;
            input = rest;
            if connective != Some(Connective::And) {
                self.combine(all, Connective::And);
                all = self.operands.len();
            }
            if connective.is_none() {
                self.combine(any, Connective::Or);
                return Ok((input, ()));
            }
        }
    }

    /// Makes one filter of the operands from an index on.
    #[inline]
    fn combine(&mut self, from: usize, connective: Connective) {
        if self.operands.len() > from + 1 {
            let filter = connective.join(self.operands.drain(from..));
            self.operands.push(filter);
        }
    }

    /// Makes a larger filter of the last operand.
    fn wrap(&mut self, wrap: impl FnOnce(Box<Filter>) -> Filter) {
        if let Some(filter) = self.operands.pop() {
            self.operands.push(wrap(Box::new(filter)));
        }
    }

    /// `and` or `or` with its blanks; nothing at the end of the text or before a closing bracket.
    #[inline]
    fn connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let or = value(Connective::Or, tag_no_case(" or "));
        let and = value(Connective::And, tag_no_case(" and "));
        match lex(input, alt((or, and))) {
            Some((rest, connective)) if next(rest) != b' ' => Ok((rest, Some(connective))),
            None if matches!(next(input), 0 | b')' | b']') => Ok((input, None)),
            _ => self.irregular_connective(input),
        }
    }

    /// The same, with blanks that are missing or too many.
    #[cold]
    fn irregular_connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let (rest, _) = run(input, is_blank);
        let at_end = matches!(next(rest), 0 | b')' | b']');
        let (rest, blanks) = self.blanks(input, usize::from(!at_end))?;
        if at_end {
            return Ok((rest, None));
        }
        let (end, word) = run(rest, is_path_byte);
        let Some(connective) = Connective::from_word(word).filter(|_| blanks > 0) else {
            let close = if self.in_value_path { "`]`" } else if self.nesting > 0 { "`)`" } else { "the end" };
            let expected = format!("`and`, `or` or {close}");
            return Fault::at(Kind::Connective, rest, token(rest), expected);
        };
        let (rest, blanks) = self.blanks(end, 1)?;
        if blanks == 0 && !rest.is_empty() {
            return Fault::at(Kind::Blank, rest, "", format!("a blank after `{}`", connective.as_str()));
        }
        Ok((rest, Some(connective)))
    }

    /// A group, a negated group, a value path or an `attrExp`.
    fn term<'a>(&mut self, input: &'a str) -> Parsed<'a, ()> {
        match next(input) {
            b'(' => return self.nested(input, ')'),
            b'n' | b'N' => {
                if let Some((group, _)) = lex(input, (tag_no_case("not"), space0, peek(char('(')))) {
                    self.blanks(input.get(3..).unwrap_or_default(), 1)?;
                    let (rest, ()) = self.nested(group, ')')?;
                    self.wrap(Filter::Not);
                    return Ok((rest, ()));
                }
            }
            _ => {}
        }
        let (rest, path) = attribute(input, "an attribute, `not` or `(`")?;
        if next(rest) == b'[' { self.value_path(path, rest) } else { self.comparison(path, input, rest) }
    }

    /// A filter between brackets.
    fn nested<'a>(&mut self, input: &'a str, close: char) -> Parsed<'a, ()> {
        let limit = self.limits.nesting.min(Limits::MAX_NESTING);
        if self.nesting >= limit {
            let expected = format!("at most {limit} levels of parentheses and brackets");
            return Fault::at(Kind::Nesting, input, "(", expected);
        }
        self.nesting += 1;
        let (rest, _) = self.blanks(input.get(1..).unwrap_or_default(), 0)?;
        let (rest, ()) = self.expression(rest)?;
        self.nesting -= 1;
        match rest.strip_prefix(close) {
            Some(rest) => Ok((rest, ())),
            None => Fault::at(Kind::Bracket, rest, token(rest), format!("`and`, `or` or `{close}`")),
        }
    }

    /// The brackets of a value path, and what may follow: `.value eq "x"` or ` eq "x"`, which is one
    /// more condition on the same element.
    fn value_path<'a>(&mut self, path: AttrPath, input: &'a str) -> Parsed<'a, ()> {
        let from = self.operands.len();
        let (mut rest, ()) = self.brackets(input)?;
        if is_compared(rest) {
            if !self.reading.tolerates(Quirk::ComparedValuePath, &path) {
                return Fault::at(Kind::ComparedValuePath, rest, token(rest), "`and`, `or` or the end");
            }
            let (operator, sub) = match rest.strip_prefix('.') {
                Some(after) => attribute(after, "a sub-attribute")?,
                None => (rest, attribute("value", "")?.1),
            };
            (rest, ()) = self.comparison(sub, rest, operator)?;
            self.combine(from, Connective::And);
        }
        self.wrap(|filter| Filter::Complex { path, filter });
        Ok((rest, ()))
    }

    fn brackets<'a>(&mut self, input: &'a str) -> Parsed<'a, ()> {
        if self.in_value_path {
            return Fault::at(Kind::NestedValuePath, input, "[", "no value path inside a value path");
        }
        self.in_value_path = true;
        let (rest, ()) = self.nested(input, ']')?;
        self.in_value_path = false;
        Ok((rest, ()))
    }

    /// An operator and what follows it; the attribute, which begins at `start`, has been read.
    fn comparison<'a>(&mut self, path: AttrPath, start: &'a str, input: &'a str) -> Parsed<'a, ()> {
        self.terms += 1;
        if self.terms > self.limits.terms {
            let expected = format!("at most {} comparisons", self.limits.terms);
            return Fault::at(Kind::Terms, start, token(start), expected);
        }
        let (rest, op) = self.operator(&path, input)?;
        let Some(op) = op else {
            self.operands.push(Filter::Present(path));
            return Ok((rest, ()));
        };
        let (rest, value) = self.literal(&path, op, rest)?;
        self.operands.push(Filter::Compare { path, op, value });
        Ok((rest, ()))
    }

    /// An operator with the blanks around it; none for `pr`, which has no blank behind it.
    #[inline]
    fn operator<'a>(&mut self, path: &AttrPath, input: &'a str) -> Parsed<'a, Option<CompareOp>> {
        let operator = delimited(char(' '), take(2_usize), char(' ')).map_opt(CompareOp::from_word);
        match lex(input, operator) {
            Some((rest, op)) if next(rest) != b' ' => Ok((rest, Some(op))),
            _ => self.irregular_operator(path, input),
        }
    }

    /// The same, with blanks that are missing or too many.
    fn irregular_operator<'a>(&mut self, path: &AttrPath, input: &'a str) -> Parsed<'a, Option<CompareOp>> {
        let (operator, blanks) = self.blanks(input, 1)?;
        let (rest, word) = run(operator, is_path_byte);
        if blanks > 0 && word.eq_ignore_ascii_case("pr") {
            return Ok((rest, None));
        }
        let Some(op) = CompareOp::from_word(word.as_bytes()).filter(|_| blanks > 0) else {
            let expected = match path.as_str() {
                not if not.eq_ignore_ascii_case("not") => "`(` after `not`".to_owned(),
                path => format!("an operator after `{}`", Shortened(path)),
            };
            return Fault::at(Kind::Operator, operator, token(operator), expected);
        };
        let (rest, blanks) = self.blanks(rest, 1)?;
        if blanks == 0 && next(rest) == b'"' && !self.reading.tolerates(Quirk::MissingBlank, path) {
            return Fault::at(Kind::Blank, rest, "", format!("a blank after `{op}`"));
        }
        Ok((rest, Some(op)))
    }

    #[inline]
    fn literal<'a>(&mut self, path: &AttrPath, op: CompareOp, input: &'a str) -> Parsed<'a, Literal> {
        if next(input) == b'"' {
            let (rest, text) = string(input)?;
            return Ok((rest, Literal::String(text)));
        }
        let (rest, word) = run(input, is_word_byte);
        match self.unquoted(word, path).filter(|_| matches!(next(rest), 0 | b' ' | b')' | b']')) {
            Some(literal) => Ok((rest, literal)),
            None => {
                let expected = format!("a quoted string, a number, true, false or null after `{op}`");
                Fault::at(Kind::Literal, input, token(input), expected)
            }
        }
    }

    /// A literal without quotes.
    fn unquoted(&mut self, word: &str, path: &AttrPath) -> Option<Literal> {
        const KEYWORDS: [(&str, Literal); 3] =
            [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)];
        if let Some((keyword, literal)) = KEYWORDS.into_iter().find(|(k, _)| k.eq_ignore_ascii_case(word)) {
            let fits = keyword == word || self.reading.tolerates(Quirk::LiteralCase, path);
            return fits.then_some(literal);
        }
        if let Ok(number) = word.parse::<Number>() {
            return Some(Literal::Number(number));
        }
        // A forgotten literal must not swallow the word behind it.
        let reserved = ["", "and", "or", "not"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved));
        let bare = !reserved && self.reading.tolerates(Quirk::UnquotedLiteral, path);
        bare.then(|| Literal::String(word.into()))
    }

    /// `attrPath`, or `valuePath` with an optional sub-attribute.
    fn patch_path<'a>(&mut self, input: &'a str) -> Parsed<'a, PatchPath> {
        let (rest, path) = attribute(input, "an attribute")?;
        let Some(inside) = rest.strip_prefix('[') else { return Ok((rest, PatchPath::Attribute(path))) };

        self.scim_type = ScimType::InvalidFilter;
        let (rest, ()) = self.brackets(rest).map_err(|error| {
            // Brackets that are not closed, or in which nothing begins like a filter, are a
            // malformed path, not a malformed filter.
            if let nom::Err::Failure(Fault(wrong)) = &error
                && (wrong.rest.len() == inside.trim_start_matches(' ').len()
                    || wrong.kind == Kind::Bracket && self.nesting == 0)
            {
                self.scim_type = ScimType::InvalidPath;
            }
            error
        })?;
        self.scim_type = ScimType::InvalidPath;
        let (rest, filter) = self.top(rest)?;

        let Some(after) = rest.strip_prefix('.') else {
            return Ok((rest, PatchPath::Value { path, filter, sub: None }));
        };
        let (rest, sub) = attribute(after, "a sub-attribute")?;
        if sub.uri().is_some() || sub.sub_attribute().is_some() {
            return Fault::at(Kind::Attribute, after, sub.as_str(), "a sub-attribute");
        }
        Ok((rest, PatchPath::Value { path, filter, sub: Some(sub.as_str().into()) }))
    }
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

/// Reads an attribute's path.
#[inline]
fn attribute<'a>(input: &'a str, expected: &'static str) -> Parsed<'a, AttrPath> {
    AttrPath::parse_prefix(input).or_else(|reason| {
        let (_, text) = run(input, is_path_byte);
        match text {
            "" => Fault::at(Kind::Attribute, input, token(input), expected),
            _ => Fault::at(Kind::Attribute, input, text, format!("{expected} ({reason})")),
        }
    })
}

/// What names, the URIs before them and the dots between them are made of.
fn is_path_byte(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'?'..=b'Z' | b'*'..=b';' | b'#'..=b'\'' | b'!' | b'=' | b'_' | b'~')
}

/// What a literal without quotes is made of.
fn is_word_byte(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'\\' | 0x7f)
}
