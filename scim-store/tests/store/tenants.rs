//! Every statement of the store says which tenant is meant, for each table that it names.

use std::sync::Arc;

use scim_core::Identity;
use scim_core::testing::Suite;
use scim_sql::Dialect;
use scim_store::{Database as _, Store};

use crate::support;
use crate::support::recording::RecordingDatabase;
use crate::support::tenant_equality::unrestricted_tables;

/// The tenant column of a table. `meta` belongs to no tenant, and the search index of SQLite is keyed by `place` only.
fn tenant_column(table: &str) -> Option<&'static str> {
    (!matches!(table, "meta" | "search")).then_some("tenant")
}

#[test]
fn every_statement_is_restricted_to_a_tenant() {
    for database in support::databases().into_iter().filter(|database| database.url != "sqlite::memory:") {
        let runtime = support::runtime();
        // Creates the tables; these statements are not recorded.
        drop(support::open(&runtime, &database));
        let opened = runtime.block_on(scim_store::open(&database.url)).unwrap();
        let recording = RecordingDatabase::new(Arc::new(opened));
        let store = runtime.block_on(Store::with_database(recording.clone())).unwrap();
        let store = store.unique("Group", "displayName");
        let run = support::tenant();
        let suite = Suite::new(store)
            .identities(move |n| Identity::new("suite").in_tenant(format!("{run}-{n}")))
            .block_on(move |task| runtime.block_on(task));
        let report = suite.report();
        assert!(report.failed.is_empty(), "{report}");
        let statements = recording.statements();
        assert!(statements.len() > 50, "{}: only {} statements", database.url, statements.len());
        for sql in &statements {
            let unrestricted = unrestricted_tables(sql, recording.dialect(), &tenant_column);
            assert!(unrestricted.is_empty(), "{}: {unrestricted:?}\n{sql}", database.url);
        }
        if recording.dialect() == Dialect::Sqlite {
            read_no_whole_tenant(&database, statements.iter());
        }
    }
}

/// No statement that finds rows by their place reads all rows of a tenant: SQLite may choose an index by its tenant alone.
fn read_no_whole_tenant<'s>(database: &support::Database, statements: impl Iterator<Item = &'s String>) {
    let connection = rusqlite::Connection::open(database.url.trim_start_matches("sqlite:")).unwrap();
    for sql in statements.filter(|sql| sql.contains("place = ?")) {
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines =
            explained.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<Result<Vec<_>, _>>();
        let lines = lines.unwrap();
        let reads_tenant =
            lines.iter().any(|line| line.ends_with("(tenant=?)") || line.starts_with("SCAN m"));
        assert!(!reads_tenant, "{sql}\n{lines:#?}");
    }
}
