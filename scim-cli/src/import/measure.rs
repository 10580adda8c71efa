//! Reads a file once, before it is imported.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::rows::{open, reader};

/// How many rows a file has, and the SHA-256 of its bytes.
///
/// # Errors
///
/// If it cannot be read, or is in UTF-16.
pub(super) fn measure(path: &Path, delimiter: Option<u8>) -> Result<(u64, String), String> {
    let mut source = Hashed { file: open(path)?, hash: Sha256::new(), start: Vec::new() };
    let mut rows = 0;
    match delimiter {
        Some(delimiter) => {
            let mut reader = reader(&mut source, delimiter);
            let mut record = ByteRecord::new();
            while reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
                rows += 1;
            }
            rows = u64::saturating_sub(rows, 1);
        }
        None => {
            let mut reader = BufReader::new(&mut source);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
                rows += u64::from(!line.trim_ascii().is_empty());
                line.clear();
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
struct Hashed {
    file: File,
    hash: Sha256,
    start: Vec<u8>,
}

impl std::io::Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        self.hash.update(bytes);
        if self.start.is_empty() {
            self.start.extend(bytes.iter().take(2));
        }
        Ok(length)
    }
}
