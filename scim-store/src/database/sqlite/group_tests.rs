//! Tests that calls of a group are committed together, and that none harms another.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use tokio::task::JoinSet;

use super::Sqlite;
use super::group::MAX_TIME;
use crate::database::{Database as _, DatabaseError, Mode, Statement, Transaction, params};

/// A file with a table of numbers, which counts commits and can refuse them.
struct Numbers {
    database: Arc<Sqlite>,
    file: PathBuf,
    commits: Arc<AtomicUsize>,
    refuses: Arc<AtomicBool>,
}

impl Numbers {
    async fn new() -> Self {
        let file = std::env::temp_dir().join(format!("scim-group-{}.db", scim_core::new_id()));
        let sql = "PRAGMA journal_mode = WAL; CREATE TABLE number (n integer PRIMARY KEY) STRICT; \
                   CREATE TABLE large (n integer, text text)";
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let (commits, refuses) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (path, counter, refused) = (file.clone(), commits.clone(), refuses.clone());
        let database = Sqlite::connect(move || {
            let connection = Connection::open(&path)?;
            connection.pragma_update(None, "max_page_count", 200)?;
            let (counter, refused) = (counter.clone(), refused.clone());
            connection.commit_hook(Some(move || {
                counter.fetch_add(1, Ordering::SeqCst);
                refused.load(Ordering::SeqCst)
            }));
            Ok(connection)
        });
        Self { database: Arc::new(database.await.unwrap()), file, commits, refuses }
    }

    async fn begin(&self) -> Box<dyn Transaction> {
        self.database.begin(Mode::WriteInGroup).await.unwrap()
    }

    /// Starts calls that insert these numbers, and waits until they wait for the connection.
    async fn start(&self, numbers: impl IntoIterator<Item = i64>) -> JoinSet<Result<(), DatabaseError>> {
        let mut calls = JoinSet::new();
        for number in numbers {
            let database = self.database.clone();
            calls.spawn(async move {
                let tx = database.begin(Mode::WriteInGroup).await?;
                tx.commit(vec![insert(number)]).await.map(|_| ())
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        calls
    }

    /// The stored numbers, as another process sees them.
    fn stored(&self) -> Vec<i64> {
        let connection = Connection::open(&self.file).unwrap();
        let mut numbers = connection.prepare("SELECT n FROM number ORDER BY n").unwrap();
        numbers.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.file.display()));
        }
    }
}

fn insert(number: i64) -> Statement {
    Statement::new("INSERT INTO number VALUES (?1)", params![number])
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_share_a_commit() {
    let numbers = Numbers::new().await;
    let tx = numbers.begin().await;
    let calls = numbers.start(1..32).await;
    tx.commit(vec![insert(0)]).await.unwrap();
    assert!(calls.join_all().await.into_iter().all(|result| result.is_ok()));
    assert_eq!(numbers.stored(), (0..32).collect::<Vec<_>>());
    let commits = numbers.commits.load(Ordering::SeqCst);
    assert!(commits <= 2, "{commits} commits");
    // A call for which nobody waits is committed at once.
    numbers.begin().await.commit(vec![insert(99)]).await.unwrap();
    assert_eq!(numbers.commits.load(Ordering::SeqCst), commits + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_or_is_dropped_takes_nothing_with_it() {
    let numbers = Numbers::new().await;
    let first = numbers.begin().await;
    let database = numbers.database.clone();
    let (sender, dropped) = tokio::sync::oneshot::channel();
    let second = tokio::spawn(async move {
        let mut tx = database.begin(Mode::WriteInGroup).await.unwrap();
        tx.execute(vec![insert(50)]).await.unwrap();
        // It has seen the first call.
        let seen = tx.query(vec![Statement::new("SELECT count(*) FROM number", [])]).await.unwrap();
        let dependencies = tx.dependencies().unwrap();
        drop(tx);
        sender.send(()).unwrap();
        dependencies.committed().await.unwrap();
        seen[0].first().unwrap().int(0).unwrap()
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The first of these fails, since the number exists.
    let others = numbers.start([1, 2, 3]).await;
    first.commit(vec![insert(1)]).await.unwrap();
    dropped.await.unwrap();
    assert_eq!(second.await.unwrap(), 2);
    let results = others.join_all().await;
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(matches!(failed.as_slice(), [DatabaseError::UniqueViolation { .. }]), "{failed:?}");
    assert_eq!(numbers.stored(), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_fails_all_calls_of_its_group() {
    let numbers = Numbers::new().await;
    let first = numbers.begin().await;
    let others = numbers.start(1..5).await;
    numbers.refuses.store(true, Ordering::SeqCst);
    let first = first.commit(vec![insert(0)]).await;
    let results = others.join_all().await;
    for result in results.iter().chain([&first.map(|_| ())]) {
        assert!(matches!(result, Err(DatabaseError::Unavailable(_))), "{result:?}");
    }
    assert_eq!(numbers.stored(), [0; 0]);
    numbers.refuses.store(false, Ordering::SeqCst);
    numbers.begin().await.commit(vec![insert(7)]).await.unwrap();
    assert_eq!(numbers.stored(), [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_exactly_what_is_not_stored() {
    let numbers = Numbers::new().await;
    let first = numbers.begin().await;
    let mut calls = JoinSet::new();
    for number in 1..40_i64 {
        let database = numbers.database.clone();
        calls.spawn(async move {
            let tx = database.begin(Mode::WriteInGroup).await?;
            let sql = "INSERT INTO large (n, text) VALUES (?1, ?2)";
            let large = Statement::new(sql, params![number, "x".repeat(40_000)]);
            tx.commit(vec![insert(number), large]).await.map(|_| number)
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // SQLite rolls back the whole transaction if the disk is full. So all calls of the group are refused, and only they.
    let first = first.commit(vec![insert(0)]).await.map(|_| 0);
    let results = calls.join_all().await;
    let mut stored = Vec::new();
    for result in results.into_iter().chain([first]) {
        match result {
            Ok(number) => stored.push(number),
            Err(error) => assert!(matches!(error, DatabaseError::Unavailable(_)), "{error:?}"),
        }
    }
    stored.sort_unstable();
    assert!(stored.len() < 40, "the disk was not full");
    assert_eq!(numbers.stored(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_which_others_wait_for_long_is_a_conflict() {
    let numbers = Numbers::new().await;
    let first = numbers.begin().await;
    let database = numbers.database.clone();
    let slow = tokio::spawn(async move {
        let mut tx = database.begin(Mode::WriteInGroup).await?;
        tx.execute(vec![insert(10)]).await?;
        tokio::time::sleep(MAX_TIME * 2).await;
        tx.commit(vec![insert(11)]).await
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    first.commit(vec![insert(0)]).await.unwrap();
    let slow = slow.await.unwrap();
    assert!(matches!(slow, Err(DatabaseError::Conflict(_))), "{slow:?}");
    assert_eq!(numbers.stored(), [0]);
    // By itself, a call may take longer.
    let mut alone = numbers.database.begin(Mode::Write).await.unwrap();
    alone.execute(vec![insert(10)]).await.unwrap();
    tokio::time::sleep(MAX_TIME * 2).await;
    alone.commit(vec![insert(11)]).await.unwrap();
    assert_eq!(numbers.stored(), [0, 10, 11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_committed_although_those_who_waited_give_up() {
    let numbers = Numbers::new().await;
    let first = numbers.begin().await;
    let mut others = numbers.start(1..5).await;
    let first = tokio::spawn(first.commit(vec![insert(0)]));
    others.abort_all();
    first.await.unwrap().unwrap();
    while others.join_next().await.is_some() {}
    assert_eq!(numbers.stored().first(), Some(&0));
    // A transaction that is no call finds the group ended.
    let mut alone = numbers.database.begin(Mode::Write).await.unwrap();
    alone.execute(vec![insert(50)]).await.unwrap();
    drop(alone);
    assert!(!numbers.stored().contains(&50));
}
