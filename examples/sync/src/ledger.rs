//! The ledger in an SQLite file, and the lock that keeps two runs apart.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs4::{FileExt, TryLockError};
use rusqlite::{Connection, OptionalExtension, params};
use scim_sync::{Collection, Ledger, LedgerChange, LedgerError};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS ledger (
        collection text NOT NULL,
        key        text NOT NULL,
        value      text NOT NULL,
        PRIMARY KEY (collection, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS photo (
        person     text NOT NULL PRIMARY KEY,
        secret     text NOT NULL UNIQUE,
        media_type text NOT NULL,
        image      blob NOT NULL
    );
";

/// A [`Ledger`] in an SQLite file, which also keeps the photos.
#[derive(Clone, Debug)]
pub struct SqliteLedger(Arc<Mutex<Connection>>);

/// The right to use a ledger for a run. Dropping it, or the end of the process, gives it back.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "it is held to be dropped")] File);

impl SqliteLedger {
    /// Opens a file, and creates it if it does not exist. Only its owner can read it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or is no SQLite file.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        // SQLite gives its other files the permissions of the database.
        open_private(path).map_err(|error| LedgerError::new(format!("{}: {error}", path.display())))?;
        let connection = Connection::open(path).and_then(|connection| {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.execute_batch(TABLES)?;
            Ok(connection)
        });
        let connection =
            connection.map_err(|error| LedgerError::new(format!("{}: {error}", path.display())))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Takes the right to run.
    ///
    /// # Errors
    ///
    /// If another process has it.
    pub fn lock_run(path: &Path) -> Result<RunLock, LedgerError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let file =
            open_private(&name).map_err(|error| LedgerError::new(format!("{}: {error}", name.display())))?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(RunLock(file)),
            Err(TryLockError::WouldBlock) => {
                Err(LedgerError::new("another run uses it; wait until it has ended"))
            }
            Err(TryLockError::Error(error)) => Err(LedgerError::new(format!("{}: {error}", name.display()))),
        }
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a file for its owner only.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Ledger for SqliteLedger {
    fn get(&mut self, collection: Collection, key: &str) -> Result<Option<String>, LedgerError> {
        let connection = self.connection();
        let found = connection
            .prepare_cached("SELECT value FROM ledger WHERE collection = $1 AND key = $2")
            .and_then(|mut statement| {
                statement.query_row(params![collection.name(), key], |row| row.get(0)).optional()
            });
        found.map_err(LedgerError::new)
    }

    fn list(&mut self, collection: Collection, each: &mut dyn FnMut(&str, &str)) -> Result<(), LedgerError> {
        let connection = self.connection();
        let mut list = || {
            let mut statement = connection
                .prepare_cached("SELECT key, value FROM ledger WHERE collection = $1 ORDER BY key")?;
            let mut rows = statement.query([collection.name()])?;
            while let Some(row) = rows.next()? {
                each(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            }
            Ok::<_, rusqlite::Error>(())
        };
        list().map_err(LedgerError::new)
    }

    fn write(&mut self, changes: &[LedgerChange]) -> Result<(), LedgerError> {
        let mut connection = self.connection();
        let mut write = || {
            let transaction = connection.transaction()?;
            {
                let mut put = transaction.prepare_cached(
                    "INSERT INTO ledger (collection, key, value) VALUES ($1, $2, $3)
                     ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value",
                )?;
                let mut remove =
                    transaction.prepare_cached("DELETE FROM ledger WHERE collection = $1 AND key = $2")?;
                for LedgerChange { collection, key, value } in changes {
                    match value {
                        Some(value) => put.execute(params![collection.name(), key, value])?,
                        None => remove.execute(params![collection.name(), key])?,
                    };
                }
            }
            transaction.commit()
        };
        write().map_err(LedgerError::new)
    }
}
