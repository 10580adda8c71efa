//! A row of a CSV file.

use csv::ByteRecord;

use super::columns::Columns;
use super::row::Content;

/// What a person should know about a row: whether a cell may have swallowed other rows, because its quotation mark is at the
/// wrong place. Such a cell has line breaks, and the delimiters of a row.
pub(super) fn swallowed_rows(record: &ByteRecord, delimiter: u8) -> Option<&'static str> {
    let between = record.len().saturating_sub(1);
    let count = |cell: &[u8], byte: u8| cell.iter().filter(|found| **found == byte).count();
    let is_suspicious = |cell: &[u8]| count(cell, b'\n') > 0 && count(cell, delimiter) >= between;
    (between > 0 && record.iter().any(is_suspicious))
        .then_some("a cell seems to have other rows in it; is a quotation mark at the wrong place?")
}

/// Converts the cells of the imported columns.
pub(super) fn cells(record: &ByteRecord, columns: &Columns) -> Result<Content, String> {
    if record.len() != columns.names.len() {
        let has_line_breaks = record.iter().flatten().any(|byte| *byte == b'\n');
        let hint = if has_line_breaks {
            "; is a quotation mark missing?"
        } else if record.len() > columns.names.len() {
            "; a cell with the delimiter in it needs quotation marks"
        } else {
            ""
        };
        return Err(format!(
            "it has {} cells, and the first row has {}{hint}",
            record.len(),
            columns.names.len()
        ));
    }
    let mut cells = Vec::new();
    let mut problems = Vec::new();
    for (index, column) in columns.imported() {
        let value = match std::str::from_utf8(record.get(index).unwrap_or_default()) {
            Ok(cell) => column.value(cell),
            Err(_) => Err("it is not in UTF-8".to_owned()),
        };
        match value {
            Ok(value) => cells.push(value),
            Err(problem) => problems.push(format!("{}: {problem}", column.path())),
        }
    }
    if problems.is_empty() { Ok(Content::Cells(cells)) } else { Err(problems.join("; ")) }
}
