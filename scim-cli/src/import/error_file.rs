//! The rows that have failed, in a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::finished::Finished;
use super::row::Raw;

/// The file with the rows that have failed, in the form of the input, so that it can be corrected and imported.
#[derive(Debug)]
pub(super) enum ErrorFile {
    Csv {
        writer: Box<csv::Writer<File>>,
        /// The columns `#line` and `#error` of a file that was such a file itself.
        left_out: Vec<usize>,
    },
    Json(BufWriter<File>),
}

impl ErrorFile {
    /// Creates the file; only its owner can read it, because rows can have passwords. `names` are those of the columns of a CSV
    /// file.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn create(path: &Path, delimiter: u8, names: Option<&[String]>) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let file = private_file(path).map_err(|error| failed(&error))?;
        let Some(names) = names else { return Ok(Self::Json(BufWriter::new(file))) };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(file);
        let is_left_out = |name: &str| matches!(name.trim(), "#line" | "#error");
        let left_out =
            (0..).zip(names).filter(|(_, name)| is_left_out(name)).map(|(index, _)| index).collect();
        let kept = names.iter().map(String::as_str).filter(|name| !is_left_out(name));
        let header = ["#line", "#error"].into_iter().chain(kept);
        writer.write_record(header).and_then(|()| Ok(writer.flush()?)).map_err(|error| failed(&error))?;
        Ok(Self::Csv { writer: Box::new(writer), left_out })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn add(&mut self, row: &Finished, reason: &str) -> Result<(), String> {
        let line = row.line.to_string();
        let written = match (self, &row.raw) {
            (Self::Csv { writer, left_out }, Raw::Cells(cells)) => {
                let cells = cells.iter().enumerate().filter(|(index, _)| !left_out.contains(index));
                let cells = cells.map(|(_, cell)| cell);
                let cells = [line.as_bytes(), reason.as_bytes()].into_iter().chain(cells);
                writer.write_record(cells).map_err(|error| error.to_string())
            }
            (Self::Json(writer), Raw::Json(text)) => {
                let mut resource = match serde_json::from_str(text) {
                    Ok(Value::Object(resource)) => resource,
                    _ => Map::from_iter([("#text".to_owned(), text.as_str().into())]),
                };
                resource.insert("#line".to_owned(), row.line.into());
                resource.insert("#error".to_owned(), reason.into());
                writeln!(writer, "{}", Value::Object(resource)).map_err(|error| error.to_string())
            }
            (Self::Json(writer), Raw::Text(text)) => {
                let object = json!({ "#line": row.line, "#error": reason, "#text": text });
                writeln!(writer, "{object}").map_err(|error| error.to_string())
            }
            _ => Ok(()),
        };
        written.map_err(|error| format!("the file for errors: {error}"))
    }

    /// Writes what is in memory.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        let flushed = match self {
            Self::Csv { writer, .. } => writer.flush(),
            Self::Json(writer) => writer.flush(),
        };
        flushed.map_err(|error| format!("the file for errors: {error}"))
    }
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // A file that was there keeps its mode.
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(file)
}
