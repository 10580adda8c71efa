//! Tests of the errors of a PostgreSQL server, by each of its drivers.

use std::net::SocketAddr;
use std::time::Duration;

use scim_store::{DatabaseError, Mode, Statement};
use tokio::time::sleep;

use crate::driver::Driver;
use crate::support;
use crate::support::proxy::{Fault, Proxy, replace_address};

fn lock(driver: &Driver, id: i64) -> Statement {
    driver.statement("SELECT name FROM {}parent WHERE id = $1 FOR UPDATE", [id.into()])
}

#[test]
fn a_deadlock_is_a_conflict() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        runtime.block_on(async {
            let (mut first, mut second) = (driver.begin(Mode::Write).await, driver.begin(Mode::Write).await);
            first.query(vec![lock(&driver, 1)]).await.unwrap();
            second.query(vec![lock(&driver, 2)]).await.unwrap();
            // Whichever the server aborts is dropped, so that the other one gets its lock.
            let other = lock(&driver, 2);
            let first = tokio::spawn(async move { first.query(vec![other]).await.map(drop) });
            let second = second.query(vec![lock(&driver, 1)]).await.map(drop);
            let errors: Vec<DatabaseError> =
                [first.await.unwrap(), second].into_iter().filter_map(Result::err).collect();
            assert!(matches!(errors.as_slice(), [DatabaseError::Conflict(_)]), "{}: {errors:?}", driver.name);
        });
    }
}

#[test]
fn a_transaction_that_reads_old_rows_conflicts_with_a_writer() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        let database = driver.with_settings(&runtime, 4, &[]);
        runtime.block_on(async {
            let mut tx = database.begin(Mode::Write).await.unwrap();
            // The first statement of the transaction may still change its level.
            let level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
            tx.execute(vec![Statement::new(level, [])]).await.unwrap();
            tx.query(vec![driver.statement("SELECT name FROM {}parent", [])]).await.unwrap();
            let rename = || driver.statement("UPDATE {}parent SET name = 'x' WHERE id = 1", []);
            driver.write(rename()).await.unwrap();
            let error = tx.execute(vec![rename()]).await.unwrap_err();
            assert!(matches!(error, DatabaseError::Conflict(_)), "{}: {error:?}", driver.name);
        });
    }
}

#[test]
fn timeouts_and_read_only_transactions_are_unavailable() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        let holder = runtime.block_on(async {
            let mut holder = driver.begin(Mode::Write).await;
            holder.query(vec![lock(&driver, 1)]).await.unwrap();
            holder
        });
        for setting in ["lock_timeout", "statement_timeout"] {
            let database = driver.with_settings(&runtime, 1, &[(setting, "100ms")]);
            runtime.block_on(async {
                let mut tx = database.begin(Mode::Write).await.unwrap();
                let error = tx.query(vec![lock(&driver, 1)]).await.unwrap_err();
                assert!(matches!(error, DatabaseError::Unavailable(_)), "{}: {error:?}", driver.name);
                drop(tx);
                database.begin(Mode::Write).await.unwrap().query(vec![lock(&driver, 2)]).await.unwrap();
            });
        }
        runtime.block_on(async {
            let error =
                driver.begin(Mode::Read).await.execute(vec![driver.insert(1, "a")]).await.unwrap_err();
            assert!(matches!(error, DatabaseError::Unavailable(_)), "{}: {error:?}", driver.name);
            holder.commit(Vec::new()).await.unwrap();
        });
    }
}

#[test]
fn a_closed_connection_is_unavailable_and_replaced() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        for mode in [Mode::Single, Mode::Write] {
            let mut tx = runtime.block_on(driver.begin(mode));
            let pid = Statement::new("SELECT pg_backend_pid()", []);
            let pid = runtime.block_on(tx.query(vec![pid])).unwrap()[0].first().unwrap().int(0).unwrap();
            driver.sql(&runtime, &format!("SELECT pg_terminate_backend({pid})"));
            runtime.block_on(async {
                sleep(Duration::from_millis(100)).await;
                let error = tx.query(vec![lock(&driver, 1)]).await.unwrap_err();
                assert!(matches!(error, DatabaseError::Unavailable(_)), "{}: {error:?}", driver.name);
                drop(tx);
                driver.count().await;
            });
        }
    }
}

#[test]
fn a_pool_without_connections_is_unavailable() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        let database = driver.with_settings(&runtime, 16, &[]);
        runtime.block_on(async {
            let mut transactions = Vec::new();
            for _ in 0..16 {
                transactions.push(database.begin(Mode::Single).await.unwrap());
            }
            let error = database.begin(Mode::Single).await.err().unwrap();
            assert!(matches!(error, DatabaseError::Unavailable(_)), "{}: {error:?}", driver.name);
            drop(transactions);
            database.begin(Mode::Single).await.unwrap();
        });
    }
}

#[test]
fn a_connection_that_breaks_during_the_commit_is_reported() {
    let runtime = support::runtime();
    let unused: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for driver in Driver::postgres(&runtime) {
        let proxy = Proxy::start(replace_address(&driver.url, unused).0);
        let database = driver.at(&runtime, &replace_address(&driver.url, proxy.address).1);
        runtime.block_on(async {
            for (id, fault) in [(1, Fault::BeforeCommit), (2, Fault::AfterCommit)] {
                let tx = database.begin(Mode::Write).await.unwrap();
                proxy.break_next(fault);
                let error = tx.commit(vec![driver.insert(id, &id.to_string())]).await.unwrap_err();
                assert!(proxy.has_broken());
                assert!(matches!(error, DatabaseError::CommitUnknown(_)), "{}: {error:?}", driver.name);
            }
            assert_eq!(driver.count().await, 1, "{}", driver.name);
            database.begin(Mode::Write).await.unwrap().commit(vec![driver.insert(1, "a")]).await.unwrap();
        });
    }
}

#[test]
fn statements_are_not_sent_without_a_transaction() {
    let runtime = support::runtime();
    let unused: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for driver in Driver::postgres(&runtime) {
        let proxy = Proxy::start(replace_address(&driver.url, unused).0);
        let database = driver.at(&runtime, &replace_address(&driver.url, proxy.address).1);
        let insert = || vec![driver.insert(1, "a")];
        for way in ["commit", "query", "execute"] {
            proxy.break_next(Fault::Begin);
            let result = runtime.block_on(async {
                let mut tx = database.begin(Mode::Write).await?;
                match way {
                    "commit" => tx.commit(insert()).await.map(drop),
                    "query" => tx.query(insert()).await.map(drop),
                    _ => tx.execute(insert()).await.map(drop),
                }
            });
            assert!(proxy.has_broken());
            assert!(result.is_err(), "{}, {way}", driver.name);
            assert_eq!(runtime.block_on(driver.count()), 0, "{}, {way}", driver.name);
        }
    }
}
