//! Tests of what a transaction sees, and of what remains of it.

use scim_store::Mode;

use crate::driver::{Driver, count_in};
use crate::support;

#[test]
fn a_transaction_is_there_after_its_commit() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            let mut tx = driver.begin(Mode::Write).await;
            let changed = tx.execute(vec![driver.insert(1, "a"), driver.insert(2, "b")]).await.unwrap();
            assert_eq!(changed, [1, 1], "{}", driver.name);
            assert_eq!(count_in(&driver, &mut *tx).await, 2, "{}", driver.name);
            let rename = driver.statement("UPDATE {}item SET size = $1", [7.into()]);
            assert_eq!(tx.execute(vec![rename]).await.unwrap(), [2], "{}", driver.name);
            tx.commit(vec![driver.insert(3, "c")]).await.unwrap();
            assert_eq!(driver.count().await, 3, "{}", driver.name);
            driver.begin(Mode::Write).await.commit(Vec::new()).await.unwrap();
            driver.begin(Mode::Single).await.commit(Vec::new()).await.unwrap();
        });
    }
}

#[test]
fn a_dropped_transaction_is_rolled_back() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            // More transactions than connections, so each connection must come back.
            for n in 0..40 {
                let mut tx = driver.begin(Mode::Write).await;
                tx.execute(vec![driver.insert(1, "a")]).await.unwrap();
                if n % 2 == 0 {
                    tx.execute(vec![driver.insert(1, "a")]).await.unwrap_err();
                }
                drop(tx);
                drop(driver.begin(Mode::Write).await);
                drop(driver.begin(Mode::Read).await);
            }
            assert_eq!(driver.count().await, 0, "{}", driver.name);
            driver.write(driver.insert(1, "a")).await.unwrap();
        });
        // A transaction may also be dropped on a thread without a runtime.
        let mut tx = runtime.block_on(driver.begin(Mode::Write));
        runtime.block_on(tx.execute(vec![driver.insert(2, "b")])).unwrap();
        std::thread::spawn(move || drop(tx)).join().unwrap();
        runtime.block_on(async {
            driver.write(driver.insert(2, "b")).await.unwrap();
            assert_eq!(driver.count().await, 2, "{}", driver.name);
        });
    }
}

#[test]
fn nothing_remains_of_a_commit_whose_statement_fails() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            let tx = driver.begin(Mode::Write).await;
            tx.commit(vec![driver.insert(1, "a"), driver.insert(1, "b")]).await.unwrap_err();
            assert_eq!(driver.count().await, 0, "{}", driver.name);
        });
    }
}

#[test]
fn all_queries_of_a_read_see_the_same_state() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            driver.write(driver.insert(1, "a")).await.unwrap();
            let mut read = driver.begin(Mode::Read).await;
            assert_eq!(count_in(&driver, &mut *read).await, 1, "{}", driver.name);
            driver.write(driver.insert(2, "b")).await.unwrap();
            assert_eq!(count_in(&driver, &mut *read).await, 1, "{}", driver.name);
            drop(read);
            assert_eq!(driver.count().await, 2, "{}", driver.name);
        });
    }
}

#[test]
fn clients_can_make_any_number_of_statements() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            let mut tx = driver.begin(Mode::Read).await;
            for n in 0..600_i64 {
                let rows = tx.query(vec![driver.statement(&format!("SELECT {n} + 0"), [])]).await.unwrap();
                assert_eq!(rows[0].first().and_then(|row| row.int(0)), Some(n), "{}", driver.name);
            }
        });
    }
}
