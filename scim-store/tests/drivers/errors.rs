//! Tests that each driver sorts the errors of its database into the same cases.

use scim_store::{DatabaseError, Mode, Param};

use crate::driver::Driver;
use crate::support;

#[test]
fn violations_are_told_apart() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            driver.write(driver.insert(1, "a")).await.unwrap();
            let name = driver.name;
            let error = driver.write(driver.insert(2, "a")).await.unwrap_err();
            let DatabaseError::UniqueViolation { constraint, .. } = error else {
                panic!("{name}: {error:?}")
            };
            assert_eq!(constraint, if driver.is_postgres() { "item_name_key" } else { "item.name" });

            let insert = "INSERT INTO {}item (id, name, parent, size) VALUES ($1, $2, $3, $4)";
            let values = |name: Param, parent: i64, size: i64| {
                driver.statement(insert, [2.into(), name, parent.into(), size.into()])
            };
            let error = driver.write(values(Param::Null, 1, 1)).await.unwrap_err();
            let DatabaseError::NotNullViolation { column, .. } = error else { panic!("{name}: {error:?}") };
            assert_eq!(column, "name");

            let error = driver.write(values("b".into(), 3, 1)).await.unwrap_err();
            let DatabaseError::ForeignKeyViolation { constraint, .. } = error else {
                panic!("{name}: {error:?}")
            };
            assert_eq!(constraint, if driver.is_postgres() { "item_parent_fkey" } else { "" });

            let error = driver.write(values("b".into(), 1, -1)).await.unwrap_err();
            assert!(matches!(error, DatabaseError::InvalidValue(_)), "{name}: {error:?}");

            driver.write(values("b".into(), 1, 1)).await.unwrap();
            assert_eq!(driver.count().await, 2);
        });
    }
}

#[test]
fn a_constraint_that_is_checked_at_the_commit_refuses_it() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            let sql = "INSERT INTO {}item (id, name, guardian) VALUES (1, 'a', 3)";
            let error = driver.write(driver.statement(sql, [])).await.unwrap_err();
            let is_sorted = matches!(error, DatabaseError::ForeignKeyViolation { .. });
            assert!(is_sorted, "{}: {error:?}", driver.name);
            assert_eq!(driver.count().await, 0, "{}", driver.name);
        });
    }
}

#[test]
fn a_wrong_statement_is_a_bug() {
    let runtime = support::runtime();
    for driver in Driver::all(&runtime) {
        runtime.block_on(async {
            for (sql, params) in [
                ("SELECT nothing FROM {}item", Vec::new()),
                ("SELEC 1", Vec::new()),
                ("SELECT name FROM {}item WHERE id = $1", Vec::new()),
                ("SELECT name FROM {}item WHERE id = $1", vec![1.into(), 2.into()]),
            ] {
                // SQLite takes NULL for a parameter without a value.
                if !driver.is_postgres() && sql.contains('$') {
                    continue;
                }
                let mut tx = driver.begin(Mode::Read).await;
                let error = tx.query(vec![driver.statement(sql, params)]).await.unwrap_err();
                assert!(matches!(error, DatabaseError::Unexpected(_)), "{}: {error:?}", driver.name);
            }
        });
    }
}
