//! SQLite: one connection that writes, several that read, on blocking threads.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::database::{Asked, Mode, Statement};
use crate::fault::Fault;
use crate::param::Param;
use crate::rows::Rows;
use crate::watch::{Call, Waiting, Watched};

/// How long a call waits for a connection, or for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a statement may take; as long as PostgreSQL is told to take.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a process waits at its start for another that brings the tables up to date.
const MIGRATION: Duration = Duration::from_secs(600);

/// How many connections read at a time.
const READERS: usize = 4;

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 128;

pub(crate) struct Pool {
    writer: Arc<Lane>,
    /// The writer too, where all is in memory: another connection would see another database.
    readers: Arc<Lane>,
    /// How long a statement may take.
    limit: Duration,
}

/// Connections that take turns.
struct Lane {
    idle: Mutex<Vec<Watched>>,
    permits: Arc<Semaphore>,
}

impl Lane {
    fn new(connections: Vec<Connection>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(connections.len()));
        let connections = connections.into_iter().map(Watched::new).collect();
        Arc::new(Self { idle: Mutex::new(connections), permits })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Opens a file, or a database in memory, and brings it up to date.
    pub(crate) async fn open(path: &str) -> Result<Self, Fault> {
        Self::open_limited(path, LIMIT).await
    }

    /// As [`open`](Self::open) does, with another limit for statements. Bringing it up to date has none.
    pub(crate) async fn open_limited(path: &str, limit: Duration) -> Result<Self, Fault> {
        // For loading what can be loaded again: what is written last is lost if the power fails.
        let (path, fast) = match path.strip_suffix("?synchronous=off") {
            Some(path) => (path.to_owned(), true),
            None => (path.to_owned(), false),
        };
        on_thread(move || {
            let memory = path == ":memory:";
            let mut writer = connect(&path, memory)?;
            if fast {
                writer.pragma_update(None, "synchronous", "OFF").map_err(fault)?;
            }
            // Another process may be at it, for as long as a large database takes.
            writer.busy_timeout(MIGRATION).map_err(fault)?;
            migrate(&mut writer)?;
            writer.busy_timeout(PATIENCE).map_err(fault)?;
            if memory {
                let lane = Lane::new(vec![writer]);
                return Ok(Self { writer: lane.clone(), readers: lane, limit });
            }
            let readers = (0..READERS).map(|_| connect(&path, false)).collect::<Result<_, _>>()?;
            Ok(Self { writer: Lane::new(vec![writer]), readers: Lane::new(readers), limit })
        })
        .await
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, Fault> {
        let lane = if mode == Mode::Write { &self.writer } else { &self.readers };
        let permit = tokio::time::timeout(PATIENCE, lane.permits.clone().acquire_owned());
        let permit = permit.await.map_err(|error| Fault::Unavailable(error.into()))?;
        let permit = permit.map_err(|error| Fault::Broken(error.into()))?;
        let connection = lane.idle().pop().ok_or_else(|| Fault::broken("no connection is idle"))?;
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some("BEGIN"),
            Mode::Write => Some("BEGIN IMMEDIATE"),
        };
        let held = Held { connection: Some(Mutex::new(connection)), lane: lane.clone(), _permit: permit };
        let call = Call::default();
        Ok(Transaction {
            _waiting: call.waiting(),
            call,
            held: Arc::new(held),
            begin,
            open: false,
            in_place: mode != Mode::Write,
            limit: self.limit,
        })
    }
}

fn connect(path: &str, memory: bool) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = match memory {
        true => Connection::open_in_memory(),
        false => {
            crate::file::create(path);
            Connection::open_with_flags(Path::new(path), flags)
        }
    };
    let connection = connection.map_err(fault)?;
    connection.busy_timeout(PATIENCE).map_err(fault)?;
    use_wal(&connection)?;
    // FULL, since in WAL mode NORMAL loses what was acknowledged when the power fails.
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(fault)?;
    // The same plan whatever is bound; else a statement is prepared again each time that it is used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Two processes that make the file at once are told that it is busy, however patient they are; so
/// they ask again.
fn use_wal(connection: &Connection) -> Result<(), Fault> {
    let begun = std::time::Instant::now();
    while let Err(error) = connection.execute_batch("PRAGMA journal_mode = WAL") {
        let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        if !busy || begun.elapsed() > PATIENCE {
            return Err(fault(error));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

/// Makes the tables, or the changes that a later version made to them. Two processes that start at
/// once do it one after the other, since the transaction is immediate.
fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(fault)?;
    let run = |sql: &str| transaction.execute_batch(sql).map_err(fault);
    run(crate::migrations::META)?;
    let stored = transaction
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get::<_, String>(0))
        .map_err(fault)?;
    for sql in crate::migrations::after(&stored, scim_sql::Dialect::Sqlite)? {
        run(&sql)?;
    }
    transaction.commit().map_err(fault)
}

/// A transaction, begun with its first statement.
pub(crate) struct Transaction {
    held: Arc<Held>,
    begin: Option<&'static str>,
    open: bool,
    /// What reads runs on one blocking thread from its beginning to its end; what writes does so
    /// statement by statement, since the context that it asks in between stays where it is.
    in_place: bool,
    call: Call,
    _waiting: Waiting,
    limit: Duration,
}

/// A connection while a call has it.
struct Turn<'a> {
    connection: &'a Watched,
    call: Call,
    limit: Duration,
}

impl Turn<'_> {
    fn limited<T>(&self, statement: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.run(&self.call, self.limit, statement)
    }

    /// What ends a transaction is not ended itself.
    fn commit(&self) -> rusqlite::Result<()> {
        run(self.connection.unwatched(), "COMMIT")
    }
}

/// A connection, and the right to use it. Statements share it with their transaction, so that if the
/// call is given up while one waits for its thread or runs, nobody else gets the connection before.
struct Held {
    connection: Option<Mutex<Watched>>,
    lane: Arc<Lane>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(watched) = self.connection.take() else { return };
        let watched = watched.into_inner().unwrap_or_else(PoisonError::into_inner);
        let connection = watched.unwatched();
        if !connection.is_autocommit() {
            // A connection that cannot even roll back reports that to whoever uses it next.
            let _ = run(connection, "ROLLBACK");
        }
        self.lane.idle().push(watched);
    }
}

impl Transaction {
    /// Somebody waits for what a thread of its own does with the transaction; its statements end when
    /// that is dropped.
    pub(crate) fn waiting(&self) -> Waiting {
        self.call.waiting()
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let (held, call, limit) = (self.held.clone(), self.call.clone(), self.limit);
        let begin = self.begin.take();
        self.open |= begin.is_some();
        let work = move || {
            let connection =
                held.connection.as_ref().ok_or_else(|| Fault::broken("the connection is gone"))?;
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = Turn { connection: &connection, call, limit };
            let begun = begin.map_or(Ok(()), |sql| turn.limited(|connection| run(connection, sql)));
            begun.and_then(|()| work(&turn)).map_err(fault)
        };
        if self.in_place { work() } else { on_thread(work).await }
    }

    /// Runs statements and reads the rows of each: all of it on one thread.
    pub(crate) async fn rows_of(&mut self, asked: Vec<Asked>) -> Result<Vec<Rows>, Fault> {
        self.run(move |turn| {
            let rows = |(sql, params): Asked| turn.limited(|connection| rows(connection, &sql, params));
            asked.into_iter().map(rows).collect()
        })
        .await
    }

    /// Runs statements, and commits if they are the last ones: all of it on one thread, since each
    /// change of threads costs as much as a statement.
    pub(crate) async fn execute(&mut self, statements: Vec<Statement>, commit: bool) -> Result<(), Fault> {
        let commit = commit && (self.open || !statements.is_empty());
        if statements.is_empty() && !commit {
            return Ok(());
        }
        let done = self.run(move |turn| {
            let mut changed = 1;
            for (sql, params) in statements {
                changed = turn.limited(|connection| {
                    connection.prepare_cached(sql)?.execute(params_from_iter(params))
                })?;
            }
            if commit && changed > 0 {
                turn.commit()?;
            }
            Ok(changed > 0)
        });
        if !done.await? {
            return Err(Fault::late());
        }
        self.open &= !commit;
        Ok(())
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn rows(connection: &Connection, sql: &str, params: Vec<Param>) -> rusqlite::Result<Rows> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(params))?;
    let mut rows = Rows::new(columns);
    while let Some(row) = found.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => rows.push_null(),
                ValueRef::Integer(number) => rows.push_int(number),
                text @ ValueRef::Text(_) => rows.push_text(text.as_str()?),
                other => {
                    let kind = other.data_type();
                    return Err(rusqlite::Error::InvalidColumnType(column, String::new(), kind));
                }
            }
        }
    }
    Ok(rows)
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    spawn_blocking(work).await.map_err(|error| Fault::Broken(error.into()))?
}

impl rusqlite::ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Bool(flag) => i64::from(*flag).into(),
        })
    }
}

fn fault(error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) if error.to_string().contains("unique_") => Fault::Taken(None),
        Some(ErrorCode::ConstraintViolation) if error.to_string().contains("resource.version") => {
            Fault::late()
        }
        Some(ErrorCode::TooBig) => Fault::Value,
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::CannotOpen
            | ErrorCode::OperationInterrupted,
        ) => Fault::Unavailable(error.into()),
        _ => Fault::Broken(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_may_pass_is_unavailable_and_what_is_wrong_is_not() {
        let of = |code, text: &str| {
            fault(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned())))
        };
        for code in [
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_FULL,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_INTERRUPT,
        ] {
            assert!(matches!(of(code, ""), Fault::Unavailable(_)), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR] {
            assert!(matches!(of(code, ""), Fault::Broken(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_TOOBIG, ""), Fault::Value));
        let late = "NOT NULL constraint failed: resource.version";
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT_NOTNULL, late), Fault::Conflict(_)));
        let failed =
            |column| of(ffi::SQLITE_CONSTRAINT_UNIQUE, &format!("UNIQUE constraint failed: {column}"));
        assert!(matches!(failed("resource.tenant, resource.kind, resource.unique_name"), Fault::Taken(_)));
        assert!(matches!(failed("resource.tenant, resource.id"), Fault::Broken(_)));
    }
}
