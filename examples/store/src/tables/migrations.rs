//! The tables, step by step: these statements turn a database of any earlier version into one of this version.

use scim_core::schema::UNICODE_VERSION;
use scim_sql::Dialect;

use crate::database::{DatabaseError, Migrations};

/// What brings the store's own tables up to date.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    create_version: META,
    select_version: "SELECT value FROM meta WHERE name = 'schema'",
    missing,
};

/// The table in which the store keeps what it knows about itself.
pub(super) const META: &str = "
    CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL);
    INSERT INTO meta (name, value) VALUES ('schema', '0') ON CONFLICT DO NOTHING;
    INSERT INTO meta (name, value) VALUES ('nesting', '') ON CONFLICT DO NOTHING;
";

/// Each step, for both databases.
const STEPS: [[&str; 2]; 6] = [
    [include_str!("migrations/1.sql"), include_str!("migrations/1.sql")],
    [include_str!("migrations/2.sql"), include_str!("migrations/2.sql")],
    [include_str!("migrations/3.sqlite.sql"), include_str!("migrations/3.postgres.sql")],
    [include_str!("migrations/4.sql"), include_str!("migrations/4.sql")],
    [include_str!("migrations/5.sql"), include_str!("migrations/5.sql")],
    [include_str!("migrations/6.sql"), include_str!("migrations/6.sql")],
];

/// The statements that bring tables of this version up to date.
fn missing(version: &str, dialect: Dialect) -> Result<Vec<String>, DatabaseError> {
    steps(version, STEPS.len(), dialect)
}

/// The statements from one version to another.
pub(super) fn steps(stored: &str, last: usize, dialect: Dialect) -> Result<Vec<String>, DatabaseError> {
    let (version, unicode) = stored.split_once(" unicode ").unwrap_or((stored, ""));
    let done: usize =
        version.parse().map_err(|_| DatabaseError::unexpected("the version of the tables is unreadable"))?;
    if done > STEPS.len() {
        return Err(DatabaseError::unexpected("the database was made by a later version of the store"));
    }
    let (major, minor, update) = UNICODE_VERSION;
    let folded = format!("{major}.{minor}.{update}");
    if done > 0 && unicode != folded {
        return Err(DatabaseError::Unexpected(
            format!("the database is folded by Unicode {unicode}; this store folds by {folded}").into(),
        ));
    }
    let mut statements: Vec<String> = STEPS
        .iter()
        .take(last)
        .skip(done)
        .map(|[sqlite, postgres]| match dialect {
            Dialect::Sqlite => fill(sqlite, dialect),
            _ => fill(postgres, dialect),
        })
        .collect();
    if !statements.is_empty() {
        statements.push(format!("UPDATE meta SET value = '{last} unicode {folded}' WHERE name = 'schema'"));
    }
    Ok(statements)
}

fn fill(sql: &str, dialect: Dialect) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{SERIAL}", "integer PRIMARY KEY"),
            ("{TEXT}", "text"),
            ("{BOOL}", "integer"),
            ("{JSON}", "text"),
            ("{DOCUMENT}", "text"),
            ("{ROWLESS}", " WITHOUT ROWID"),
            ("{SECRET}", "lower(hex(randomblob(32)))"),
        ],
        _ => [
            ("{SERIAL}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
            // Ranges are by code point, as in memory.
            ("{TEXT}", "text COLLATE \"C\""),
            ("{BOOL}", "boolean"),
            ("{JSON}", "jsonb"),
            ("{DOCUMENT}", "text"),
            ("{ROWLESS}", ""),
            ("{SECRET}", "CAST(gen_random_uuid() AS text) || CAST(gen_random_uuid() AS text)"),
        ],
    };
    words.iter().fold(sql.to_owned(), |sql, (word, meaning)| sql.replace(word, meaning))
}
