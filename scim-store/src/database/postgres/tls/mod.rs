//! Encrypted connections.

#[cfg(feature = "tls")]
mod rustls;

use deadpool_postgres::{Manager, ManagerConfig};
use tokio_postgres::{CancelToken, Config, NoTls};

use super::super::error::DatabaseError;
use super::url::{SslMode, TlsSettings};

/// How the connections of a pool are encrypted.
#[derive(Clone)]
pub(super) enum Tls {
    Off,
    #[cfg(feature = "tls")]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

impl Tls {
    /// # Errors
    ///
    /// If a file cannot be read, or if the feature `tls` is off and TLS is required.
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, DatabaseError> {
        match settings.mode {
            SslMode::Disable => Ok(Self::Off),
            #[cfg(feature = "tls")]
            _ => rustls::connector(settings).map(Self::Rustls),
            #[cfg(not(feature = "tls"))]
            SslMode::Prefer => Ok(Self::Off),
            #[cfg(not(feature = "tls"))]
            _ => Err(DatabaseError::unexpected(
                "the `sslmode` of the URL needs the feature `tls` of scim-store",
            )),
        }
    }

    /// Makes the connections of a pool.
    pub(super) fn manager(&self, config: Config, manager: ManagerConfig) -> Manager {
        match self {
            Self::Off => Manager::from_config(config, NoTls, manager),
            #[cfg(feature = "tls")]
            Self::Rustls(connect) => Manager::from_config(config, connect.clone(), manager),
        }
    }

    /// Asks the server to cancel a statement.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match self {
            Self::Off => token.cancel_query(NoTls).await,
            #[cfg(feature = "tls")]
            Self::Rustls(connect) => token.cancel_query(connect.clone()).await,
        }
    }
}
