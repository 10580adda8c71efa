//! Fetches the keys of issuers.

use std::error::Error;
use std::time::Duration;

use chrono::Utc;
use scim_auth::{FetchKeys, KeyCache, async_trait};
use scim_core::with_causes;

use crate::settings::host_of_url;

/// The longest answer in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// How often the keys of issuers are fetched, so that no request has to wait for them.
const REFRESH_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// How often they are fetched if that has failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// An HTTP client that asks certain hosts only, and follows no redirects to others.
pub(crate) struct KeyClient {
    client: reqwest::Client,
    hosts: Vec<String>,
}

impl KeyClient {
    /// # Errors
    ///
    /// If the root certificates of the system cannot be used.
    pub(crate) fn new(hosts: Vec<String>) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self { client, hosts })
    }
}

#[async_trait]
impl FetchKeys for KeyClient {
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        if !host_of_url(url).is_some_and(|host| self.hosts.contains(&host)) {
            return Err(format!("the host of {url} is not in SCIM_JWKS_HOSTS").into());
        }
        let mut response = self.client.get(url).send().await?.error_for_status()?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("the answer of {url} is larger than 1 MiB").into());
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// Fetches the keys at these URLs from time to time, until the process ends.
pub(crate) async fn keep_fresh(keys: KeyCache, urls: Vec<String>) {
    while !urls.is_empty() {
        let mut pause = REFRESH_INTERVAL;
        for url in &urls {
            if let Err(error) = keys.refresh(url, Utc::now()).await {
                tracing::error!(url, cause = with_causes(&error), "the keys of an issuer cannot be fetched");
                pause = RETRY_INTERVAL;
            }
        }
        tokio::time::sleep(pause).await;
    }
}
