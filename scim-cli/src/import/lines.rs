//! Reads lines, none of which can fill the memory.

use std::io::{BufRead, Read};

/// The longest line, or row of a CSV file, in bytes.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;

/// Reads the next line with its line break. Of a line that is longer than [`MAX_LINE`], it keeps only the beginning, which is too
/// long by one byte. Returns whether there was a line.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if Read::take(&mut *reader, MAX_LINE as u64 + 1).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.len() > MAX_LINE && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

/// Whether a line has nothing but white space, perhaps after a byte order mark.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.len() <= MAX_LINE
        && std::str::from_utf8(line).is_ok_and(|line| line.trim_start_matches('\u{feff}').trim().is_empty())
}
