//! Reads a file once, before it is imported.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::lines::{MAX_LINE, is_blank, read_line};
use super::rows::{open, reader};

/// How many rows a file has, and the SHA-256 of its bytes.
///
/// # Errors
///
/// If it cannot be read, is in UTF-16, or is CSV with a row of more than 16 MiB.
pub(super) fn measure(path: &Path, delimiter: Option<u8>) -> Result<(u64, String), String> {
    let mut source = Measured { file: open(path)?, hash: Sha256::new(), start: Vec::new(), left: MAX_LINE };
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut rows = 0;
    match delimiter {
        Some(delimiter) => {
            let mut reader = reader(&mut source, delimiter);
            let mut record = ByteRecord::new();
            loop {
                let line = reader.position().line();
                reader.get_mut().left = MAX_LINE;
                match reader.read_byte_record(&mut record) {
                    Ok(true) => rows += 1,
                    Ok(false) => break,
                    Err(error) => return Err(failed(&format!("after line {line}: {error}"))),
                }
            }
            rows = u64::saturating_sub(rows, 1);
        }
        None => {
            let mut reader = BufReader::new(&mut source);
            let mut line = Vec::new();
            reader.get_mut().left = usize::MAX;
            while read_line(&mut reader, &mut line).map_err(|error| failed(&error))? {
                rows += u64::from(!is_blank(&line));
            }
        }
    }
    if source.start.starts_with(&[0xff, 0xfe]) || source.start.starts_with(&[0xfe, 0xff]) {
        return Err(format!("{} is in UTF-16; save it as UTF-8", path.display()));
    }
    let digest = source.hash.finalize();
    Ok((rows, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Hashes what is read from a file.
struct Measured {
    file: File,
    hash: Sha256,
    start: Vec<u8>,
    /// How many bytes may be read before the row must end.
    left: usize,
}

impl std::io::Read for Measured {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other(format!(
                "a row is longer than {MAX_LINE} bytes; is a quotation mark missing?"
            )));
        }
        let length = self.file.read(buffer)?;
        self.left = self.left.saturating_sub(length);
        let bytes = buffer.get(..length).unwrap_or_default();
        self.hash.update(bytes);
        if self.start.is_empty() {
            self.start.extend(bytes.iter().take(2));
        }
        Ok(length)
    }
}
