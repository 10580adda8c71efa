//! The files of an import, none of which may be written over another one.

use std::path::{Path, PathBuf};

/// The name of the journal if the person names none.
pub(super) fn journal_of(input: &Path) -> PathBuf {
    let mut name = input.as_os_str().to_owned();
    name.push(".progress");
    PathBuf::from(name)
}

/// Checks that no file is written over another one.
///
/// # Errors
///
/// If one would be, or if there is no input.
pub(super) fn check(input: &Path, journal: &Path, errors: Option<&Path>) -> Result<(), String> {
    if !input.exists() {
        return Err(format!("there is no file {}", input.display()));
    }
    for (path, other, option) in
        [(Some(journal), input, "--journal"), (errors, input, "--errors"), (errors, journal, "--errors")]
    {
        if path.is_some_and(|path| real(path) == real(other)) {
            return Err(format!("{option} would overwrite {}; name another file", other.display()));
        }
    }
    Ok(())
}

/// The path without links, also of a file that is not there yet.
fn real(path: &Path) -> PathBuf {
    let in_its_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?))
    };
    std::fs::canonicalize(path).ok().or_else(in_its_folder).unwrap_or_else(|| path.to_owned())
}
