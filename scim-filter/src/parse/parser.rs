//! The state of a parser, which all productions use.

use scim_schema::{Quirk, ReadContext, ScimType};

use super::token::{Parsed, Rest, SyntaxError, first_byte, is_blank, take_bytes_while, token_at};
use crate::ast::{Connective, Filter};
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::FilterLimits;

/// The state of a parser.
pub(crate) struct Parser<'p, 't> {
    /// What is parsed, for reports of tolerated quirks.
    pub(super) name: &'static str,
    /// The `scimType` of errors.
    pub(crate) scim_type: ScimType,
    pub(crate) limits: &'p FilterLimits,
    pub(crate) read_context: &'p mut ReadContext<'t>,
    /// The number of brackets that may still be opened inside each other.
    pub(super) levels: usize,
    pub(crate) terms: usize,
    pub(super) in_value_path: bool,
    /// The filters that are not yet part of a larger filter. Each production pushes its filter here, which is
    /// cheaper than returning it through every level.
    pub(crate) operands: Vec<Filter>,
}

impl<'p, 't> Parser<'p, 't> {
    pub(crate) fn new(
        name: &'static str,
        scim_type: ScimType,
        limits: &'p FilterLimits,
        read_context: &'p mut ReadContext<'t>,
    ) -> Self {
        Self {
            name,
            scim_type,
            limits,
            read_context,
            levels: limits.levels(),
            terms: 0,
            in_value_path: false,
            operands: Vec::new(),
        }
    }

    /// Parses a whole text with a production.
    pub(crate) fn parse_all<'a, T>(
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
        // An estimate, to avoid growing step by step: most terms are longer.
        self.operands = Vec::with_capacity(text.len() / 32 + 1);
        self.text(text, production).map_err(|error| {
            let wrong = error.into_inner();
            let start = text.len() - wrong.rest.len();
            ParseError::new(wrong.kind, self.scim_type, text, start..start + wrong.length, wrong.expected)
        })
    }

    fn text<'a, T>(
        &mut self,
        text: &'a str,
        production: impl FnOnce(&mut Self, &'a str) -> Parsed<'a, T>,
    ) -> Result<T, SyntaxError<'a>> {
        let rest = self.blanks(text, 0)?;
        let (rest, read) = production(self, rest)?;
        let rest = self.blanks(rest, 0)?;
        match (rest, self.scim_type) {
            ("", _) => Ok(read),
            (_, ScimType::InvalidPath) => {
                Err(SyntaxError::new(Kind::Connective, rest, token_at(rest), "the end"))
            }
            _ => Err(SyntaxError::new(Kind::Connective, rest, token_at(rest), "`and`, `or` or the end")),
        }
    }

    pub(crate) fn pop_operand<'a>(&mut self, rest: &'a str) -> Parsed<'a, Filter> {
        match self.operands.pop() {
            Some(filter) => Ok((rest, filter)),
            None => Err(SyntaxError::new(Kind::Attribute, rest, "", "a filter")),
        }
    }

    /// Skips spaces, of which the grammar allows this number.
    #[inline]
    pub(crate) fn blanks<'a>(&mut self, input: &'a str, allowed: usize) -> Rest<'a> {
        if first_byte(input) == b' ' { self.some_blanks(input, allowed) } else { Ok(input) }
    }

    #[inline(never)]
    fn some_blanks<'a>(&mut self, input: &'a str, allowed: usize) -> Rest<'a> {
        let (rest, blanks) = take_bytes_while(input, is_blank);
        if blanks.len() > allowed && !self.read_context.allow_quirk(Quirk::ExtraBlanks, self.name) {
            let expected = if allowed == 0 { "no blank" } else { "a single blank" };
            return Err(SyntaxError::new(Kind::Blank, input, blanks, expected));
        }
        Ok(rest)
    }

    /// Joins the operands from an index on to one filter.
    #[inline]
    pub(super) fn combine(&mut self, from: usize, connective: Connective) {
        if self.operands.len() > from + 1 {
            self.join_operands(from, connective);
        }
    }

    #[inline(never)]
    pub(super) fn join_operands(&mut self, from: usize, connective: Connective) {
        let operands = match from {
            0 => std::mem::take(&mut self.operands),
            _ => self.operands.split_off(from),
        };
        self.operands.push(connective.join(operands));
    }

    /// Replaces the last operand by a filter that contains it.
    pub(super) fn wrap_last(&mut self, wrap: impl FnOnce(Box<Filter>) -> Filter) {
        if let Some(filter) = self.operands.pop() {
            self.operands.push(wrap(Box::new(filter)));
        }
    }

    /// Whether a bracket is open.
    pub(crate) fn is_nested(&self) -> bool {
        self.levels < self.limits.levels()
    }

    #[cold]
    pub(super) fn too_deep<'a>(&self, input: &'a str) -> SyntaxError<'a> {
        let expected = format!("at most {} levels of parentheses and brackets", self.limits.levels());
        SyntaxError::new(Kind::Nesting, input, "(", expected)
    }
}
