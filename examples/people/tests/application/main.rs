//! Checks the application beside SCIM, on SQLite and on PostgreSQL: its page, its audit table, and its tables.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

/// Defines tests that run on SQLite and, if there is a server, on PostgreSQL.
macro_rules! on_each_database {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&crate::support::TestDatabase::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $test() {
                if let Some(database) = crate::support::TestDatabase::postgres() {
                    super::$test(&database);
                }
            })*
        }
    };
}

mod client;
mod people;
#[path = "../support/mod.rs"]
mod support;
mod tables;
