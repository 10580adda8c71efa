//! Tests of transactions whose future is dropped while a statement runs.

use std::time::Duration;

use scim_store::{Mode, Statement};
use tokio::time::{sleep, timeout};

use crate::driver::Driver;
use crate::support;

#[test]
fn a_transaction_that_is_cancelled_at_any_moment_is_complete_or_absent() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            for round in 0..120_u64 {
                let (first, second) =
                    (i64::try_from(round).unwrap() * 2, i64::try_from(round).unwrap() * 2 + 1);
                let work = async {
                    let mut tx = driver.begin(Mode::Write).await;
                    // A new text each time, so that the statement is prepared, too.
                    let sql = format!("INSERT INTO {{}}item (id, name) VALUES ($1, $2) /* {round} */");
                    let name = format!("n{first}");
                    tx.execute(vec![driver.statement(&sql, [first.into(), name.into()])]).await.unwrap();
                    tx.commit(vec![driver.insert(second, &format!("n{second}"))]).await.unwrap();
                };
                let _ = timeout(Duration::from_micros(30 * round), work).await;
                if round % 10 == 9 {
                    // A dropped COMMIT may still be on its way.
                    sleep(Duration::from_millis(50)).await;
                    let count = driver.count().await;
                    assert_eq!(count % 2, 0, "{}, round {round}", driver.name);
                }
            }
            // Every connection is good for another transaction.
            let clear = driver.statement("DELETE FROM {}item", []);
            driver.write(clear).await.unwrap();
            for n in 0..40 {
                driver.write(driver.insert(n, &n.to_string())).await.unwrap();
            }
            assert_eq!(driver.count().await, 40, "{}", driver.name);
        });
    }
}

fn rename(driver: &Driver, name: &str) -> Statement {
    driver.statement("UPDATE {}parent SET name = $1 WHERE id = 1", [name.into()])
}

#[test]
fn a_transaction_that_is_cancelled_while_it_waits_for_a_lock_changes_nothing() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            let mut holder = driver.begin(Mode::Write).await;
            holder.execute(vec![rename(&driver, "held")]).await.unwrap();
            for n in 0..10 {
                let work = async {
                    let rename = rename(&driver, &format!("cancelled {n}"));
                    driver.database.begin(Mode::Write).await?.execute(vec![rename]).await
                };
                assert!(timeout(Duration::from_millis(30), work).await.is_err(), "{}", driver.name);
            }
            holder.commit(Vec::new()).await.unwrap();
            driver.write(driver.insert(1, "a")).await.unwrap();
            sleep(Duration::from_millis(200)).await;
            let select = driver.statement("SELECT name FROM {}parent WHERE id = 1", []);
            let rows = driver.begin(Mode::Single).await.query(vec![select]).await.unwrap();
            assert_eq!(rows[0].first().unwrap().text(0), Some("held"), "{}", driver.name);
        });
    }
}

#[test]
fn a_cancelled_query_returns_its_connection() {
    let runtime = support::runtime();
    for driver in Driver::postgres(&runtime) {
        let database = driver.with_settings(&runtime, 1, &[("statement_timeout", "400ms")]);
        runtime.block_on(async {
            for mode in [Mode::Single, Mode::Read, Mode::Write] {
                // The first ends by itself, the second by the timeout.
                for seconds in ["0.2", "10"] {
                    let work = async {
                        let sql = format!("SELECT pg_sleep({seconds})::text");
                        database.begin(mode).await?.query(vec![Statement::new(sql, [])]).await
                    };
                    assert!(timeout(Duration::from_millis(100), work).await.is_err(), "{}", driver.name);
                    let rows = database.begin(Mode::Single).await.unwrap();
                    let rows = { rows }.query(vec![Statement::new("SELECT 1", [])]).await.unwrap();
                    assert_eq!(rows[0].first().unwrap().int(0), Some(1), "{}", driver.name);
                }
            }
        });
    }
}
