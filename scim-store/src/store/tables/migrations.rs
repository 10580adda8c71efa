//! The migrations of the tables: the statements that upgrade a database of any earlier version to this version.
//!
//! The table `meta` stores the version as the number of steps that were run, and the version of Unicode by whose
//! rules the stored keys are folded.

use scim_core::schema::UNICODE_VERSION;
use scim_sql::Dialect;

use crate::database::{DatabaseError, Migrations};

/// The migrations of the store's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    create_version: META,
    select_version: "SELECT value FROM meta WHERE name = 'schema'",
    missing,
};

/// Creates the table `meta`: the version, a row to lock while groups are nested, and the cursor key.
pub(super) const META: &str = "
    CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL);
    INSERT INTO meta (name, value) VALUES ('schema', '0') ON CONFLICT DO NOTHING;
    INSERT INTO meta (name, value) VALUES ('nesting', '') ON CONFLICT DO NOTHING;
";

/// Each step, for SQLite and for PostgreSQL.
const STEPS: [[&str; 2]; 6] = [
    [include_str!("migrations/1.sql"), include_str!("migrations/1.sql")],
    [include_str!("migrations/2.sql"), include_str!("migrations/2.sql")],
    [include_str!("migrations/3.sqlite.sql"), include_str!("migrations/3.postgres.sql")],
    [include_str!("migrations/4.sql"), include_str!("migrations/4.sql")],
    [include_str!("migrations/5.sql"), include_str!("migrations/5.sql")],
    [include_str!("migrations/6.sql"), include_str!("migrations/6.sql")],
];

/// The statements that upgrade tables of this version.
fn missing(version: &str, dialect: Dialect) -> Result<Vec<String>, DatabaseError> {
    steps(version, STEPS.len(), dialect)
}

/// The statements that upgrade tables of the stored version to the version `last`.
pub(super) fn steps(stored: &str, last: usize, dialect: Dialect) -> Result<Vec<String>, DatabaseError> {
    let (version, unicode) = stored.split_once(" unicode ").unwrap_or((stored, ""));
    let done: usize = version
        .parse()
        .map_err(|_| DatabaseError::unexpected("the version in table `meta` is not a number"))?;
    if done > STEPS.len() {
        return Err(DatabaseError::unexpected(
            "the database was upgraded by a later version of this program; start that version",
        ));
    }
    let (major, minor, update) = UNICODE_VERSION;
    let folded = format!("{major}.{minor}.{update}");
    if done > 0 && unicode != folded {
        return Err(DatabaseError::Unexpected(
            format!(
                "the keys in the database are folded by Unicode {unicode}, but this program folds by Unicode {folded}; \
                 start the program that wrote it, or create a new database"
            )
            .into(),
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

/// Replaces the placeholders in a step by the words of the dialect.
fn fill(sql: &str, dialect: Dialect) -> String {
    let placeholders = match dialect {
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
            // This collation compares code point by code point, as the evaluator in memory does.
            ("{TEXT}", "text COLLATE \"C\""),
            ("{BOOL}", "boolean"),
            ("{JSON}", "jsonb"),
            ("{DOCUMENT}", "text"),
            ("{ROWLESS}", ""),
            ("{SECRET}", "CAST(gen_random_uuid() AS text) || CAST(gen_random_uuid() AS text)"),
        ],
    };
    placeholders.iter().fold(sql.to_owned(), |sql, (name, words)| sql.replace(name, words))
}
