//! PostgreSQL: a pool of connections.

mod error;
mod migrate;
mod tls;
mod transaction;
mod url;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use scim_core::async_trait;
use scim_sql::Dialect;

use super::error::DatabaseError;
use super::migration::Migrations;
use super::statement::Mode;
use super::{Database, PoolStatus, Transaction};
use migrate::migrate;
use tls::Tls;
pub(crate) use transaction::PostgresTransaction;
use url::UrlSettings;

/// How long a request waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

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
pub struct Postgres {
    pool: Pool,
    session: Session,
}

/// What the transactions of a pool have in common.
#[derive(Clone)]
struct Session {
    /// How the requests to cancel statements are encrypted.
    tls: Tls,
    /// The statements that set the timeouts of each transaction, if pgbouncer gives each transaction another connection
    /// to the server. Then a statement cannot be prepared for the next transaction either.
    local_settings: Option<Arc<str>>,
}

impl Postgres {
    /// Uses the pool of the application. Its timeouts apply, and so do the settings of its connections.
    ///
    /// If its connections are encrypted and the server refuses others, statements of requests that were cancelled are not
    /// cancelled, but run to their end or to their timeout.
    pub fn new(pool: Pool) -> Self {
        Self { pool, session: Session { tls: Tls::Off, local_settings: None } }
    }

    /// Connects to a server, and upgrades the tables.
    pub(crate) async fn open_with_migrations(
        url: &str,
        migrations: Option<Migrations>,
    ) -> Result<Self, DatabaseError> {
        let settings = UrlSettings::parse(url)?;
        let tls = Tls::new(&settings.tls)?;
        let connect_timeout = settings.connect_timeout();
        let lifetime = settings.connection_lifetime;
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(tls.manager(settings.config, manager))
            .max_size(settings.pool_size)
            .timeouts(Timeouts {
                wait: Some(CONNECTION_TIMEOUT),
                create: Some(connect_timeout),
                recycle: Some(CONNECTION_TIMEOUT),
            })
            .pre_recycle(Hook::sync_fn(move |_, metrics| match metrics.age() > lifetime {
                true => Err(HookError::message("the connection is older than its lifetime")),
                false => Ok(()),
            }))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DatabaseError::Unexpected(error.into()))?;
        let session = Session { tls, local_settings: settings.local_settings.map(Arc::from) };
        let database = Self { pool, session };
        match migrations {
            Some(migrations) => {
                let has_settings = database.session.local_settings.is_none();
                migrate(&database.pool, migrations, has_settings).await?;
            }
            // Reports a wrong URL now rather than at the first request.
            None => drop(database.client().await?),
        }
        Ok(database)
    }

    async fn client(&self) -> Result<Object, DatabaseError> {
        self.pool.get().await.map_err(|error| DatabaseError::Unavailable(error.into()))
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
        Ok(Box::new(PostgresTransaction::new(client, self.session.clone(), mode)))
    }

    fn pool_status(&self) -> Option<PoolStatus> {
        let status = self.pool.status();
        Some(PoolStatus::new(status.max_size, status.size, status.available))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postgres")
    }
}
