//! Writes conditions on one column.
//!
//! Every condition is TRUE or FALSE, never NULL: where a column can be NULL, the condition tests that first.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};
use serde_json::Value;

use crate::bind_value::{Bound, bound};
use crate::column::{DecodedKey, Trigrams};
use crate::mapping::Elements;
use crate::writer::SqlWriter;
use crate::{BindValue, Column, Cost, Dialect, Error};

impl SqlWriter<'_> {
    /// Writes a condition that always, or never, holds.
    pub(crate) fn push_constant(&mut self, holds: bool) -> Cost {
        self.push(if holds { "TRUE" } else { "FALSE" });
        Cost::Scan
    }

    /// Writes the condition that the column has a value.
    pub(crate) fn push_assigned(&mut self, column: &Column) -> Cost {
        if column.nullable {
            self.push("(");
            self.push(column.comparison_sql());
            self.push(" IS NOT NULL)");
        } else {
            self.push("TRUE");
        }
        Cost::Scan
    }

    /// Writes the condition of `pr`: the column has a value that is not an empty text.
    pub(crate) fn push_present(&mut self, target: &AttributeRef, column: &Column) -> Cost {
        if let Some(value) = column.constant_value() {
            return self.push_constant(value.as_str() != Some(""));
        }
        if target.comparison().prepare_text("").is_none() {
            return self.push_assigned(column);
        }
        self.push("(");
        self.push_not_null(column);
        self.push(column.comparison_sql());
        self.push(" <> '')");
        Cost::Scan
    }

    /// Begins a condition that is false if the column is NULL.
    fn push_not_null(&mut self, column: &Column) {
        if column.nullable {
            self.push(column.comparison_sql());
            self.push(" IS NOT NULL AND ");
        }
    }

    /// Writes the comparison of a column, or of a constant, with an operand.
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
            return Ok(self.push_constant(holds));
        }
        if let (Some(key), CompareOp::Eq | CompareOp::Ne, Operand::Text(text)) = (&column.key, op, operand) {
            return Ok(self.key_condition(column, key, op, text.original()));
        }
        let Some(bound) = bound(column.column_type, operand) else {
            return Ok(self.push_constant(op == CompareOp::Ne));
        };
        Ok(match op {
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => self.substring_condition(column, op, bound),
            _ => self.compare_condition(column, op, bound),
        })
    }

    /// Writes `eq` or `ne` of a text that is made from a key.
    fn key_condition(&mut self, column: &Column, key: &DecodedKey, op: CompareOp, text: &str) -> Cost {
        let Some(value) = (key.decode)(text) else {
            self.push_constant(op == CompareOp::Ne);
            return Cost::from_indexed(op == CompareOp::Eq);
        };
        self.push("(");
        if op == CompareOp::Ne && column.nullable {
            self.push(&key.sql);
            self.push(" IS NULL OR ");
        } else if op == CompareOp::Eq && column.nullable {
            self.push(&key.sql);
            self.push(" IS NOT NULL AND ");
        }
        self.push(&key.sql);
        self.push(if op == CompareOp::Ne { " <> " } else { " = " });
        self.bind(value);
        self.push(")");
        Cost::from_indexed(column.indexed && op == CompareOp::Eq)
    }

    /// Writes `eq`, `ne`, `gt`, `ge`, `lt` or `le`.
    fn compare_condition(&mut self, column: &Column, op: CompareOp, bound: Bound) -> Cost {
        // An operand that lies between two values of the column equals neither of them, and `> 1.5` is `> 1`.
        let (op, value) = match (op, bound) {
            (op, Bound::At(value)) => (op, value),
            (CompareOp::Ne, _) => return self.push_constant(true),
            (CompareOp::Gt | CompareOp::Ge, Bound::Above(value)) => (CompareOp::Gt, value),
            (CompareOp::Lt | CompareOp::Le, Bound::Above(value)) => (CompareOp::Le, value),
            (CompareOp::Gt | CompareOp::Ge, Bound::Below) => return self.push_assigned(column),
            _ => {
                self.push_constant(false);
                return Cost::Indexed;
            }
        };
        self.push("(");
        if op == CompareOp::Ne {
            if column.nullable {
                self.push(column.comparison_sql());
                self.push(" IS NULL OR ");
            }
        } else {
            self.push_not_null(column);
        }
        self.push(column.comparison_sql());
        let (operator, is_range) = match op {
            CompareOp::Ne => (" <> ", false),
            CompareOp::Gt => (" > ", true),
            CompareOp::Ge => (" >= ", true),
            CompareOp::Lt => (" < ", true),
            CompareOp::Le => (" <= ", true),
            _ => (" = ", false),
        };
        if is_range && column.is_text() {
            self.push(self.dialect.code_point_collation());
        }
        self.push(operator);
        self.bind_column_value(column, value);
        self.push(")");
        Cost::from_indexed(column.indexed && op != CompareOp::Ne)
    }

    /// Writes a parameter with a value of a column. A timestamp is bound as text, since drivers have different types
    /// for it.
    pub(crate) fn bind_column_value(&mut self, column: &Column, value: BindValue) {
        if column.is_timestamp() {
            self.push("CAST(CAST(");
            self.bind(value);
            self.push(" AS text) AS timestamptz)");
        } else {
            self.bind(value);
        }
    }

    /// Writes `co`, `sw` or `ew`.
    fn substring_condition(&mut self, column: &Column, op: CompareOp, bound: Bound) -> Cost {
        let Bound::At(BindValue::Text(text)) = bound else {
            self.push_constant(false);
            return Cost::Indexed;
        };
        if text.is_empty() {
            return self.push_assigned(column);
        }
        self.push("(");
        self.push_not_null(column);
        let cost = match op {
            CompareOp::Sw => self.prefix(column, text),
            _ => self.inside(column, text, op == CompareOp::Ew),
        };
        self.push(")");
        cost
    }

    /// Writes `sw` as a range: from the text to the first text after all those that begin with it.
    fn prefix(&mut self, column: &Column, text: String) -> Cost {
        let end = after_prefix(&text);
        for (operator, bound) in [(" >= ", Some(text)), (" < ", end)] {
            let Some(bound) = bound else { continue };
            if operator == " < " {
                self.push(" AND ");
            }
            self.push(column.comparison_sql());
            self.push(self.dialect.code_point_collation());
            self.push(operator);
            self.bind(BindValue::Text(bound));
        }
        Cost::from_indexed(column.indexed)
    }

    /// Writes `co`, or `ew` if `at_end`.
    fn inside(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        match self.dialect {
            Dialect::Sqlite => self.inside_sqlite(column, text, at_end),
            Dialect::Postgres => self.inside_postgres(column, text, at_end),
        }
    }

    /// In SQLite the FTS5 table finds the rows that have the trigrams of the text. Since it may find too many, for
    /// example those in which the text is not at the end, the column itself is compared as well.
    fn inside_sqlite(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        let fts5 = match &column.trigrams {
            Some(Trigrams::Fts5 { table, column, rowid, pending }) if has_trigrams(&text) => {
                Some((table, column, rowid, pending))
            }
            _ => None,
        };
        if let Some((table, fts5_column, rowid, pending)) = fts5 {
            for part in [rowid, " IN (SELECT rowid FROM ", table, " WHERE ", table, " MATCH "] {
                self.push(part);
            }
            self.bind(BindValue::Text(format!("{fts5_column} : \"{}\"", text.replace('"', "\"\""))));
            if let Some(pending) = pending {
                self.push(" UNION ALL SELECT rowid FROM ");
                self.push(pending);
            }
            self.push(") AND ");
        }
        let comparison_sql = column.comparison_sql();
        if at_end {
            for part in ["substr(", comparison_sql, ", -length("] {
                self.push(part);
            }
            let number = self.bind(BindValue::Text(text));
            self.push(")) = ");
            self.dialect.push_parameter(&mut self.sql, number);
        } else {
            for part in ["instr(", comparison_sql, ", "] {
                self.push(part);
            }
            self.bind(BindValue::Text(text));
            self.push(") > 0");
        }
        Cost::from_indexed(fts5.is_some())
    }

    fn inside_postgres(&mut self, column: &Column, text: String, at_end: bool) -> Cost {
        self.push(column.comparison_sql());
        self.push(" LIKE ");
        let escaped = escape_like(&text);
        self.bind(BindValue::Text(if at_end { format!("%{escaped}") } else { format!("%{escaped}%") }));
        self.push(" ESCAPE '\\'");
        Cost::from_indexed(has_trigrams(&text) && matches!(column.trigrams, Some(Trigrams::Gin)))
    }
}

/// The first text, in the order of code points, after all texts that begin with this one: the text with its last
/// character replaced by the next one. `None` if the text consists of U+10FFFF only.
fn after_prefix(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        // Skips the surrogates, which are no characters.
        let next = (u32::from(last) + 1..=0x10_ffff).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Whether a text is long enough for a trigram index: three characters.
pub(crate) fn has_trigrams(text: &str) -> bool {
    text.chars().nth(2).is_some()
}

/// Escapes the characters that have a meaning in a pattern of LIKE.
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
    fn the_range_of_a_prefix_ends_at_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn characters_of_like_patterns_are_escaped() {
        assert_eq!(escape_like(r"50%_\é"), r"50\%\_\\é");
    }
}
