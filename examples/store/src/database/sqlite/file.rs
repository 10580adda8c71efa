//! The file of an SQLite database. It holds personal data, so it is its owner's alone.

#[cfg(unix)]
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

/// How many symbolic links are followed, one after the other.
#[cfg(unix)]
const LINKS: usize = 40;

/// Closing a file gives up all locks that the process has on it. So nobody may open the database before
/// it is made and closed here.
#[cfg(unix)]
static CREATING: Mutex<()> = Mutex::new(());

/// Makes the file if it is not there, with permissions for its owner only; SQLite gives the files that
/// it puts beside it the same. A file that is there keeps those that its owner chose.
///
/// What goes wrong is left to SQLite to report, which opens the file next.
#[cfg(unix)]
pub(super) fn create(path: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    // To SQLite that is a URI.
    if path.starts_with("file:") {
        return;
    }
    let path = followed(Path::new(path));
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

/// Elsewhere the directory says who may read what is in it.
#[cfg(not(unix))]
pub(super) fn create(_: &str) {}

/// What a link points to is made by SQLite, whether or not it is there.
#[cfg(unix)]
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}
