//! Every statement of the store says which tenant is meant, for each table that it names.

use scim_sql::Dialect;
use scim_store::Database as _;

use crate::support;
use crate::support::recording::RecordingDatabase;
use crate::support::tenant_equality::unrestricted_tables;

/// The tenant column of a table. `meta` belongs to no tenant, and the search index of SQLite is keyed by `place` only.
fn tenant_column(table: &str) -> Option<&'static str> {
    (!matches!(table, "meta" | "search" | "search_pending")).then_some("tenant")
}

/// Checks the statements that the store has run on a database.
pub(crate) fn check_statements(database: &support::Database, recording: &RecordingDatabase) {
    let statements = recording.statements();
    assert!(statements.len() > 50, "{}: only {} statements", database.url, statements.len());
    // The search index of SQLite is written for the resources of all tenants at once.
    for sql in statements.iter().filter(|sql| !sql.starts_with("INSERT INTO search (")) {
        let unrestricted = unrestricted_tables(sql, recording.dialect(), &tenant_column);
        assert!(unrestricted.is_empty(), "{}: {unrestricted:?}\n{sql}", database.url);
    }
    if recording.dialect() == Dialect::Sqlite {
        read_no_whole_tenant(database, statements.iter());
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

#[test]
fn tables_without_an_equality_are_found() {
    let tenant = |table: &str| (table != "meta").then_some("tenant");
    let check = |sql: &str| unrestricted_tables(sql, Dialect::Postgres, &tenant);
    for (sql, tables) in [
        ("SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.id = $2", &[][..]),
        ("SELECT 1 FROM resource r WHERE r.tenant = $1 OR r.id = $2", &["resource r"]),
        ("SELECT 1 FROM resource r WHERE r.id = $2", &["resource r"]),
        ("SELECT value FROM meta WHERE name = 'schema'", &[]),
        ("SELECT 1 FROM member m JOIN resource g ON g.place = m.place WHERE m.tenant = $1", &["resource g"]),
        ("SELECT 1 FROM member m JOIN resource g ON g.tenant = m.tenant WHERE m.tenant = $1", &[]),
        (
            "SELECT 1 FROM resource g WHERE g.place IN (SELECT m.place FROM member m WHERE m.tenant = $1) \
             FOR NO KEY UPDATE OF g",
            &["resource g"],
        ),
        (
            "SELECT 1 FROM resource r WHERE r.tenant = $1 AND NOT EXISTS \
             (SELECT 1 FROM member m WHERE m.tenant = r.tenant AND m.member = r.id)",
            &[],
        ),
        ("UPDATE resource SET version = $2 WHERE place = $1", &["resource resource"]),
        ("UPDATE resource SET version = $2 WHERE tenant = $3 AND place = $1", &[]),
        ("DELETE FROM member WHERE place = $1", &["member member"]),
        ("INSERT INTO member (place, member) VALUES ($1, $2)", &["member"]),
        ("INSERT INTO member (tenant, place) SELECT $1, e.value FROM json_each($2) e", &[]),
        (
            "WITH RECURSIVE up (id) AS (SELECT m.place FROM member m WHERE m.tenant = $1 UNION \
             SELECT m.place FROM up JOIN member m ON m.member = up.id) SELECT id FROM up",
            &["member m"],
        ),
    ] {
        assert_eq!(check(sql), tables, "{sql}");
    }
}
