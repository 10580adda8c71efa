//! Printing filters with as few parentheses as possible.

use std::fmt::{self, Display, Write};
use std::ops::Range;

use serde::{Serialize, Serializer};

use crate::ast::{CompareOp, Connective, Filter, Literal};

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, f)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => f.write_str(&serde_json::to_string(&**text).map_err(|_| fmt::Error)?),
        }
    }
}

/// A part of a filter that an error can point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodePart {
    Path,
    Operator,
    Value,
}

/// The printed filter, and the range in it of one part of one node.
pub(crate) fn print_with_span(filter: &Filter, node: &Filter, part: NodePart) -> (String, Range<usize>) {
    let mut out = SpanRecorder { text: String::new(), node, part, span: 0..0 };
    // Writing to a string does not fail.
    let _ = print(filter, &mut out);
    (out.text, out.span)
}

/// The destination of a printed filter.
trait Printer: Write {
    /// Prints one part of a node.
    fn part(&mut self, _node: &Filter, _part: NodePart, text: &dyn Display) -> fmt::Result {
        write!(self, "{text}")
    }
}

impl Printer for fmt::Formatter<'_> {}

/// Records the range at which one part is printed.
struct SpanRecorder<'a> {
    text: String,
    node: &'a Filter,
    part: NodePart,
    span: Range<usize>,
}

impl Write for SpanRecorder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

impl Printer for SpanRecorder<'_> {
    fn part(&mut self, node: &Filter, part: NodePart, text: &dyn Display) -> fmt::Result {
        let start = self.text.len();
        write!(self.text, "{text}")?;
        if std::ptr::eq(node, self.node) && part == self.part {
            self.span = start..self.text.len();
        }
        Ok(())
    }
}

fn print<P: Printer>(filter: &Filter, out: &mut P) -> fmt::Result {
    match filter {
        Filter::And(operands) => print_all(operands, Connective::And, out),
        Filter::Or(operands) => print_all(operands, Connective::Or, out),
        Filter::Not(inner) => {
            out.write_str("not (")?;
            print(inner, out)?;
            out.write_char(')')
        }
        Filter::Present(path) => {
            out.part(filter, NodePart::Path, path)?;
            out.write_str(" pr")
        }
        Filter::Compare { path, op, value } => {
            out.part(filter, NodePart::Path, path)?;
            out.write_char(' ')?;
            out.part(filter, NodePart::Operator, op)?;
            out.write_char(' ')?;
            out.part(filter, NodePart::Value, value)
        }
        Filter::Complex { path, filter: inner } => {
            out.part(filter, NodePart::Path, path)?;
            out.write_char('[')?;
            print(inner, out)?;
            out.write_char(']')
        }
    }
}

fn print_all<P: Printer>(operands: &[Filter], connective: Connective, out: &mut P) -> fmt::Result {
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            write!(out, " {} ", connective.as_str())?;
        }
        // `and` binds tighter than `or`. The parser never nests a chain in a chain of its own kind, but such a tree
        // is printed with parentheses too.
        let grouped = match operand {
            Filter::Or(_) => true,
            Filter::And(_) => connective == Connective::And,
            _ => false,
        };
        if grouped {
            out.write_char('(')?;
        }
        print(operand, out)?;
        if grouped {
            out.write_char(')')?;
        }
    }
    Ok(())
}
