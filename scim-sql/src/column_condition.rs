//! Writing conditions on one column.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};
use serde_json::Value;

use crate::bind::{Bound, bound};
use crate::column::Trigrams;
use crate::mapping::Elements;
use crate::writer::Writer;
use crate::{Bind, Column, Cost, Dialect, Error};

impl Writer<'_> {
    pub(crate) fn constant(&mut self, holds: bool) -> Cost {
        self.push(if holds { "TRUE" } else { "FALSE" });
        Cost::Scan
    }

    pub(crate) fn assigned(&mut self, column: &Column) -> Cost {
        if column.nullable {
            self.push("(");
            self.push(column.compared());
            self.push(" IS NOT NULL)");
        } else {
            self.push("TRUE");
        }
        Cost::Scan
    }

    pub(crate) fn present(&mut self, target: &AttributeRef, column: &Column) -> Cost {
        if let Some(value) = column.constant_value() {
            return self.constant(value.as_str() != Some(""));
        }
        if target.comparison().prepare_text("").is_none() {
            return self.assigned(column);
        }
        self.push("(");
        self.not_null(column);
        self.push(column.compared());
        self.push(" <> '')");
        Cost::Scan
    }

    /// Begins a condition that is false where the column is NULL.
    fn not_null(&mut self, column: &Column) {
        if column.nullable {
            self.push(column.compared());
            self.push(" IS NOT NULL AND ");
        }
    }

    pub(crate) fn column_condition(
        &mut self,
        elements: &Elements,
        column: &Column,
        target: &AttributeRef,
        op: CompareOp,
        operand: &Operand,
    ) -> Result<Cost, Error> {
        if column.constant_value().is_some() {
            let predicate = Predicate::Compare { target: target.clone(), op, operand: operand.clone() };
            let name = target.definition().name();
            let holds = match target.sub_attribute_definition() {
                Some(_) => predicate.matches_element(&Value::Object(elements.constants.clone())),
                None => elements.constants.get(name).is_some_and(|value| predicate.matches_element(value)),
            };
            return Ok(self.constant(holds));
        }
        let Some(bound) = bound(column.kind, operand) else { return Ok(self.constant(op == CompareOp::Ne)) };
        Ok(match op {
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => self.substring(column, op, bound),
            _ => self.ordered(column, op, bound),
        })
    }

    /// `eq`, `ne` and the operators of order.
    fn ordered(&mut self, column: &Column, op: CompareOp, bound: Bound) -> Cost {
        // An operand between two values that the column can hold equals none of them.
        let (op, value) = match (op, bound) {
            (op, Bound::At(value)) => (op, value),
            (CompareOp::Ne, _) => return self.constant(true),
            (CompareOp::Gt | CompareOp::Ge, Bound::Above(value)) => (CompareOp::Gt, value),
            (CompareOp::Lt | CompareOp::Le, Bound::Above(value)) => (CompareOp::Le, value),
            (CompareOp::Gt | CompareOp::Ge, Bound::Below) => return self.assigned(column),
            _ => {
                self.constant(false);
                return Cost::Indexed;
            }
        };
        self.push("(");
        if op == CompareOp::Ne {
            if column.nullable {
                self.push(column.compared());
                self.push(" IS NULL OR ");
            }
        } else {
            self.not_null(column);
        }
        self.push(column.compared());
        let (word, ordered) = match op {
            CompareOp::Ne => (" <> ", false),
            CompareOp::Gt => (" > ", true),
            CompareOp::Ge => (" >= ", true),
            CompareOp::Lt => (" < ", true),
            CompareOp::Le => (" <= ", true),
            _ => (" = ", false),
        };
        if ordered && column.is_text() {
            self.push(self.dialect.bytewise());
        }
        self.push(word);
        self.value(column, value);
        self.push(")");
        Cost::from_indexed(column.indexed && op != CompareOp::Ne)
    }

    /// Binds a value of a column.
    pub(crate) fn value(&mut self, column: &Column, value: Bind) {
        if column.is_timestamp() {
            self.push("CAST(CAST(");
            self.bind(value);
            self.push(" AS text) AS timestamptz)");
        } else {
            self.bind(value);
        }
    }

    /// `co`, `sw` and `ew`.
    fn substring(&mut self, column: &Column, op: CompareOp, bound: Bound) -> Cost {
        let Bound::At(Bind::Text(text)) = bound else {
            self.constant(false);
            return Cost::Indexed;
        };
        if text.is_empty() {
            return self.assigned(column);
        }
        self.push("(");
        self.not_null(column);
        let cost = match op {
            CompareOp::Sw => self.prefix(column, text),
            _ => self.inside(column, text, op == CompareOp::Ew),
        };
        self.push(")");
        cost
    }

    /// `sw`: the range from the text to the first text after it that does not begin with it.
    fn prefix(&mut self, column: &Column, text: String) -> Cost {
        let end = after_prefix(&text);
        for (word, bound) in [(" >= ", Some(text)), (" < ", end)] {
            let Some(bound) = bound else { continue };
            if word == " < " {
                self.push(" AND ");
            }
            self.push(column.compared());
            self.push(self.dialect.bytewise());
            self.push(word);
            self.bind(Bind::Text(bound));
        }
        Cost::from_indexed(column.indexed)
    }

    /// `co` and `ew`.
    fn inside(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        match self.dialect {
            Dialect::Sqlite => self.inside_sqlite(column, text, at_end),
            Dialect::Postgres => self.inside_postgres(column, text, at_end),
        }
    }

    fn inside_sqlite(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        let fts5 = match &column.trigrams {
            Some(Trigrams::Fts5 { table, column, rowid }) if has_trigrams(&text) => {
                Some((table, column, rowid))
            }
            _ => None,
        };
        if let Some((table, fts5_column, rowid)) = fts5 {
            for part in [rowid, " IN (SELECT rowid FROM ", table, " WHERE ", table, " MATCH "] {
                self.push(part);
            }
            self.bind(Bind::Text(format!("{fts5_column} : \"{}\"", text.replace('"', "\"\""))));
            self.push(") AND ");
        }
        let compared = column.compared();
        if at_end {
            for part in ["substr(", compared, ", -length("] {
                self.push(part);
            }
            let number = self.bind(Bind::Text(text));
            self.push(")) = ");
            self.dialect.push_parameter(&mut self.sql, number);
        } else {
            for part in ["instr(", compared, ", "] {
                self.push(part);
            }
            self.bind(Bind::Text(text));
            self.push(") > 0");
        }
        Cost::from_indexed(fts5.is_some())
    }

    fn inside_postgres(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        self.push(column.compared());
        self.push(" LIKE ");
        let escaped = escape_like(&text);
        self.bind(Bind::Text(if at_end { format!("%{escaped}") } else { format!("%{escaped}%") }));
        self.push(" ESCAPE '\\'");
        Cost::from_indexed(has_trigrams(&text) && matches!(column.trigrams, Some(Trigrams::Gin)))
    }
}

/// The first text, code point by code point, that comes after all that begin with this one; none if
/// it is made of the last character only.
fn after_prefix(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        // The characters that UTF-16 takes for itself are left out.
        let next = (u32::from(last) + 1..=0x10_ffff).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Whether a text is long enough for a trigram index.
pub(crate) fn has_trigrams(text: &str) -> bool {
    text.chars().nth(2).is_some()
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn like_takes_its_own_characters_as_they_are() {
        assert_eq!(escape_like(r"50%_\é"), r"50\%\_\\é");
    }
}
