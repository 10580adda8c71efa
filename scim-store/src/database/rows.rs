//! The rows that a query returned.

use serde_json::Value;

/// Rows of a query. All texts are in one `String`: rows are often read on one thread and dropped on another, and
/// freeing many small allocations of another thread is slow.
#[derive(Default)]
pub(crate) struct Rows {
    columns: usize,
    cells: Vec<Cell>,
    text: String,
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    Int(i64),
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite returns booleans as numbers"))]
    Bool(bool),
    Text {
        start: usize,
        end: usize,
    },
}

impl Rows {
    pub(crate) fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    pub(crate) fn push_null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(crate) fn push_int(&mut self, number: i64) {
        self.cells.push(Cell::Int(number));
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn push_bool(&mut self, flag: bool) {
        self.cells.push(Cell::Bool(flag));
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.cells.push(Cell::Text { start, end: self.text.len() });
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.columns.max(1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.cells.chunks(self.columns.max(1)).map(|cells| Row { cells, text: &self.text })
    }

    pub(crate) fn get(&self, index: usize) -> Option<Row<'_>> {
        let start = index.checked_mul(self.columns)?;
        let cells = self.cells.get(start..)?.get(..self.columns.max(1))?;
        Some(Row { cells, text: &self.text })
    }

    pub(crate) fn first(&self) -> Option<Row<'_>> {
        self.get(0)
    }
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    cells: &'a [Cell],
    text: &'a str,
}

impl<'a> Row<'a> {
    /// The text in a column; `None` if it is NULL or not a text.
    pub(crate) fn text(&self, column: usize) -> Option<&'a str> {
        match *self.cells.get(column)? {
            Cell::Text { start, end } => self.text.get(start..end),
            _ => None,
        }
    }

    /// The integer in a column; `None` if it is NULL or not an integer.
    pub(crate) fn int(&self, column: usize) -> Option<i64> {
        match *self.cells.get(column)? {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The value in the last column.
    pub(crate) fn last(&self) -> Value {
        match self.cells.last() {
            Some(Cell::Text { start, end }) => self.text.get(*start..*end).into(),
            Some(Cell::Int(number)) => Value::from(*number),
            Some(Cell::Bool(flag)) => Value::from(*flag),
            Some(Cell::Null) | None => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_own_cells() {
        let mut rows = Rows::new(2);
        assert!(rows.is_empty() && rows.first().is_none());
        for (number, text) in [(1, "é"), (2, ""), (3, "three")] {
            rows.push_int(number);
            rows.push_text(text);
        }
        rows.push_null();
        rows.push_null();
        assert_eq!(rows.len(), 4);
        let texts: Vec<Option<&str>> = rows.iter().map(|row| row.text(1)).collect();
        assert_eq!(texts, [Some("é"), Some(""), Some("three"), None]);
        assert_eq!(rows.get(2).and_then(|row| row.int(0)), Some(3));
        assert_eq!(rows.get(2).map(|row| row.last()), Some(Value::from("three")));
        assert_eq!(rows.get(3).map(|row| row.last()), Some(Value::Null));
        assert!(rows.get(4).is_none());
        let row = rows.first().unwrap_or(Row { cells: &[], text: "" });
        assert_eq!((row.text(0), row.int(1), row.int(7)), (None, None, None));
    }
}
