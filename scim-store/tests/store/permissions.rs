//! Tests of the permissions of the files of an SQLite database.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::service::{Client, user};

/// Set if this program is started again by itself, with another umask.
const UMASK_VARIABLE: &str = "SCIM_TEST_UNDER_UMASK";

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o777
}

/// Opens the database at a path, and returns the permissions of its file and of the files beside it.
fn modes(path: &Path) -> [u32; 3] {
    let runtime = support::runtime();
    let database = support::database_at(&format!("sqlite:{}", path.display()));
    let client = Client::new(&runtime, &support::open(&runtime, &database));
    client.create("/Users", user("bea"));
    ["", "-wal", "-shm"].map(|end| mode(Path::new(&format!("{}{end}", path.display()))))
}

/// A new directory, which is removed with its content.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("scim-store-{}", scim_core::new_id()));
        std::fs::create_dir(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn only_the_owner_can_access_new_files_with_any_umask() {
    if std::env::var_os(UMASK_VARIABLE).is_some() {
        let directory = Directory::new();
        assert_eq!(modes(&directory.0.join("scim.db")), [0o600; 3]);
        // The same for the target of a link.
        let (link, target) = (directory.0.join("link.db"), directory.0.join("target.db"));
        symlink("target.db", &link).unwrap();
        let runtime = support::runtime();
        let linked = support::database_at(&format!("sqlite:{}", link.display()));
        drop(support::open(&runtime, &linked));
        assert_eq!(mode(&target), 0o600);
        return;
    }
    let program = std::env::current_exe().unwrap();
    for umask in ["000", "022", "077"] {
        let script = format!(
            "umask {umask} && exec \"$0\" --exact permissions::only_the_owner_can_access_new_files_with_any_umask"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(&program)
            .env(UMASK_VARIABLE, umask)
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("1 passed"), "{umask}: {stdout}");
    }
}

#[test]
fn an_existing_file_keeps_its_permissions() {
    let directory = Directory::new();
    let path = directory.0.join("scim.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(modes(&path), [0o640; 3]);
    assert_eq!(modes(&path), [0o640; 3], "after opening it again");
}

#[test]
fn no_file_is_created_for_memory_and_uris() {
    let runtime = support::runtime();
    for (url, names) in [
        ("sqlite::memory:", [":memory:", ":memory:"]),
        ("sqlite:file:scim-uri?mode=memory", ["file:scim-uri?mode=memory", "scim-uri"]),
    ] {
        drop(runtime.block_on(scim_store::Store::open(url)));
        for name in names {
            assert!(std::fs::remove_file(name).is_err(), "{name} was created");
        }
    }
}
