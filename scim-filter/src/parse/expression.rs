//! Parses expressions: comparisons, groups and value paths, joined by `and`, `or` and `not`.

use nom::branch::alt;
use nom::bytes::complete::tag_no_case;
use nom::character::complete::{char, space0};
use nom::combinator::{peek, value};
use nom::sequence::delimited;
use scim_schema::{AttrPath, Quirk};

use super::parser::Parser;
use super::token::{
    Parsed, Rest, SyntaxError, at_close, first_byte, is_blank, is_path_byte, match_start, take_bytes_while,
    token_at,
};
use crate::ast::{CompareOp, Connective, Filter};
use crate::error::ParseErrorKind as Kind;

impl Parser<'_, '_> {
    /// A filter, taken off the operands.
    pub(crate) fn filter<'a>(&mut self, input: &'a str) -> Parsed<'a, Filter> {
        let rest = self.expression(input)?;
        self.pop_operand(rest)
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

    /// `and` or `or` with its spaces; nothing if only spaces are left.
    #[inline]
    fn connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let and = value(Connective::And, tag_no_case("and"));
        let or = value(Connective::Or, tag_no_case("or"));
        match match_start(input, delimited(char(' '), alt((and, or)), char(' '))) {
            Some((rest, connective)) if first_byte(rest) != b' ' => Ok((rest, Some(connective))),
            _ => self.irregular_connective(input),
        }
    }

    /// The same, with missing or additional spaces.
    #[inline(never)]
    fn irregular_connective<'a>(&mut self, input: &'a str) -> Parsed<'a, Option<Connective>> {
        let (word, blanks) = take_bytes_while(input, is_blank);
        if at_close(word) {
            return Ok((self.blanks(input, 0)?, None));
        }
        let (end, name) = take_bytes_while(word, is_path_byte);
        let Some(connective) = Connective::from_word(name).filter(|_| !blanks.is_empty()) else {
            let end = if self.in_value_path {
                "`]`"
            } else if self.is_nested() {
                "`)`"
            } else {
                "the end"
            };
            return Err(SyntaxError::new(
                Kind::Connective,
                word,
                token_at(word),
                format!("`and`, `or` or {end}"),
            ));
        };
        self.blanks(input, 1)?;
        let rest = self.blanks(end, 1)?;
        if rest.len() == end.len() && !rest.is_empty() {
            return Err(SyntaxError::new(
                Kind::Blank,
                rest,
                "",
                format!("a space after `{}`", connective.as_str()),
            ));
        }
        Ok((rest, Some(connective)))
    }

    /// A group, a negated group, a value path or an `attrExp`.
    #[inline(always)]
    fn term<'a>(&mut self, input: &'a str) -> Rest<'a> {
        match first_byte(input) {
            b'(' => self.nested(input, b')'),
            b'n' | b'N' if is_negation(input) => self.negation(input),
            b'n' | b'N'
                if is_bare_negation(input) && self.read_context.allow_quirk(Quirk::BareNot, self.name) =>
            {
                self.bare_negation(input)
            }
            _ => {
                let Ok((rest, path)) = AttrPath::parse_prefix(input) else {
                    return Err(no_attribute(input, "an attribute, `not` or `(`"));
                };
                let rest = self.before_bracket(rest)?;
                if first_byte(rest) == b'[' {
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
            Some(after) if first_byte(rest) == close => Ok(after),
            _ => Err(unclosed(rest, close)),
        }
    }

    #[inline(never)]
    fn negation<'a>(&mut self, input: &'a str) -> Rest<'a> {
        let group = self.blanks(input.get(3..).unwrap_or_default(), 1)?;
        let rest = self.nested(group, b')')?;
        self.wrap_last(Filter::Not);
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
        self.wrap_last(Filter::Not);
        Ok(rest)
    }

    /// Skips spaces before a bracket, where the grammar has none.
    #[inline]
    pub(crate) fn before_bracket<'a>(&mut self, input: &'a str) -> Rest<'a> {
        match input.as_bytes() {
            [b' ', b' ' | b'[', ..] if input.trim_start_matches(' ').starts_with('[') => {
                self.blanks(input, 0)
            }
            _ => Ok(input),
        }
    }

    /// The brackets of a value path, and what may follow: `.value eq "x"` or ` eq "x"`, which adds one
    /// more condition on the same element.
    #[inline(never)]
    fn value_path<'a>(&mut self, path: AttrPath, input: &'a str) -> Rest<'a> {
        let from = self.operands.len();
        let mut rest = self.brackets(input)?;
        if is_compared(rest) {
            if !self.read_context.allow_quirk(Quirk::ComparedValuePath, &path) {
                let expected = "`and`, `or` or the end";
                return Err(SyntaxError::new(Kind::ComparedValuePath, rest, token_at(rest), expected));
            }
            let (operator, sub) = match rest.strip_prefix('.') {
                Some(after) => attribute(after, "a sub-attribute")?,
                None => (rest, attribute("value", "")?.1),
            };
            rest = self.comparison(sub, rest, operator)?;
            self.combine(from, Connective::And);
        }
        self.wrap_last(|filter| Filter::Complex { path, filter });
        Ok(rest)
    }

    /// A filter in the brackets of a value path.
    pub(crate) fn brackets<'a>(&mut self, input: &'a str) -> Rest<'a> {
        if self.in_value_path {
            return Err(SyntaxError::new(
                Kind::NestedValuePath,
                input,
                "[",
                "no value path inside a value path",
            ));
        }
        self.in_value_path = true;
        let rest = self.nested(input, b']')?;
        self.in_value_path = false;
        Ok(rest)
    }
}

#[cold]
fn unclosed(rest: &str, close: u8) -> SyntaxError<'_> {
    let expected = format!("`and`, `or` or `{}`", char::from(close));
    SyntaxError::new(Kind::Bracket, rest, token_at(rest), expected)
}

/// Whether `not` and an opening parenthesis come next.
fn is_negation(input: &str) -> bool {
    match_start(input, (tag_no_case("not"), space0, peek(char('(')))).is_some()
}

/// Whether `not` comes next with an expression behind it, and not as the name of an attribute.
fn is_bare_negation(input: &str) -> bool {
    let Some((rest, _)) = match_start(input, (tag_no_case("not"), char(' '), space0)) else { return false };
    let (_, word) = take_bytes_while(rest, is_path_byte);
    !word.is_empty() && !word.eq_ignore_ascii_case("pr") && CompareOp::from_word(word.as_bytes()).is_none()
}

/// Whether a comparison, not a connective, follows a value path.
fn is_compared(input: &str) -> bool {
    match first_byte(input) {
        b'.' => true,
        b' ' => {
            let (_, word) = take_bytes_while(input.trim_start_matches(' '), is_path_byte);
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
fn no_attribute<'a>(input: &'a str, expected: &'static str) -> SyntaxError<'a> {
    let (_, text) = take_bytes_while(input, is_path_byte);
    match AttrPath::parse(text) {
        Err(reason) if !text.is_empty() => {
            SyntaxError::new(Kind::Attribute, input, text, format!("{expected} ({reason})"))
        }
        _ => SyntaxError::new(Kind::Attribute, input, token_at(input), expected),
    }
}
