//! PostgreSQL: a pool of connections.

mod error;
mod migrate;
mod transaction;
mod values;

use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use scim_core::async_trait;
use scim_sql::Dialect;
use tokio_postgres::{Config, NoTls};

use super::error::DatabaseError;
use super::migration::Migrations;
use super::statement::Mode;
use super::{Database, Transaction};
use migrate::migrate;
pub(crate) use transaction::PostgresTransaction;

/// How long a request waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may leave sent data unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum number of connections.
const CONNECTIONS: usize = 16;

/// How many prepared statements a connection keeps. Clients choose the shapes of filters, and each shape is another
/// statement, so there must be a limit.
const PREPARED_STATEMENTS: usize = 256;

/// A pool of connections to a PostgreSQL server, by `tokio-postgres` and `deadpool-postgres`.
///
/// ```
/// use scim_store::Postgres;
///
/// fn database(pool: deadpool_postgres::Pool) -> Postgres {
///     Postgres::new(pool)
/// }
/// ```
#[derive(Clone)]
pub struct Postgres(Pool);

impl Postgres {
    /// Uses the pool of the application. Its timeouts apply, and so do the settings of its connections.
    pub fn new(pool: Pool) -> Self {
        Self(pool)
    }

    /// Connects to a server, and upgrades the tables.
    pub(crate) async fn open_with_migrations(
        url: &str,
        migrations: Option<Migrations>,
    ) -> Result<Self, DatabaseError> {
        let mut config: Config =
            url.parse().map_err(|_| DatabaseError::unexpected("the URL is not a valid PostgreSQL URL"))?;
        // The server applies the options in their order, so those of the URL override these.
        let options = config.get_options().unwrap_or_default();
        let options = format!("-c statement_timeout=30s -c lock_timeout=10s {options}");
        config.options(options.trim_end());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECTION_TIMEOUT);
        }
        // Detects a server that disappears without closing its connections.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeout = Some(CONNECTION_TIMEOUT);
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager))
            .max_size(CONNECTIONS)
            .timeouts(Timeouts { wait: timeout, create: timeout, recycle: timeout })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let pool = Self(pool);
        match migrations {
            Some(migrations) => migrate(&pool.0, migrations).await?,
            // Reports a wrong URL now rather than at the first request.
            None => drop(pool.client().await?),
        }
        Ok(pool)
    }

    async fn client(&self) -> Result<Object, DatabaseError> {
        self.0.get().await.map_err(|error| DatabaseError::Unavailable(error.into()))
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    /// A transaction on a connection of the pool.
    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        let client = self.client().await?;
        if client.statement_cache.size() > PREPARED_STATEMENTS {
            client.statement_cache.clear();
        }
        Ok(Box::new(PostgresTransaction::new(client, mode)))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}
