//! PostgreSQL: a pool of connections.

mod error;
mod syntax;
mod transaction;

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Timeouts};
use scim_sql::Dialect;
use tokio_postgres::{Config, NoTls, Row};

use super::error::DatabaseError;
use super::migration::Migrations;
use super::statement::Mode;
pub(crate) use transaction::Transaction;

/// How long a call waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may leave sent data unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum number of connections.
const CONNECTIONS: usize = 16;

/// How many prepared statements a connection keeps. There are as many statements as shapes of filters, so
/// there must be a limit.
const PREPARED_STATEMENTS: usize = 256;

/// How often a process that starts tries to create the first table, and the pause between two tries.
const CREATE_TRIES: usize = 6;
const CREATE_PAUSE: Duration = Duration::from_millis(50);

/// The connections to one server.
pub(crate) struct Pool(deadpool_postgres::Pool);

impl Pool {
    /// Connects to a server, and brings the tables up to date.
    pub(crate) async fn open(url: &str, migrations: Migrations) -> Result<Self, DatabaseError> {
        let mut config: Config =
            url.parse().map_err(|_| DatabaseError::unexpected("the URL is not one of PostgreSQL"))?;
        // The options of the URL come later, so they win.
        let options = config.get_options().unwrap_or_default();
        let options = format!("-c statement_timeout=30s -c lock_timeout=10s {options}");
        config.options(options.trim_end());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECTION_TIMEOUT);
        }
        // So that a server that vanishes without closing its connections is noticed.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeout = Some(CONNECTION_TIMEOUT);
        let pool = deadpool_postgres::Pool::builder(Manager::from_config(config, NoTls, manager))
            .max_size(CONNECTIONS)
            .timeouts(Timeouts { wait: timeout, create: timeout, recycle: timeout })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let pool = Self(pool);
        pool.migrate(migrations).await?;
        Ok(pool)
    }

    async fn client(&self) -> Result<Object, DatabaseError> {
        self.0.get().await.map_err(|error| DatabaseError::Unavailable(error.into()))
    }

    /// Brings the tables up to date. The lock of the version's row makes two processes that start at once do
    /// this one after the other.
    async fn migrate(&self, migrations: Migrations) -> Result<(), DatabaseError> {
        let Migrations { create_version, select_version, missing } = migrations;
        let missing = |version: &Row| missing(version.try_get(0)?, Dialect::Postgres);
        let mut client = self.client().await?;
        // If nothing is missing nothing is written, which a read-only replica would refuse.
        if let Ok(version) = client.query_one(select_version, &[]).await
            && missing(&version)?.is_empty()
        {
            return Ok(());
        }
        let mut tries = 1;
        // Two processes that create the first table at once collide in the catalogue; a later try finds it.
        while let Err(error) = client.batch_execute(create_version).await {
            if tries == CREATE_TRIES {
                return Err(error.into());
            }
            tries += 1;
            tokio::time::sleep(CREATE_PAUSE).await;
        }
        let transaction = client.transaction().await?;
        // Migrating a large database takes long, and so does waiting for another process that does.
        let no_timeouts = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        transaction.batch_execute(no_timeouts).await?;
        let version = transaction.query_one(&format!("{select_version} FOR UPDATE"), &[]).await?;
        for sql in missing(&version)? {
            transaction.batch_execute(&sql).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// A transaction; its first statement begins it.
    pub(crate) async fn begin(&self, mode: Mode) -> Result<Transaction, DatabaseError> {
        let client = self.client().await?;
        if client.statement_cache.size() > PREPARED_STATEMENTS {
            client.statement_cache.clear();
        }
        Ok(Transaction::new(client, mode))
    }
}
