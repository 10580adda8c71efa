//! Opens the database that a URL names.

use std::sync::Arc;

#[cfg(feature = "tokio-postgres-0_7")]
use super::Postgres;
#[cfg(feature = "rusqlite-0_37")]
use super::Sqlite;
use super::{Database, Migrations, OpenError};

/// Opens the database that a URL names: `sqlite:people.db`, `sqlite::memory:` or
/// `postgres://user:password@host/database`. For applications that have no pool of their own. The driver is rusqlite or
/// tokio-postgres.
///
/// The URL of a PostgreSQL server can have parameters for TLS, for several hosts and for the pool: see
/// [the table](crate#a-postgresql-server-in-production).
///
/// A file that does not exist is created, in WAL mode; an existing file keeps its journal mode. An absolute path is
/// written as `sqlite:/var/lib/app/people.db`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scim_store::OpenError> {
/// let database = scim_store::open("sqlite::memory:").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the URL has another form, the feature for it is off, or the database cannot be opened.
pub async fn open(url: &str) -> Result<Arc<dyn Database>, OpenError> {
    open_with_migrations(url, None).await
}

/// Opens a database, and upgrades the tables of a [`Store`](crate::Store) in it.
pub(crate) async fn open_with_migrations(
    url: &str,
    migrations: Option<Migrations>,
) -> Result<Arc<dyn Database>, OpenError> {
    // sqlx opens no databases here: its pool comes from the application.
    #[cfg(not(any(feature = "rusqlite-0_37", feature = "tokio-postgres-0_7")))]
    let _ = migrations;
    match url.split_once(':') {
        #[cfg(feature = "rusqlite-0_37")]
        Some(("sqlite", path)) if !path.is_empty() => {
            let path = path.strip_prefix("//").unwrap_or(path);
            Ok(Arc::new(Sqlite::open_with_migrations(path, migrations).await?))
        }
        #[cfg(feature = "tokio-postgres-0_7")]
        Some(("postgres" | "postgresql", _)) => {
            Ok(Arc::new(Postgres::open_with_migrations(url, migrations).await?))
        }
        Some((scheme, _)) => Err(OpenError::unknown_scheme(scheme)),
        None => Err(OpenError::no_scheme()),
    }
}
