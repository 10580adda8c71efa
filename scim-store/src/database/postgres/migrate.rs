//! Upgrades the tables of a database.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object, Pool};
use scim_sql::Dialect;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::super::error::DatabaseError;
use super::super::migration::{MigrationStep, Migrations, OnlineIndex};

/// How many times a process tries to create the first table, and the pause between two attempts.
const CREATE_ATTEMPTS: usize = 6;
const CREATE_PAUSE: Duration = Duration::from_millis(50);

/// How many times a step waits for its locks, for how long, and the pause between two attempts, in which other transactions
/// go on.
const LOCK_ATTEMPTS: usize = 60;
const LOCK_TIMEOUT: &str = "2s";
const LOCK_PAUSE: Duration = Duration::from_millis(500);

/// The number of the lock that the process holds that builds indexes, and the pause before another process tries to take it.
const INDEX_LOCK: i64 = 0x7363_696d_2d69_6478;
const INDEX_PAUSE: Duration = Duration::from_millis(200);

/// Upgrades the tables, step by step. `has_settings` says whether the connections have timeouts. All statements are
/// unnamed, since pgbouncer may give each transaction another connection to the server.
pub(super) async fn migrate(
    pool: &Pool,
    migrations: Migrations,
    has_settings: bool,
) -> Result<(), DatabaseError> {
    // Neither connection returns to the pool: one has no timeouts afterwards, and the other an open transaction.
    let mut client = connect(pool).await?;
    // A read-only replica would refuse any write, so nothing is written if the tables are of the latest version.
    if let Ok(stored) = version(&client, migrations).await
        && (migrations.next)(&stored, Dialect::Postgres)?.is_none()
    {
        return Ok(());
    }
    create_version(&client, migrations).await?;
    // Building an index may take long, and so may waiting for another process that does it.
    if has_settings {
        client.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
    }
    loop {
        let stored = version(&client, migrations).await?;
        let Some(step) = (migrations.next)(&stored, Dialect::Postgres)? else { return Ok(()) };
        let mut guard = None;
        if !step.indexes.is_empty() {
            let lock = guard.insert(connect(pool).await?);
            if !lock_indexes(lock).await? {
                tokio::time::sleep(INDEX_PAUSE).await;
                continue;
            }
        }
        for index in step.indexes {
            build_index(&client, index).await?;
        }
        let mut attempts = 1;
        while let Err(error) = run_step(&mut client, migrations, &stored, &step).await {
            if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) || attempts == LOCK_ATTEMPTS {
                return Err(error.into());
            }
            attempts += 1;
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }
}

/// A connection that does not return to the pool.
async fn connect(pool: &Pool) -> Result<ClientWrapper, DatabaseError> {
    let client = pool.get().await.map_err(|error| DatabaseError::Unavailable(error.into()))?;
    Ok(Object::take(client))
}

/// Takes the lock for building indexes, until the connection is closed; false if another process has it. This never waits:
/// a process that builds an index would wait for the transaction of the one that waits for it.
async fn lock_indexes(client: &Client) -> Result<bool, tokio_postgres::Error> {
    client.batch_execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    // A prepared statement would keep its snapshot as long as the transaction is open, and indexes that are built wait for
    // all older snapshots.
    let answer = client.simple_query(&format!("SELECT pg_try_advisory_xact_lock({INDEX_LOCK})")).await?;
    let is_locked = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("t"),
        _ => false,
    };
    Ok(answer.iter().any(is_locked))
}

/// The stored version.
async fn version(client: &Client, migrations: Migrations) -> Result<String, tokio_postgres::Error> {
    client.query_typed_one(migrations.select_version, &[]).await?.try_get(0)
}

/// Creates the table with the version, unless it exists.
async fn create_version(client: &Client, migrations: Migrations) -> Result<(), DatabaseError> {
    let mut attempts = 1;
    // If two processes create the first table at the same time, one may fail although the statement says IF NOT
    // EXISTS. Its next attempt finds the table.
    while let Err(error) = client.batch_execute(migrations.create_version).await {
        if attempts == CREATE_ATTEMPTS {
            return Err(error.into());
        }
        attempts += 1;
        tokio::time::sleep(CREATE_PAUSE).await;
    }
    Ok(())
}

/// Runs the statements of a step, unless another process has run them meanwhile. Locks the row with the version, so that
/// of two processes one waits for the other.
async fn run_step(
    client: &mut Client,
    migrations: Migrations,
    stored: &str,
    step: &MigrationStep,
) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    // A statement that waits for the lock of a whole table makes all others wait, so it does not wait for long.
    if step.is_shared {
        transaction.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")).await?;
    }
    let locked =
        transaction.query_typed_one(&format!("{} FOR UPDATE", migrations.select_version), &[]).await?;
    if locked.try_get::<_, &str>(0)? != stored {
        return Ok(());
    }
    for sql in &step.statements {
        transaction.batch_execute(sql).await?;
    }
    transaction.commit().await
}

/// Builds an index while other transactions go on.
async fn build_index(client: &Client, index: &OnlineIndex) -> Result<(), DatabaseError> {
    let state = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1::text)";
    let found = client.query_typed_opt(state, &[(&index.name, Type::TEXT)]).await?;
    match found.map(|row| row.try_get(0)).transpose()? {
        Some(true) => return Ok(()),
        // It is the rest of a process that was killed.
        Some(false) => {
            client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.name)).await?;
        }
        None => {}
    }
    Ok(client.batch_execute(&index.create(true)).await?)
}
