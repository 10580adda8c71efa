//! The version of a resource: a hash of its row, and of the rows of its lists.

use std::ops::Range;

use scim_core::ETag;
use sha2::{Digest, Sha256};

use crate::database::Row;

/// What was read so far, to be hashed. The hash is the same in every process, so versions survive a restart.
#[derive(Clone)]
pub(crate) struct VersionHash(Vec<u8>);

impl VersionHash {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    /// Adds some cells of a row.
    pub(crate) fn add_cells(&mut self, row: Row<'_>, columns: Range<usize>) {
        for column in columns {
            // Each cell begins with its type and its length, so that no two rows have the same bytes.
            if let Some(text) = row.text(column) {
                self.add(b't', text.as_bytes());
            } else if let Some(number) = row.int(column) {
                self.add(b'i', &number.to_le_bytes());
            } else if let Some(number) = row.real(column) {
                self.add(b'r', &number.to_le_bytes());
            } else if let Some(flag) = row.boolean(column) {
                self.add(b'b', &[u8::from(flag)]);
            } else {
                self.add(b'n', &[]);
            }
        }
    }

    /// Begins the rows of a list.
    pub(crate) fn begin_list(&mut self) {
        self.add(b'l', &[]);
    }

    fn add(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The version.
    pub(crate) fn finish(&self) -> ETag {
        let hash = Sha256::digest(&self.0);
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
        let hex: String =
            hash.iter().take(16).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        ETag::new(&hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Rows;

    fn version(cells: &[Option<&str>]) -> String {
        let mut rows = Rows::new(cells.len());
        for cell in cells {
            match cell {
                Some(text) => rows.push_text(text),
                None => rows.push_null(),
            }
        }
        let mut hash = VersionHash::new();
        let row = rows.first().unwrap();
        hash.add_cells(row, 1..row.len());
        hash.finish().opaque().to_owned()
    }

    #[test]
    fn rows_that_differ_have_different_versions() {
        let first = version(&[Some("1"), Some("ab"), Some("c")]);
        assert_eq!(first, version(&[Some("2"), Some("ab"), Some("c")]), "the first cell is skipped");
        for other in [[Some("a"), Some("bc")], [Some("ab"), None], [Some("abc"), Some("")], [None, None]] {
            assert_ne!(first, version(&[Some("1"), other[0], other[1]]));
        }
    }
}
