//! SQLite: one connection for writing and several for reading, on blocking threads.

mod connections;
mod error;
mod file;
mod group;
#[cfg(test)]
mod group_tests;
mod interrupt;
#[cfg(test)]
mod interrupt_tests;
mod statements;
mod transaction;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use scim_core::async_trait;
use scim_sql::Dialect;
use tokio::task::spawn_blocking;

use super::error::DatabaseError;
use super::migration::Migrations;
use super::statement::Mode;
use super::{Database, Transaction};
use connections::Connections;
use group::Groups;
pub(crate) use transaction::SqliteTransaction;

/// How long a request waits for a connection, or for another process that writes.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum time of a statement; the same as for PostgreSQL.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a process that starts waits for another process that upgrades the tables.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The number of connections for reading.
const READERS: usize = 4;

/// How many prepared statements a connection keeps.
const PREPARED_STATEMENTS: usize = 128;

/// Connections to a database of SQLite, by `rusqlite`: one for writing and four for reading.
///
/// [`connect`](Self::connect) sets what the statements of this crate need: a busy timeout of five seconds, and the cache of
/// prepared statements. All other settings are those of the application: `foreign_keys`, without which SQLite ignores foreign
/// keys unless it was compiled otherwise, and the journal mode, which should be WAL so that reads and writes do not wait for
/// each other.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scim_store::DatabaseError> {
/// use scim_store::Sqlite;
///
/// // With the settings that the application uses for its own connections.
/// let database = Sqlite::connect(|| {
///     let connection = rusqlite::Connection::open_in_memory()?;
///     connection.pragma_update(None, "foreign_keys", true)?;
///     Ok(connection)
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
pub struct Sqlite {
    writer: Arc<Connections>,
    /// The same connection as `writer` if the database is in memory: another connection would see another database.
    readers: Arc<Connections>,
    statement_timeout: Duration,
}

impl Sqlite {
    /// Opens connections with a function of the application. It is called once for a database in memory, and otherwise
    /// once for each connection.
    ///
    /// Call it in a Tokio runtime. The connections belong to this value; the application keeps its own.
    ///
    /// # Errors
    ///
    /// The errors of the function.
    pub async fn connect(
        connect: impl Fn() -> rusqlite::Result<Connection> + Send + 'static,
    ) -> Result<Self, DatabaseError> {
        let open = move || {
            let connect = || {
                let connection = connect()?;
                connection.busy_timeout(CONNECTION_TIMEOUT)?;
                prepare(&connection)?;
                Ok(connection)
            };
            Self::with_writer(connect()?, connect, STATEMENT_TIMEOUT)
        };
        spawn_blocking(open).await.map_err(|error| DatabaseError::Unexpected(error.into()))?
    }

    /// Opens a file, or a database in memory, and upgrades its tables.
    pub(crate) async fn open_with_migrations(
        path: &str,
        migrations: Option<Migrations>,
    ) -> Result<Self, DatabaseError> {
        Self::open_with_timeout(path, migrations, STATEMENT_TIMEOUT).await
    }

    /// Like [`open_with_migrations`](Self::open_with_migrations), with another timeout for statements. Migrations have no
    /// timeout.
    async fn open_with_timeout(
        path: &str,
        migrations: Option<Migrations>,
        statement_timeout: Duration,
    ) -> Result<Self, DatabaseError> {
        // For bulk loads that can be repeated: if the power fails, the last writes are lost.
        let (path, is_fast) = match path.strip_suffix("?synchronous=off") {
            Some(path) => (path.to_owned(), true),
            None => (path.to_owned(), false),
        };
        let open = move || {
            let in_memory = path == ":memory:";
            // The journal mode is a lasting setting of the file, which is not ours to change if the application made it.
            let is_new = std::fs::metadata(&path).map_or(0, |file| file.len()) == 0;
            let sets_wal = migrations.is_some() || is_new;
            let mut writer = connect(&path, in_memory, sets_wal)?;
            if is_fast {
                writer.pragma_update(None, "synchronous", "OFF")?;
            }
            if let Some(migrations) = migrations {
                writer.busy_timeout(MIGRATION_TIMEOUT)?;
                migrate(&mut writer, migrations)?;
                writer.busy_timeout(CONNECTION_TIMEOUT)?;
            }
            Self::with_writer(writer, || connect(&path, false, false), statement_timeout)
        };
        spawn_blocking(open).await.map_err(|error| DatabaseError::Unexpected(error.into()))?
    }

    /// Opens the connections for reading, unless the writer's database is in memory.
    fn with_writer(
        writer: Connection,
        connect: impl Fn() -> Result<Connection, DatabaseError>,
        statement_timeout: Duration,
    ) -> Result<Self, DatabaseError> {
        if writer.path().is_none_or(str::is_empty) {
            // Without groups: its readers would see what is not committed.
            let writer = Connections::new(vec![writer], None);
            return Ok(Self { readers: writer.clone(), writer, statement_timeout });
        }
        let readers = (0..READERS).map(|_| connect()).collect::<Result<_, _>>()?;
        let writer = Connections::new(vec![writer], Some(Arc::new(Groups::default())));
        Ok(Self { writer, readers: Connections::new(readers, None), statement_timeout })
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    /// A transaction on one of the connections. Its first statement begins it.
    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        let writes = matches!(mode, Mode::Write | Mode::WriteInGroup);
        let connections = if writes { &self.writer } else { &self.readers };
        let connection = connections.borrow(CONNECTION_TIMEOUT).await?;
        Ok(Box::new(SqliteTransaction::new(connection, mode, self.statement_timeout)))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite")
    }
}

fn connect(path: &str, in_memory: bool, sets_wal: bool) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = match in_memory {
        true => Connection::open_in_memory()?,
        false => {
            file::create(path);
            Connection::open_with_flags(Path::new(path), flags)?
        }
    };
    connection.busy_timeout(CONNECTION_TIMEOUT)?;
    if sets_wal {
        use_wal(&connection)?;
    }
    // In WAL mode, NORMAL would lose acknowledged writes when the power fails.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
         PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;",
    )?;
    prepare(&connection)?;
    Ok(connection)
}

/// Sets what the statements of this crate need.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Makes query plans independent of the parameters. Otherwise SQLite would prepare a statement again when its
    // parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    Ok(())
}

/// Switches the database to WAL mode. If two processes create the file at the same time, SQLite reports that it is
/// busy without waiting for the busy timeout, so this tries again until the timeout.
fn use_wal(connection: &Connection) -> Result<(), DatabaseError> {
    let start = Instant::now();
    while let Err(error) = connection.execute_batch("PRAGMA journal_mode = WAL") {
        let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        if !busy || start.elapsed() > CONNECTION_TIMEOUT {
            return Err(error.into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Upgrades the tables. The transaction is IMMEDIATE, so of two processes that start at the same time one waits for
/// the other.
fn migrate(connection: &mut Connection, migrations: Migrations) -> Result<(), DatabaseError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migrations.create_version)?;
    let version = || transaction.query_row(migrations.select_version, [], |row| row.get::<_, String>(0));
    while let Some(step) = (migrations.next)(&version()?, Dialect::Sqlite)? {
        for sql in step.statements {
            transaction.execute_batch(&sql)?;
        }
    }
    Ok(transaction.commit()?)
}
