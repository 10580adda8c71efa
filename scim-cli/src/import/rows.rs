//! Reads the rows of a file, one after the other.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};
use scim_core::schema::{AttributeRef, ResourceType};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::cells::{cells, swallowed_rows};
use super::columns::Columns;
use super::json::{json_line, resource};
use super::line_numbers::{LastBytes, first_line};
use super::row::{BadRow, Content, Raw, Row};
use crate::column::Column;

/// The rows of a file.
pub(super) struct Rows {
    source: Source,
    resource_type: ResourceType,
    key: AttributeRef,
    /// The index of its column, among the imported columns and among all.
    key_column: Option<(usize, usize)>,
    number: u64,
    /// The line of each key, by a hash of it: 24 bytes for each row.
    seen: HashMap<u64, u64>,
}

enum Source {
    Csv { reader: csv::Reader<LastBytes>, columns: Arc<Columns>, delimiter: u8 },
    Json { reader: BufReader<File>, line: u64 },
}

impl Rows {
    /// Opens a CSV file, and checks its first row.
    ///
    /// # Errors
    ///
    /// What is wrong, for the person at the terminal.
    pub(super) fn csv(
        path: &Path,
        delimiter: u8,
        resource_type: &ResourceType,
        key: &AttributeRef,
    ) -> Result<Self, Vec<String>> {
        let file = open(path).map_err(|error| vec![error])?;
        let mut reader = reader(LastBytes::new(file), delimiter);
        let mut header = ByteRecord::new();
        let has_header = reader.read_byte_record(&mut header).map_err(|error| vec![error.to_string()])?;
        if !has_header {
            return Err(vec![
                "the file is empty; its first row names attributes, such as userName".to_owned(),
            ]);
        }
        let header = StringRecord::from_byte_record(header)
            .map_err(|_| vec!["the first row is not in UTF-8; save the file as UTF-8".to_owned()])?;
        let columns = Arc::new(Columns::new(&header, resource_type, key.path().as_str())?);
        Ok(Self::new(Source::Csv { reader, columns, delimiter }, resource_type, key))
    }

    /// Opens a file with a JSON object on each line.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(super) fn json_lines(
        path: &Path,
        resource_type: &ResourceType,
        key: &AttributeRef,
    ) -> Result<Self, Vec<String>> {
        let file = open(path).map_err(|error| vec![error])?;
        Ok(Self::new(Source::Json { reader: BufReader::new(file), line: 0 }, resource_type, key))
    }

    fn new(source: Source, resource_type: &ResourceType, key: &AttributeRef) -> Self {
        let mut rows = Self {
            source,
            resource_type: resource_type.clone(),
            key: key.clone(),
            key_column: None,
            number: 0,
            seen: HashMap::new(),
        };
        if let Source::Csv { columns, .. } = &rows.source {
            let is_key = |column: &Column| column.path() == key.path().as_str();
            let found = columns.imported().enumerate().find(|(_, (_, column))| is_key(column));
            rows.key_column = found.map(|(imported, (index, _))| (imported, index));
        }
        rows
    }

    /// The columns, if it is a CSV file.
    pub(super) fn columns(&self) -> Option<Arc<Columns>> {
        match &self.source {
            Source::Csv { columns, .. } => Some(columns.clone()),
            Source::Json { .. } => None,
        }
    }

    /// Reads the next row; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, String> {
        let mut warning = None;
        let (line, raw, content) = match &mut self.source {
            Source::Csv { reader, columns, delimiter } => {
                let mut record = ByteRecord::new();
                if !reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
                    return Ok(None);
                }
                let line = first_line(reader, &record);
                let content = cells(&record, columns);
                warning = swallowed_rows(&record, *delimiter);
                (line, Raw::Cells(record), content)
            }
            Source::Json { reader, line } => {
                let Some(text) = json_line(reader, line)? else { return Ok(None) };
                match text {
                    Ok(text) => {
                        let content = resource(&text, &self.resource_type);
                        (*line, Raw::Json(text), content)
                    }
                    Err((reason, beginning)) => (*line, Raw::Text(beginning), Err(reason)),
                }
            }
        };
        self.number += 1;
        let key = match &content {
            Ok(content) => self.key_of(content),
            Err(_) => self.key_in(&raw),
        };
        let key = key.unwrap_or_default();
        let row =
            content.and_then(|content| self.check_key(&key, line).map(|folded_key| (folded_key, content)));
        let number = self.number;
        Ok(Some(match row {
            Ok((folded_key, content)) => Ok(Row { number, line, key, folded_key, content, raw, warning }),
            Err(reason) => Err(BadRow { number, line, key, reason, raw }),
        }))
    }

    fn key_of(&self, content: &Content) -> Option<String> {
        let value = match content {
            Content::Cells(cells) => cells.get(self.key_column?.0)?.as_ref()?,
            Content::Resource(resource, _) => self.key.get(resource)?,
        };
        value.as_str().map(str::to_owned)
    }

    /// The key in a row that cannot be imported, to name it in the error.
    fn key_in(&self, raw: &Raw) -> Option<String> {
        match raw {
            Raw::Cells(record) => String::from_utf8(record.get(self.key_column?.1)?.to_vec()).ok(),
            Raw::Json(text) => {
                let resource: Map<String, Value> = serde_json::from_str(text).ok()?;
                self.key.get(&resource)?.as_str().map(str::to_owned)
            }
            Raw::Text(_) => None,
        }
    }

    /// Checks that there is a key, and that no earlier row has it. Returns its form for comparisons.
    fn check_key(&mut self, key: &str, line: u64) -> Result<String, String> {
        let name = self.key.path();
        if key.trim().is_empty() {
            return Err(format!("{name} is missing"));
        }
        let folded = self.key.comparison().fold(key).into_owned();
        let digest = Sha256::digest(folded.as_bytes());
        let hash = digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte));
        match self.seen.get(&hash) {
            Some(earlier) => Err(format!("line {earlier} has the same {name}")),
            None => {
                self.seen.insert(hash, line);
                Ok(folded)
            }
        }
    }
}

/// Opens a file that can be read more than once.
///
/// # Errors
///
/// If it is not one, or cannot be opened.
pub(super) fn open(path: &Path) -> Result<File, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    let kind = file.metadata().map_err(|error| format!("{name}: {error}"))?.file_type();
    match kind {
        kind if kind.is_dir() => Err(format!("{name} is a folder; name a file")),
        kind if !kind.is_file() => Err(format!(
            "{name} is no regular file, and is read more than once; write its content to a file first"
        )),
        _ => Ok(file),
    }
}

pub(super) fn reader<R: std::io::Read>(source: R, delimiter: u8) -> csv::Reader<R> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source)
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;

    use super::super::lines::MAX_LINE;
    use super::super::measure::measure;
    use super::*;

    struct TempFile(std::path::PathBuf);

    impl TempFile {
        fn new(bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("scim-rows-{}", scim_core::new_id()));
            std::fs::write(&path, bytes).unwrap();
            Self(path)
        }
    }

    impl Drop for TempFile {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// The line, the key, and what is wrong with each row.
    fn read(mut rows: Rows) -> Vec<(u64, String, Option<String>)> {
        let mut read = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            read.push(match row {
                Ok(row) => (row.line, row.key, None),
                Err(row) => (row.line, row.key, Some(row.reason)),
            });
        }
        read
    }

    #[test]
    fn a_csv_file_can_have_a_bom_crlf_and_line_breaks_in_quotation_marks() {
        let text = "\u{feff}userName,title,active\r\nbea,\"Diver\r\nand cook\",true\r\n\r\nfay,,perhaps\r\n,x,true\r\nBEA,,\r\nkim,Cook\r\n";
        let file = TempFile::new(text.as_bytes());
        let users = standard::user_type();
        let key = users.attribute("userName").unwrap();
        let expected = [
            (2, "bea", None),
            (5, "fay", Some("active: write true or false")),
            (6, "", Some("userName is missing")),
            (7, "BEA", Some("line 2 has the same userName")),
            (8, "kim", Some("it has 2 cells, and the first row has 3")),
        ];
        let expected: Vec<_> =
            expected.map(|(line, key, reason)| (line, key.to_owned(), reason.map(str::to_owned))).into();
        assert_eq!(read(Rows::csv(&file.0, b',', &users, key).unwrap()), expected);
        assert_eq!(measure(&file.0, Some(b',')).unwrap().0, 5);
    }

    #[test]
    fn a_quotation_mark_at_the_wrong_place_is_found() {
        let text = "userName,title\nbea,\"Cook\nfay,Diver\n\"\nkim,\"two\nlines\"\nlou,a,b\n";
        let file = TempFile::new(text.as_bytes());
        let users = standard::user_type();
        let mut rows = Rows::csv(&file.0, b',', &users, users.attribute("userName").unwrap()).unwrap();
        assert!(
            rows.next()
                .unwrap()
                .unwrap()
                .unwrap()
                .warning
                .unwrap()
                .starts_with("a cell seems to have other rows")
        );
        assert_eq!(rows.next().unwrap().unwrap().unwrap().warning, None);
        let reason = rows.next().unwrap().unwrap().unwrap_err().reason;
        assert_eq!(
            reason,
            "it has 3 cells, and the first row has 2; a cell with the delimiter in it needs quotation marks"
        );
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_is_found() {
        let file = TempFile::new(b"userName,title\nbea,Cook\nfay,\"Di\nkim,x\nlou,y\n");
        let users = standard::user_type();
        let rows = read(Rows::csv(&file.0, b',', &users, users.attribute("userName").unwrap()).unwrap());
        assert_eq!(
            (rows.len(), rows[1].0, rows[1].2.as_deref()),
            (2, 3, None),
            "it is the text of the last cell"
        );
        let file = TempFile::new(b"userName,title\n\"fay,Di\nkim,x\n");
        let rows = read(Rows::csv(&file.0, b',', &users, users.attribute("userName").unwrap()).unwrap());
        let reason = "it has 1 cells, and the first row has 2; is a quotation mark missing?";
        assert_eq!((rows.len(), rows[0].0, rows[0].2.as_deref()), (1, 2, Some(reason)));
    }

    #[test]
    fn json_lines_say_what_has_no_value() {
        let file = TempFile::new(b"{\"userName\":\"bea\",\"title\":null,\"id\":\"7\",\"#line\":1}\n\n[]\n{\"userName\":\"fay\",\"shoe\":1}\n{\n");
        let users = standard::user_type();
        let key = users.attribute("userName").unwrap();
        let mut rows = Rows::json_lines(&file.0, &users, key).unwrap();
        let Content::Resource(resource, unassigned) = rows.next().unwrap().unwrap().unwrap().content else {
            panic!()
        };
        assert_eq!(unassigned, [users.attribute("title").unwrap().clone()]);
        assert!(!resource.contains_key("id") && resource["userName"] == "bea");
        let rest = read(rows);
        assert_eq!(rest[1].1, "fay");
        assert_eq!((rest[0].0, rest[0].2.as_deref()), (3, Some("it is not a JSON object")));
        assert!(rest[1].2.as_deref().unwrap().contains("shoe"), "{rest:?}");
        assert!(rest[2].2.as_deref().unwrap().starts_with("it is not JSON: "), "{rest:?}");
        assert_eq!(measure(&file.0, None).unwrap().0, 4);
    }

    #[test]
    fn a_file_in_another_encoding_is_named() {
        let users = standard::user_type();
        let key = users.attribute("userName").unwrap();
        let file = TempFile::new(b"\xff\xfeu\0s\0");
        assert!(measure(&file.0, Some(b',')).unwrap_err().ends_with(" is in UTF-16; save it as UTF-8"));
        let file = TempFile::new(b"userName\nb\xe9a\n");
        let rows = read(Rows::csv(&file.0, b',', &users, key).unwrap());
        assert_eq!(rows[0].2.as_deref(), Some("userName: it is not in UTF-8"));
        let file = TempFile::new(b"{\"userName\":\"b\xe9a\"}\n{\"userName\":\"fay\"}\n");
        let rows = read(Rows::json_lines(&file.0, &users, key).unwrap());
        let expected =
            [(1, String::new(), Some("it is not in UTF-8".to_owned())), (2, "fay".to_owned(), None)];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_stop_the_others() {
        let users = standard::user_type();
        let key = users.attribute("userName").unwrap();
        let long = format!(
            "{{\"userName\":\"bea\",\"title\":\"{}\"}}\n{{\"userName\":\"fay\"}}\n",
            "x".repeat(MAX_LINE)
        );
        let file = TempFile::new(long.as_bytes());
        let rows = read(Rows::json_lines(&file.0, &users, key).unwrap());
        let reason = format!("it is longer than {MAX_LINE} bytes");
        assert_eq!(rows, [(1, String::new(), Some(reason)), (2, "fay".to_owned(), None)]);
        assert_eq!(measure(&file.0, None).unwrap().0, 2);
        // The rest of a CSV file belongs to a cell whose quotation mark is missing at its end.
        let file = TempFile::new(format!("userName,title\nbea,\"{}", "x\n".repeat(MAX_LINE)).as_bytes());
        let error = measure(&file.0, Some(b',')).unwrap_err();
        assert!(
            error.contains(": after line 2: ") && error.ends_with("is a quotation mark missing?"),
            "{error}"
        );
    }

    #[test]
    fn a_list_in_json_is_named() {
        let users = standard::user_type();
        let key = users.attribute("userName").unwrap();
        let file = TempFile::new(b"[\n{\"userName\":\"bea\"},\n]\n");
        let rows = read(Rows::json_lines(&file.0, &users, key).unwrap());
        for index in [0, 2] {
            assert!(
                rows[index].2.as_deref().unwrap().starts_with("write JSON lines, not a list"),
                "{rows:?}"
            );
        }
        let folder = std::env::temp_dir();
        assert!(measure(&folder, None).unwrap_err().ends_with(" is a folder; name a file"));
    }
}
