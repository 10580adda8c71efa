//! The migrations of the tables: the statements that upgrade a database of any earlier version to this version.
//!
//! The table `meta` stores the version as the number of steps that were run, and the version of Unicode by whose
//! rules the stored keys are folded.

use std::ops::RangeInclusive;

use scim_core::schema::UNICODE_VERSION;
use scim_sql::Dialect;

use crate::database::{DatabaseError, MigrationStep, Migrations, OnlineIndex};

/// The migrations of the store's own tables.
pub(crate) const MIGRATIONS: Migrations =
    Migrations { create_version: META, select_version: "SELECT value FROM meta WHERE name = 'schema'", next };

/// Creates the table `meta`: the version, and later the cursor key.
pub(super) const META: &str = "
    CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL);
    INSERT INTO meta (name, value) VALUES ('schema', '0') ON CONFLICT DO NOTHING;
";

/// The latest version.
pub(super) const LATEST: usize = 11;

/// Each step, for SQLite and for PostgreSQL.
const STEPS: [[&str; 2]; LATEST] = [
    [include_str!("migrations/1.sql"), include_str!("migrations/1.sql")],
    [include_str!("migrations/2.sql"), include_str!("migrations/2.sql")],
    [include_str!("migrations/3.sqlite.sql"), include_str!("migrations/3.postgres.sql")],
    [include_str!("migrations/4.sql"), include_str!("migrations/4.sql")],
    [include_str!("migrations/5.sql"), include_str!("migrations/5.sql")],
    [include_str!("migrations/6.sql"), include_str!("migrations/6.sql")],
    [include_str!("migrations/7.sqlite.sql"), include_str!("migrations/7.postgres.sql")],
    // The tables of SQLite are never distributed.
    ["", include_str!("migrations/8.postgres.sql")],
    // PostgreSQL has no search index besides those of the columns.
    [include_str!("migrations/9.sqlite.sql"), ""],
    [include_str!("migrations/10.sql"), include_str!("migrations/10.sql")],
    [include_str!("migrations/11.sqlite.sql"), include_str!("migrations/11.postgres.sql")],
];

/// The indexes of PostgreSQL in which the tenant is first. Some of them become primary keys.
const TENANT_FIRST: [OnlineIndex; 8] = [
    OnlineIndex::unique("resource_key", "resource (tenant, place)"),
    OnlineIndex::unique("value_key", "value (tenant, place, attribute, element)"),
    OnlineIndex::unique("member_key", "member (tenant, place, member)"),
    OnlineIndex::new("member_nesting", "member (tenant, nested, member, place)"),
    OnlineIndex::new("unique_value_resource", "unique_value (tenant, place)"),
    OnlineIndex::new("resource_name_search", "resource USING gin (tenant, unique_name gin_trgm_ops)"),
    OnlineIndex::new("resource_display_search", "resource USING gin (tenant, display gin_trgm_ops)"),
    OnlineIndex::new("value_search", "value USING gin (tenant, value gin_trgm_ops)"),
];

/// The indexes that must exist before the statements of a step run.
fn indexes(step: usize, dialect: Dialect) -> &'static [OnlineIndex] {
    match (step, dialect) {
        (8, Dialect::Postgres) => &TENANT_FIRST,
        _ => &[],
    }
}

/// The step that upgrades tables of this version. A new database gets the tables of the latest version in one step.
fn next(stored: &str, dialect: Dialect) -> Result<Option<MigrationStep>, DatabaseError> {
    let done = done(stored)?;
    if done == LATEST {
        return Ok(None);
    }
    if done == 0 {
        let statements = create(1..=LATEST, dialect);
        return Ok(Some(MigrationStep { indexes: &[], is_shared: false, statements }));
    }
    let step = done + 1;
    let indexes = indexes(step, dialect);
    Ok(Some(MigrationStep { indexes, is_shared: true, statements: statements(step, dialect) }))
}

/// The number of steps that were run.
fn done(stored: &str) -> Result<usize, DatabaseError> {
    let (version, unicode) = stored.split_once(" unicode ").unwrap_or((stored, ""));
    let done: usize = version
        .parse()
        .map_err(|_| DatabaseError::unexpected("the version in table `meta` is not a number"))?;
    if done > LATEST {
        return Err(DatabaseError::unexpected(
            "the database was upgraded by a later version of this program; start that version",
        ));
    }
    let folded = unicode_version();
    if done > 0 && unicode != folded {
        return Err(DatabaseError::Unexpected(
            format!(
                "the keys in the database are folded by Unicode {unicode}, but this program folds by Unicode {folded}; \
                 start the program that wrote it, or create a new database"
            )
            .into(),
        ));
    }
    Ok(done)
}

/// The version of Unicode by whose rules this program folds texts.
fn unicode_version() -> String {
    let (major, minor, update) = UNICODE_VERSION;
    format!("{major}.{minor}.{update}")
}

/// The statements of some steps in a database that nobody else uses, where indexes need not be built online.
pub(super) fn create(steps: RangeInclusive<usize>, dialect: Dialect) -> Vec<String> {
    let one = |step: usize| {
        let indexes = indexes(step, dialect).iter().map(|index| index.create(false));
        indexes.chain(statements(step, dialect))
    };
    steps.flat_map(one).collect()
}

/// The statements of a step without those that create its indexes.
fn statements(step: usize, dialect: Dialect) -> Vec<String> {
    let sql = STEPS.get(step - 1).map(|[sqlite, postgres]| match dialect {
        Dialect::Sqlite => fill(sqlite, dialect),
        _ => fill(postgres, dialect),
    });
    let unicode = unicode_version();
    let version = format!("UPDATE meta SET value = '{step} unicode {unicode}' WHERE name = 'schema'");
    sql.into_iter().chain([version]).collect()
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
