//! The line of a CSV file on which a record begins.

use std::fs::File;
use std::io::Read;

use csv::{ByteRecord, Reader};

/// A file that remembers what was read last.
///
/// The position that the CSV reader has for a record is where the record before it has ended, which is another line after CRLF
/// and after blank lines. So the line is counted back from the end of the record, and for that the last byte of its line break
/// must be known.
#[derive(Debug)]
pub(super) struct LastBytes {
    file: File,
    /// How many bytes were read.
    end: u64,
    /// The last of them, from one call.
    bytes: Vec<u8>,
}

impl LastBytes {
    pub(super) fn new(file: File) -> Self {
        Self { file, end: 0, bytes: Vec::new() }
    }

    fn byte_before(&self, position: u64) -> Option<u8> {
        let back = usize::try_from(self.end.checked_sub(position)?).ok()?;
        self.bytes.len().checked_sub(back + 1).and_then(|index| self.bytes.get(index)).copied()
    }
}

impl Read for LastBytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        if length > 0 {
            self.end += length as u64;
            self.bytes.clear();
            self.bytes.extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

/// The line on which a record begins that was just read, counted from 1.
pub(super) fn first_line(reader: &Reader<LastBytes>, record: &ByteRecord) -> u64 {
    let after = reader.position();
    let bytes = reader.get_ref();
    let byte_before = |back| after.byte().checked_sub(back).and_then(|position| bytes.byte_before(position));
    let before_break = byte_before(1).filter(|byte| *byte != b'\r').or_else(|| byte_before(2));
    // In the last cell of a file, a quotation mark may be missing; then the last line break belongs to the cell.
    let is_in_cell =
        record.iter().next_back().is_some_and(|cell| cell.ends_with(b"\n")) && before_break != Some(b'"');
    let is_next_line = byte_before(0) == Some(b'\n') && !is_in_cell;
    let breaks = record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
    after.line().saturating_sub(u64::from(is_next_line) + breaks)
}
