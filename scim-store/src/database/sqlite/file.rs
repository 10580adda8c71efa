//! The file of an SQLite database. It contains personal data, so only its owner may read and write it.

#[cfg(unix)]
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

/// How many symbolic links are followed, one after the other.
#[cfg(unix)]
const MAX_LINKS: usize = 40;

/// Held while a file is created. Closing a file releases all locks that the process has on it, so no other thread
/// may open the database before the file is created and closed here.
#[cfg(unix)]
static CREATING: Mutex<()> = Mutex::new(());

/// Creates the file with permissions for its owner only, unless it exists. SQLite gives the files that it creates
/// beside it the same permissions. An existing file keeps its permissions, which its owner chose.
///
/// Ignores errors: SQLite opens the file next, and reports what is wrong.
#[cfg(unix)]
pub(super) fn create(path: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    // SQLite takes this for a URI, not for a path.
    if path.starts_with("file:") {
        return;
    }
    let path = resolve_links(Path::new(path));
    let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

/// On other systems the permissions of the directory apply.
#[cfg(not(unix))]
pub(super) fn create(_: &str) {}

/// The path after following symbolic links, even if the target does not exist: SQLite creates the target of a link.
#[cfg(unix)]
fn resolve_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}
