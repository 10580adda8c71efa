//! A file that says which rows are done, so that an interrupted import can go on.
//!
//! The first line says what is imported where. Each other line is the number of a row that is done, or `first-last`. Lines are
//! only added, so the file is right after any interruption; a line that is not whole is ignored, and its rows are done again.
//! Only one import at a time uses the file, which it locks.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::terminal::printable;

/// The longest line in bytes.
const MAX_LINE: u64 = 64 * 1024;

/// How the first line begins.
const BEGINNING: &[u8] = br#"{"scimImport":"#;

/// What is imported where, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    /// The version of the format of the journal.
    #[serde(rename = "scimImport")]
    pub(super) version: u32,
    pub(super) url: String,
    pub(super) resources: String,
    #[serde(rename = "match")]
    pub(super) key: String,
    /// Between the cells of a CSV file; `None` for JSON lines.
    pub(super) delimiter: Option<char>,
    pub(super) keep_empty: bool,
    /// The SHA-256 of the file.
    pub(super) input: String,
}

/// The rows that are done.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    subject: Subject,
    done: Ranges,
    /// Whether a line could not be written: there may be half of it, to which nothing must be added.
    is_torn: bool,
}

/// What is in a file that may be a journal.
enum Content {
    /// Nothing, or half a first line.
    Nothing,
    /// The subject, the rows that are done, and how many bytes the whole lines have.
    Journal(Subject, Ranges, u64),
    Other,
}

impl Journal {
    /// Opens the journal, or begins one. Begins it anew with `restart`, or if the input has changed since, and says so.
    ///
    /// # Errors
    ///
    /// If the file is the journal of another import, or none, if another import uses it, or if it cannot be read or written.
    pub(super) fn open(path: &Path, subject: Subject, restart: bool) -> Result<Self, String> {
        let name = path.display();
        let failed = |error: std::io::Error| format!("{name}: {error}; name another file with --journal");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        // Where files cannot be locked, it is for the person to start only one import.
        if let Err(TryLockError::WouldBlock) = FileExt::try_lock(&file) {
            return Err(format!("{name} is in use by another import; wait for its end"));
        }
        let content = read(&file).map_err(failed)?;
        let mut journal =
            Self { path: path.to_owned(), file, subject, done: Ranges::default(), is_torn: false };
        match content {
            Content::Other => {
                return Err(format!(
                    "{name} is not the journal of an import; name another file with --journal"
                ));
            }
            Content::Journal(found, done, length) if found == journal.subject && !restart => {
                journal.done = done;
                journal.file.set_len(length).map_err(failed)?;
                journal.file.seek(SeekFrom::End(0)).map_err(failed)?;
                return Ok(journal);
            }
            Content::Journal(found, ..) if !restart => {
                check(path, &found, &journal.subject)?;
                journal.begin_anew("the file to import has changed")?;
            }
            Content::Journal(..) | Content::Nothing => journal.begin()?,
        }
        Ok(journal)
    }

    /// Forgets which rows are done, and says why.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn begin_anew(&mut self, reason: &str) -> Result<(), String> {
        let name = self.path.display();
        eprintln!("{name}: {}, so the import begins anew", printable(reason));
        self.begin()
    }

    fn begin(&mut self) -> Result<(), String> {
        self.done = Ranges::default();
        let mut first = serde_json::to_string(&self.subject).map_err(|error| error.to_string())?;
        first.push('\n');
        let begun = self.file.set_len(0).and_then(|()| self.file.rewind());
        let begun = begun.and_then(|()| self.file.write_all(first.as_bytes()));
        begun.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// How many rows were done when it was opened.
    pub(super) fn done(&self) -> u64 {
        self.done.len()
    }

    /// Whether a row was done when it was opened.
    pub(super) fn is_done(&self, row: u64) -> bool {
        self.done.contains(row)
    }

    /// The first and the last row that were done when it was opened.
    pub(super) fn bounds(&self) -> Option<(u64, u64)> {
        let (first, _) = self.done.0.first_key_value()?;
        let (_, last) = self.done.0.last_key_value()?;
        Some((*first, *last))
    }

    /// Notes that rows are done. The numbers are in ascending order. After an error, nothing more is noted.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = u64>) -> Result<(), String> {
        if self.is_torn {
            return Ok(());
        }
        let mut text = String::new();
        let mut range: Option<(u64, u64)> = None;
        for row in rows {
            range = match range {
                Some((first, last)) if last + 1 == row => Some((first, row)),
                Some((first, last)) => {
                    text.push_str(&line(first, last));
                    Some((row, row))
                }
                None => Some((row, row)),
            };
        }
        if let Some((first, last)) = range {
            text.push_str(&line(first, last));
        }
        let written = self.file.write_all(text.as_bytes());
        self.is_torn = written.is_err();
        written.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Deletes the file, because every row was processed. It may be gone already.
    ///
    /// # Errors
    ///
    /// If it cannot be deleted.
    pub(super) fn delete(self) -> Result<(), String> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", self.path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn line(first: u64, last: u64) -> String {
    if first == last { format!("{first}\n") } else { format!("{first}-{last}\n") }
}

fn read(file: &File) -> std::io::Result<Content> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line)?;
    let Ok(subject) = serde_json::from_slice::<Subject>(&line) else {
        let is_torn = !line.ends_with(b"\n") && (BEGINNING.starts_with(&line) || line.starts_with(BEGINNING));
        return Ok(if is_torn { Content::Nothing } else { Content::Other });
    };
    if !line.ends_with(b"\n") {
        return Ok(Content::Nothing);
    }
    let mut length = line.len() as u64;
    let mut done = Ranges::default();
    loop {
        line.clear();
        Read::take(&mut reader, MAX_LINE).read_until(b'\n', &mut line)?;
        // A line that is not whole may be the beginning of another number.
        let Some(whole) = line.strip_suffix(b"\n") else {
            return Ok(Content::Journal(subject, done, length));
        };
        length += line.len() as u64;
        if let Some((first, last)) = std::str::from_utf8(whole).ok().and_then(parse) {
            done.add(first, last);
        }
    }
}

/// Checks that at most the input has changed.
fn check(path: &Path, found: &Subject, subject: &Subject) -> Result<(), String> {
    let name = path.display();
    let restart = "say --restart to begin anew, or name another file with --journal";
    if found.url != subject.url {
        Err(format!("{name} is the journal of an import to {}; {restart}", found.url))
    } else if (Subject { input: subject.input.clone(), ..found.clone() }) != *subject {
        Err(format!("{name} is the journal of an import with other options; {restart}"))
    } else {
        Ok(())
    }
}

fn parse(line: &str) -> Option<(u64, u64)> {
    let (first, last) = line.split_once('-').unwrap_or((line, line));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// A set of numbers, as ranges: the last number of each by its first one.
#[derive(Debug, Default)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    fn len(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (first, last)| sum.saturating_add((last - first).saturating_add(1)))
    }

    fn add(&mut self, mut first: u64, mut last: u64) {
        if let Some((before, end)) = self.0.range(..=first).next_back()
            && end.saturating_add(1) >= first
        {
            (first, last) = (*before, last.max(*end));
        }
        while let Some((next, end)) = self.0.range(first..=last.saturating_add(1)).next() {
            let (next, end) = (*next, *end);
            self.0.remove(&next);
            last = last.max(end);
        }
        self.0.insert(first, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_grow_together() {
        let mut ranges = Ranges::default();
        for (first, last) in [(5, 6), (1, 2), (9, 9), (3, 3), (4, 4), (8, 12), (2, 3)] {
            ranges.add(first, last);
        }
        assert_eq!(ranges.0.into_iter().collect::<Vec<_>>(), [(1, 6), (8, 12)]);
    }

    #[test]
    fn any_number_can_be_read() {
        let mut ranges = Ranges::default();
        ranges.add(0, u64::MAX);
        ranges.add(5, u64::MAX);
        assert_eq!((ranges.len(), ranges.contains(u64::MAX)), (u64::MAX, true));
    }

    fn subject() -> Subject {
        Subject {
            version: 1,
            url: "https://app.example.com".to_owned(),
            resources: "users".to_owned(),
            key: "userName".to_owned(),
            delimiter: Some(','),
            keep_empty: false,
            input: "ab".to_owned(),
        }
    }

    fn open(path: &Path, subject: &Subject, restart: bool) -> Result<Journal, String> {
        Journal::open(path, subject.clone(), restart)
    }

    fn temporary() -> PathBuf {
        std::env::temp_dir().join(format!("scim-journal-{}", scim_core::new_id()))
    }

    #[test]
    fn what_was_added_is_read_again_and_a_torn_line_is_not() {
        let (path, subject) = (temporary(), subject());
        let mut journal = open(&path, &subject, false).unwrap();
        journal.add([1, 2, 3, 7]).unwrap();
        journal.add([4]).unwrap();
        assert!(open(&path, &subject, false).unwrap_err().contains("is in use by another import"));
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"9").unwrap();
        let mut journal = open(&path, &subject, false).unwrap();
        assert_eq!((journal.done(), journal.bounds()), (5, Some((1, 7))));
        assert!(journal.is_done(4) && !journal.is_done(5) && journal.is_done(7) && !journal.is_done(9));
        journal.add([8]).unwrap();
        drop(journal);
        let journal = open(&path, &subject, false).unwrap();
        assert!(journal.is_done(8) && !journal.is_done(98));
        drop(journal);

        // Other options are refused, and for another input it begins anew.
        for other in [
            Subject { keep_empty: true, ..subject.clone() },
            Subject { delimiter: None, ..subject.clone() },
            Subject { key: "externalId".to_owned(), input: "cd".to_owned(), ..subject.clone() },
        ] {
            assert!(open(&path, &other, false).unwrap_err().contains("with other options"), "{other:?}");
        }
        let other = Subject { input: "cd".to_owned(), ..subject.clone() };
        let journal = open(&path, &other, false).unwrap();
        assert_eq!(journal.done(), 0);
        std::fs::remove_file(&path).unwrap();
        journal.delete().unwrap();

        std::fs::write(&path, "Dear diary").unwrap();
        assert!(open(&path, &subject, true).unwrap_err().contains("is not the journal of an import"));
        // Half a first line.
        for beginning in ["{\"scim", "{\"scimImport\":1,\"url\":\"ht"] {
            std::fs::write(&path, beginning).unwrap();
            assert_eq!(open(&path, &subject, false).unwrap().done(), 0);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn nothing_is_added_after_a_line_that_could_not_be_written() {
        let (path, subject) = (temporary(), subject());
        let mut journal = open(&path, &subject, false).unwrap();
        let writable = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
        journal.add([1]).unwrap_err();
        journal.file = writable;
        // As if a part of a line had been written.
        journal.file.write_all(b"1-1").unwrap();
        journal.add([50]).unwrap();
        drop(journal);
        assert_eq!(open(&path, &subject, false).unwrap().done(), 0);
        std::fs::remove_file(path).unwrap();
    }
}
