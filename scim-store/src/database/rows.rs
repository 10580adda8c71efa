//! The rows that a query returned.

use serde_json::Value;

/// The rows that a query returned.
///
/// ```
/// use scim_store::Rows;
///
/// let mut rows = Rows::new(2);
/// rows.push_int(7);
/// rows.push_text("bea");
/// let row = rows.first().unwrap();
/// assert_eq!((row.int(0), row.text(1)), (Some(7), Some("bea")));
/// ```
// All texts are in one `String`: rows are often read on one thread and dropped on another, and freeing many small
// allocations of another thread is slow.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    columns: usize,
    cells: Vec<Cell>,
    text: String,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Bool(bool),
    Text { start: usize, end: usize },
}

impl Rows {
    /// No rows, each of which will have this many columns. A driver adds the cells row by row.
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds NULL.
    pub fn push_null(&mut self) {
        self.cells.push(Cell::Null);
    }

    /// Adds an integer.
    pub fn push_int(&mut self, number: i64) {
        self.cells.push(Cell::Int(number));
    }

    /// Adds a floating point number.
    pub fn push_real(&mut self, number: f64) {
        self.cells.push(Cell::Real(number));
    }

    /// Adds a boolean.
    pub fn push_bool(&mut self, flag: bool) {
        self.cells.push(Cell::Bool(flag));
    }

    /// Adds a text.
    pub fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.cells.push(Cell::Text { start, end: self.text.len() });
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.cells.len() / self.columns.max(1)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The rows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.cells.chunks(self.columns.max(1)).map(|cells| Row { cells, text: &self.text })
    }

    /// The row with this index.
    pub fn get(&self, index: usize) -> Option<Row<'_>> {
        let start = index.checked_mul(self.columns)?;
        let cells = self.cells.get(start..)?.get(..self.columns.max(1))?;
        Some(Row { cells, text: &self.text })
    }

    /// The first row.
    pub fn first(&self) -> Option<Row<'_>> {
        self.get(0)
    }
}

/// One row of [`Rows`]. Columns are counted from 0.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    cells: &'a [Cell],
    text: &'a str,
}

impl<'a> Row<'a> {
    /// The number of columns.
    #[expect(clippy::len_without_is_empty, reason = "a row is never empty")]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The text in a column; `None` if it is NULL or not a text.
    pub fn text(&self, column: usize) -> Option<&'a str> {
        match *self.cells.get(column)? {
            Cell::Text { start, end } => self.text.get(start..end),
            _ => None,
        }
    }

    /// The integer in a column; `None` if it is NULL or not an integer.
    pub fn int(&self, column: usize) -> Option<i64> {
        match *self.cells.get(column)? {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The floating point number in a column; `None` if it is NULL or no number.
    #[expect(clippy::cast_precision_loss, reason = "SQLite returns numbers without a fraction as integers")]
    pub fn real(&self, column: usize) -> Option<f64> {
        match *self.cells.get(column)? {
            Cell::Real(number) => Some(number),
            Cell::Int(number) => Some(number as f64),
            _ => None,
        }
    }

    /// The boolean in a column, or whether the integer in it is not 0, as SQLite stores booleans; otherwise `None`.
    pub fn boolean(&self, column: usize) -> Option<bool> {
        match *self.cells.get(column)? {
            Cell::Bool(flag) => Some(flag),
            Cell::Int(number) => Some(number != 0),
            _ => None,
        }
    }

    /// Whether a column is NULL, or does not exist.
    pub fn is_null(&self, column: usize) -> bool {
        matches!(self.cells.get(column), Some(Cell::Null) | None)
    }

    /// The value in the last column.
    pub(crate) fn last(&self) -> Value {
        match self.cells.last() {
            Some(Cell::Text { start, end }) => self.text.get(*start..*end).into(),
            Some(Cell::Int(number)) => Value::from(*number),
            Some(Cell::Real(number)) => Value::from(*number),
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
