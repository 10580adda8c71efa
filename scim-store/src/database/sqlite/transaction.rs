//! A transaction of SQLite.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params_from_iter};
use scim_core::async_trait;
use tokio::task::spawn_blocking;

use super::super::error::DatabaseError;
use super::super::param::Param;
use super::super::rows::Rows;
use super::super::statement::{Mode, Statement};
use super::super::{CancelOnDrop, Dependencies, Transaction};
use super::connections::BorrowedConnection;
use super::group::{Group, Groups, MAX_TIME};
use super::interrupt::{self, CancelFlag, InterruptibleConnection};
use super::statements::{execute, query};

/// A transaction. BEGIN runs before the first statement, on the same thread.
pub(crate) struct SqliteTransaction {
    /// Shared with statements that run on another thread: if the transaction is dropped meanwhile, the connection is
    /// returned only when the statement has ended.
    connection: Arc<BorrowedConnection>,
    /// What begins the transaction, until it has run.
    begin: Option<Begin>,
    /// The group that commits the transaction together with others.
    call: Option<Call>,
    /// Whether the transaction has begun and not yet been committed.
    open: bool,
    /// Whether statements run on the calling thread. `Store` runs a transaction on one blocking thread from beginning to end,
    /// since changing the thread costs as much as a statement. The writes of `TableStore` send their statements to a blocking
    /// thread.
    on_calling_thread: bool,
    cancelled: CancelFlag,
    _cancel_on_drop: interrupt::CancelOnDrop,
    timeout: Duration,
}

/// What begins a transaction.
#[derive(Clone, Copy)]
enum Begin {
    Statement(&'static str),
    /// A call of a group.
    Call,
}

/// A transaction that is committed together with others.
struct Call {
    group: Arc<Group>,
    /// Whether other calls have ended in the group before.
    is_dependent: bool,
    /// Whether the answer of the call depends on the commit of the group.
    awaits_commit: Arc<AtomicBool>,
    start: Instant,
    /// The bytes of the parameters so far.
    bytes: usize,
}

/// Runs statements on a locked connection.
struct Runner<'a> {
    connection: &'a InterruptibleConnection,
    cancelled: CancelFlag,
    timeout: Duration,
}

impl Runner<'_> {
    fn run<T>(&self, statement: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.run(&self.cancelled, self.timeout, statement)
    }

    /// Begins a transaction. A group that is open is committed before one that is no call of it.
    fn begin(&self, borrowed: &BorrowedConnection, begin: Begin) -> rusqlite::Result<()> {
        let sql = match begin {
            Begin::Statement(sql) => sql,
            Begin::Call => {
                borrowed.set_in_call(true);
                return self.run(Groups::begin_call);
            }
        };
        if let Some(groups) = borrowed.groups() {
            groups.commit(self.connection.uninterrupted());
        }
        borrowed.set_in_transaction();
        self.run(|connection| execute(connection, sql))
    }

    /// Commits. A COMMIT is never interrupted, so its result is always known.
    fn commit(&self) -> rusqlite::Result<()> {
        execute(self.connection.uninterrupted(), "COMMIT")
    }
}

impl SqliteTransaction {
    pub(super) fn new(connection: BorrowedConnection, mode: Mode, timeout: Duration) -> Self {
        let call = connection.groups().filter(|_| mode == Mode::WriteInGroup).map(|groups| {
            let group = groups.join();
            let is_dependent = group.has_calls();
            let awaits_commit = Arc::new(AtomicBool::new(is_dependent));
            Call { group, is_dependent, awaits_commit, start: Instant::now(), bytes: 0 }
        });
        let begin = match mode {
            Mode::Single => None,
            Mode::Read => Some(Begin::Statement("BEGIN")),
            Mode::WriteInGroup if call.is_some() => Some(Begin::Call),
            Mode::Write | Mode::WriteInGroup => Some(Begin::Statement("BEGIN IMMEDIATE")),
        };
        let cancelled = CancelFlag::default();
        Self {
            _cancel_on_drop: cancelled.cancel_on_drop(),
            cancelled,
            connection: Arc::new(connection),
            begin,
            call,
            open: false,
            on_calling_thread: false,
            timeout,
        }
    }

    /// Runs statements and returns the rows of each, and then commits if `commit`, all on one thread: changing the thread
    /// costs as much as a statement.
    async fn query_all(
        &mut self,
        statements: Vec<Statement>,
        commit: bool,
    ) -> Result<Vec<Rows>, DatabaseError> {
        let commit = commit && (self.open || !statements.is_empty());
        if statements.is_empty() && !commit {
            return Ok(Vec::new());
        }
        self.count_bytes(&statements);
        let call = self.call.as_ref().filter(|_| commit);
        let call = call.map(|call| (call.group.clone(), call.bytes, call.awaits_commit.clone()));
        let (borrowed, cancelled) = (self.connection.clone(), self.cancelled.clone());
        let found = self.run(move |runner| {
            let query = |Statement { sql, params }| runner.run(|connection| query(connection, &sql, params));
            let found = statements.into_iter().map(query).collect::<Result<_, _>>()?;
            match (call, borrowed.groups()) {
                (Some((group, bytes, awaits_commit)), Some(groups)) => {
                    if cancelled.is_set() {
                        return Err(interrupt::cancelled());
                    }
                    awaits_commit.store(true, Ordering::Release);
                    let connection = runner.connection.uninterrupted();
                    let is_open = groups.end_call(connection, &group, bytes)?;
                    borrowed.set_in_call(false);
                    if is_open {
                        borrowed.commit_group_later();
                    }
                }
                _ if commit => runner.commit()?,
                _ => {}
            }
            Ok(found)
        });
        let found = found.await?;
        self.open &= !commit;
        Ok(found)
    }

    fn count_bytes(&mut self, statements: &[Statement]) {
        let Some(call) = &mut self.call else { return };
        let params = statements.iter().flat_map(|statement| &statement.params);
        call.bytes +=
            params.map(|param| if let Param::Text(text) = param { text.len() } else { 8 }).sum::<usize>();
    }

    /// Runs work of the application on the connection, on the thread of the transaction.
    pub(crate) async fn with_connection<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.run(move |runner| runner.run(work)).await
    }

    /// Runs work on the connection, after BEGIN if the transaction has not begun: on the calling thread or on a
    /// blocking thread, according to the mode.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Runner<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (connection, mut cancelled, timeout) =
            (self.connection.clone(), self.cancelled.clone(), self.timeout);
        if let Some(call) = &self.call
            && call.is_dependent
        {
            if call.start.elapsed() > MAX_TIME {
                return Err(DatabaseError::Conflict("other writes wait for this one".into()));
            }
            if cancelled.is_set() {
                return Err(interrupt::cancelled().into());
            }
            // SQLite rolls back the whole transaction when it interrupts a statement that writes.
            cancelled = CancelFlag::default();
        }
        let begin = self.begin.take();
        self.open |= begin.is_some();
        let work = move || {
            let locked = connection.lock()?;
            let runner = Runner { connection: &locked, cancelled, timeout };
            if let Some(begin) = begin {
                runner.begin(&connection, begin)?;
            }
            Ok(work(&runner)?)
        };
        if self.on_calling_thread {
            return work();
        }
        spawn_blocking(work).await.map_err(|error| DatabaseError::Unexpected(error.into()))?
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        self.query_all(statements, false).await
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        self.count_bytes(&statements);
        self.run(move |runner| {
            let execute = |Statement { sql, params }: Statement| {
                let changed = runner
                    .run(|connection| connection.prepare_cached(&sql)?.execute(params_from_iter(params)))?;
                Ok(changed as u64)
            };
            statements.into_iter().map(execute).collect()
        })
        .await
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let commits = self.open || !statements.is_empty();
        let found = self.query_all(statements, true).await?;
        let group = self.call.as_ref().filter(|_| commits).map(|call| call.group.clone());
        let on_calling_thread = self.on_calling_thread;
        // The calls that wait for the connection continue the group.
        drop(self);
        if let Some(group) = group.filter(|_| !on_calling_thread) {
            group.ended().await?;
        }
        Ok(found)
    }

    fn dependencies(&self) -> Option<Dependencies> {
        let call = self.call.as_ref()?;
        let (group, awaits_commit) = (call.group.clone(), call.awaits_commit.clone());
        Some(Dependencies::new(async move {
            match awaits_commit.load(Ordering::Acquire) {
                true => group.ended().await,
                false => Ok(()),
            }
        }))
    }

    fn block_calling_thread(&mut self) -> Option<CancelOnDrop> {
        self.on_calling_thread = true;
        Some(CancelOnDrop::new(self.cancelled.cancel_on_drop()))
    }

    fn driver(&mut self) -> &mut dyn Any {
        self
    }
}
