//! The service whose users are kept up to date: a database in this process, or an endpoint over HTTP.

mod in_process;

use std::error::Error;

use scim_client::Client;
use scim_sync::{Endpoint, Unreachable, async_trait};

use crate::config::{TargetConfig, retry};
pub use in_process::InProcess;

/// The service whose users are kept up to date.
#[derive(Debug)]
pub enum Target {
    /// A service in this process, on a database.
    InProcess(InProcess),
    /// An endpoint over HTTP.
    Http(Client),
}

impl Target {
    /// Opens the database, or prepares the client for the endpoint.
    ///
    /// # Errors
    ///
    /// If the database cannot be opened, or the root certificates of the system cannot be used.
    pub async fn open(config: &TargetConfig) -> Result<Self, Box<dyn Error>> {
        match (&config.database, &config.url) {
            (Some(database), _) => Ok(Self::InProcess(InProcess::open(database).await?)),
            (None, Some(url)) => {
                Ok(Self::Http(Client::new(url, Some(config.token.clone()))?.with_retry(retry())))
            }
            (None, None) => Err("write `target.database` or `target.url`".into()),
        }
    }
}

#[async_trait]
impl Endpoint for Target {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Unreachable> {
        match self {
            Self::InProcess(service) => service.send(request).await,
            Self::Http(client) => client.send(request).await.map_err(Unreachable::new),
        }
    }
}
