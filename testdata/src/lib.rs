//! Test cases in JSON files, which the tests of all crates share.
//!
//! This package is for tests and is never published. Its functions panic with a message that names the file, where
//! other code would return an error. The folders:
//!
//! | folder    | content                                                                |
//! |-----------|------------------------------------------------------------------------|
//! | `http/`   | [transcripts](transcript::Transcript) of conversations over HTTP       |
//! | `idp/`    | transcripts of the requests of identity providers                      |
//! | `people/` | transcripts for the application in `examples/people`                   |
//! | `authenticate/` | headers with bearer tokens, and the scope that each request needs |
//! | `auth/`   | requests to and credentials of `scim-auth`                             |
//! | `sync/`   | settings of `scim-sync`, and sequences of runs                         |
//! | `console/` | requests, and what `scim-console` records of them                    |
//! | `bench/`  | resources for the benchmarks                                           |
//! | `conformance/` | the statements of the RFCs, which cases name in `proves`          |
//! | `filter/` `patch/` `schema/` | cases for the crate of that name                    |

pub mod message;
pub mod transcript;

mod compare;
mod placeholder;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Returns the absolute path of a file or folder of this package, such as `bench/user.json`.
#[must_use]
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Reads a JSON file of this package.
///
/// # Panics
///
/// If the file is missing or is not a valid `T`. The message names the file and the line.
#[must_use]
pub fn load<T: DeserializeOwned>(relative: impl AsRef<Path>) -> T {
    let path = path(relative);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the paths of the JSON files in a folder of this package, sorted by name, so that tests run in the same order on
/// every machine.
///
/// # Panics
///
/// If the folder cannot be read.
#[must_use]
pub fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = path(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn the_benchmark_user_has_about_2200_bytes() {
        let user: Value = super::load("bench/user.json");
        let compact = user.to_string().len();
        assert!((2150..=2250).contains(&compact), "{compact} bytes");
        assert!(user.get("x509Certificates").is_none());
    }

    #[test]
    fn files_lists_only_json_files_in_order() {
        let files = super::files("http");
        assert!(files.iter().all(|file| file.extension().is_some_and(|e| e == "json")));
        assert!(files.is_sorted());
    }
}
