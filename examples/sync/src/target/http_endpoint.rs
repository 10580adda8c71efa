//! A SCIM endpoint over HTTP.

use std::time::Duration;

use http::Method;
use scim_sync::{Endpoint, Unreachable, async_trait};

use crate::retry::Retry;

/// A SCIM endpoint over HTTP, with a bearer token.
pub struct HttpEndpoint {
    client: reqwest::Client,
    base_url: String,
    token: String,
    retry: Retry,
}

impl HttpEndpoint {
    pub(super) fn new(base_url: &str, token: &str) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(100))
            .build()?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { client, base_url, token: token.to_owned(), retry: Retry::from_environment() })
    }
}

#[async_trait]
impl Endpoint for HttpEndpoint {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Unreachable> {
        let (parts, body) = request.into_parts();
        // A POST that is not answered may have had an effect.
        let is_repeatable = parts.method != Method::POST;
        let url = format!("{}{}", self.base_url, parts.uri);
        let request = self
            .client
            .request(parts.method, &url)
            .headers(parts.headers)
            .bearer_auth(&self.token)
            .body(body);
        let request = request.build().map_err(Unreachable::new)?;
        let answer = self.retry.send(&self.client, request, is_repeatable).await.map_err(Unreachable::new)?;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl std::fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpEndpoint").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
