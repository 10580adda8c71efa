//! Parses comparisons: an operator and a literal.

use nom::Parser as _;
use nom::bytes::complete::take;
use nom::character::complete::char;
use nom::sequence::delimited;
use scim_schema::{AttrPath, Quirk};
use serde_json::Number;

use super::parser::Parser;
use super::token::{
    Parsed, Rest, SyntaxError, at_close, first_byte, is_path_byte, is_word_byte, match_start, string,
    take_bytes_while, token_at,
};
use crate::ast::{CompareOp, Filter, Literal};
use crate::error::{ParseErrorKind as Kind, Shortened};

impl Parser<'_, '_> {
    /// An operator and what follows it. The attribute, which begins at `start`, is parsed already.
    #[inline]
    pub(crate) fn comparison<'a>(&mut self, path: AttrPath, start: &'a str, input: &'a str) -> Rest<'a> {
        self.terms += 1;
        if self.terms > self.limits.terms {
            let expected = format!("at most {} comparisons", self.limits.terms);
            return Err(SyntaxError::new(Kind::Terms, start, token_at(start), expected));
        }
        let (rest, op) = self.operator(&path, input)?;
        let Some(op) = op else {
            self.operands.push(Filter::Present(path));
            return Ok(rest);
        };
        if first_byte(rest) == b'"' {
            let start = rest;
            let (rest, text) = string(rest)?;
            self.check_length(op, &text, start)?;
            self.operands.push(Filter::Compare { path, op, value: Literal::String(text) });
            return Ok(rest);
        }
        let (rest, value) = self.unquoted(&path, op, rest)?;
        self.operands.push(Filter::Compare { path, op, value });
        Ok(rest)
    }

    /// An operator with the spaces around it; `None` for `pr`, which needs no space after it.
    #[inline]
    fn operator<'a>(&mut self, path: &AttrPath, input: &'a str) -> Parsed<'a, Option<CompareOp>> {
        let operator = take(2_usize).map_opt(CompareOp::from_word);
        match match_start(input, delimited(char(' '), operator, char(' '))) {
            Some((rest, op)) if first_byte(rest) != b' ' => Ok((rest, Some(op))),
            _ => self.irregular_operator(path, input),
        }
    }

    /// `pr`, or an operator with missing or additional spaces.
    #[inline(never)]
    fn irregular_operator<'a>(&mut self, path: &AttrPath, input: &'a str) -> Parsed<'a, Option<CompareOp>> {
        let operator = self.blanks(input, 1)?;
        let (rest, word) = take_bytes_while(operator, is_path_byte);
        let separate = operator.len() < input.len();
        if separate && word.eq_ignore_ascii_case("pr") {
            return Ok((rest, None));
        }
        let Some(op) = CompareOp::from_word(word.as_bytes()).filter(|_| separate) else {
            let expected = match path.as_str() {
                not if not.eq_ignore_ascii_case("not") => "`(` after `not`".to_owned(),
                path => format!("an operator after `{}`", Shortened(path)),
            };
            return Err(SyntaxError::new(Kind::Operator, operator, token_at(operator), expected));
        };
        let literal = self.blanks(rest, 1)?;
        let joined = first_byte(rest) == b'"';
        if joined && !self.read_context.allow_quirk(Quirk::MissingBlank, path) {
            return Err(SyntaxError::new(Kind::Blank, rest, "", format!("a space after `{op}`")));
        }
        Ok((literal, Some(op)))
    }

    /// A literal without quotes.
    #[inline(never)]
    fn unquoted<'a>(&mut self, path: &AttrPath, op: CompareOp, input: &'a str) -> Parsed<'a, Literal> {
        let (rest, word) = take_bytes_while(input, is_word_byte);
        let ends = first_byte(rest) == b' ' || at_close(rest);
        if first_byte(rest) == b'\'' || word.contains(is_other_quote) {
            let expected = format!("a string in double quotes after `{op}`, as in `{op} \"x\"`");
            return Err(SyntaxError::new(Kind::Literal, input, token_at(input), expected));
        }
        match self.bare_word(word, path).filter(|_| ends) {
            Some(literal) => {
                if let Literal::String(text) = &literal {
                    self.check_length(op, text, input)?;
                }
                Ok((rest, literal))
            }
            None => {
                let expected = format!("a quoted string, a number, true, false or null after `{op}`");
                Err(SyntaxError::new(Kind::Literal, input, token_at(input), expected))
            }
        }
    }

    /// Refuses a string that is too long to search for.
    #[inline]
    fn check_length<'a>(&self, op: CompareOp, text: &str, start: &'a str) -> Result<(), SyntaxError<'a>> {
        let max = self.limits.operand;
        let searches = matches!(op, CompareOp::Co | CompareOp::Sw | CompareOp::Ew);
        if searches && text.len() > max && text.chars().count() > max {
            let expected = format!("at most {max} characters after `{op}`");
            return Err(SyntaxError::new(Kind::Literal, start, token_at(start), expected));
        }
        Ok(())
    }

    fn bare_word(&mut self, word: &str, path: &AttrPath) -> Option<Literal> {
        let keywords =
            [("true", Literal::Bool(true)), ("false", Literal::Bool(false)), ("null", Literal::Null)];
        if let Some((keyword, literal)) = keywords.into_iter().find(|(k, _)| k.eq_ignore_ascii_case(word)) {
            let fits = keyword == word || self.read_context.allow_quirk(Quirk::LiteralCase, path);
            return fits.then_some(literal);
        }
        if let Ok(number) = word.parse::<Number>() {
            return Some(Literal::Number(number));
        }
        // If the literal is missing, the word after it must not be taken for it.
        let reserved = ["", "and", "or", "not"].iter().any(|reserved| word.eq_ignore_ascii_case(reserved));
        let bare = !reserved && self.read_context.allow_quirk(Quirk::UnquotedLiteral, path);
        bare.then(|| Literal::String(word.into()))
    }
}

/// Whether a character is a typographic quotation mark, which word processors insert instead of `"`.
fn is_other_quote(c: char) -> bool {
    matches!(c, '`' | '´' | '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›' | '＂' | '＇')
}
