//! A file that says which rows are done, so that an interrupted import can go on.
//!
//! The first line says what is imported where. Each other line is the number of a row that is done, or `first-last`. Lines are
//! only added, so the file is right after any interruption; a line that is not whole is ignored, and its rows are done again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The longest first line in bytes.
const MAX_FIRST_LINE: u64 = 64 * 1024;

/// What is imported where. A journal of something else is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    /// The version of the format of the journal.
    #[serde(rename = "scimImport")]
    pub(super) version: u32,
    pub(super) url: String,
    pub(super) resources: String,
    #[serde(rename = "match")]
    pub(super) key: String,
    /// The SHA-256 of the file.
    pub(super) input: String,
}

/// The rows that are done.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    done: Ranges,
}

impl Journal {
    /// Opens the journal, or begins one. With `restart`, begins it anew.
    ///
    /// # Errors
    ///
    /// If the file is the journal of something else, or none, or cannot be read or written.
    pub(super) fn open(path: &Path, subject: &Subject, restart: bool) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let is_there = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
        let mut done = Ranges::default();
        if is_there {
            let (found, rows) = read(path)?;
            if !restart {
                check(path, &found, subject)?;
                done = rows;
            }
        }
        // Written as a whole and renamed, so that no interruption leaves half a first line.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let mut file = File::create(&temporary).map_err(failed)?;
        let first = serde_json::to_string(subject).map_err(|error| error.to_string())?;
        let mut text = format!("{first}\n");
        done.0.iter().for_each(|(first, last)| text.push_str(&line(*first, *last)));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&temporary, path).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, done })
    }

    /// How many rows were done when it was opened.
    pub(super) fn done(&self) -> u64 {
        self.done.len()
    }

    /// Whether a row was done when it was opened.
    pub(super) fn is_done(&self, row: u64) -> bool {
        self.done.contains(row)
    }

    /// Notes that rows are done. The numbers are in ascending order.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn add(&mut self, rows: impl IntoIterator<Item = u64>) -> Result<(), String> {
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
        self.file.write_all(text.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Deletes the file, because all is done.
    pub(super) fn delete(self) -> Result<(), String> {
        std::fs::remove_file(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

fn line(first: u64, last: u64) -> String {
    if first == last { format!("{first}\n") } else { format!("{first}-{last}\n") }
}

/// Reads a journal: what it is about, and the rows that are done.
fn read(path: &Path) -> Result<(Subject, Ranges), String> {
    let name = path.display();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    std::io::Read::take(&mut reader, MAX_FIRST_LINE).read_until(b'\n', &mut line).map_err(failed)?;
    let Ok(subject) = serde_json::from_slice::<Subject>(&line) else {
        return Err(format!("{name} is not the journal of an import; name another file with --journal"));
    };
    let mut done = Ranges::default();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        // A line that is not whole may be the beginning of another number.
        let Some(whole) = line.strip_suffix(b"\n") else { return Ok((subject, done)) };
        if let Some((first, last)) = std::str::from_utf8(whole).ok().and_then(parse) {
            done.add(first, last);
        }
    }
}

fn check(path: &Path, found: &Subject, subject: &Subject) -> Result<(), String> {
    let name = path.display();
    let restart =
        "say --restart to begin anew, which creates nobody twice, or name another file with --journal";
    if found == subject {
        Ok(())
    } else if found.url != subject.url {
        Err(format!("{name} is the journal of an import to {}; {restart}", found.url))
    } else if found.input != subject.input {
        Err(format!("{name} is the journal of another file, or this one has changed since; {restart}"))
    } else {
        Err(format!("{name} is the journal of an import with other options; {restart}"))
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
        self.0.iter().map(|(first, last)| last - first + 1).sum()
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
    fn what_was_added_is_read_again_and_a_torn_line_is_not() {
        let path = std::env::temp_dir().join(format!("scim-journal-{}", scim_core::new_id()));
        let subject = Subject {
            version: 1,
            url: "https://app.example.com".to_owned(),
            resources: "users".to_owned(),
            key: "userName".to_owned(),
            input: "ab".to_owned(),
        };
        let mut journal = Journal::open(&path, &subject, false).unwrap();
        journal.add([1, 2, 3, 7]).unwrap();
        journal.add([4]).unwrap();
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"9").unwrap();
        let journal = Journal::open(&path, &subject, false).unwrap();
        assert_eq!(journal.done(), 5);
        assert!(journal.is_done(4) && !journal.is_done(5) && journal.is_done(7) && !journal.is_done(9));

        let other = Subject { input: "cd".to_owned(), ..subject.clone() };
        assert!(
            Journal::open(&path, &other, false)
                .unwrap_err()
                .contains("another file, or this one has changed")
        );
        assert_eq!(Journal::open(&path, &other, true).unwrap().done(), 0);
        Journal::open(&path, &other, false).unwrap().delete().unwrap();
        std::fs::write(&path, "Dear diary").unwrap();
        assert!(
            Journal::open(&path, &subject, false).unwrap_err().contains("is not the journal of an import")
        );
        std::fs::remove_file(path).unwrap();
    }
}
