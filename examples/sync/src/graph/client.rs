//! Requests to Graph, with a token for the application.

use std::time::{Duration, Instant};

use http::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scim_client::Retry;
use scim_sync::DirectoryError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config::{Provider, retry};

/// A token is replaced when it has no longer than this to live.
const RENEWAL: Duration = Duration::from_secs(300);

/// No token is used for longer, in seconds.
const LONGEST_LIFE: u64 = 24 * 3600;

pub(super) struct Client {
    http: reqwest::Client,
    provider: Provider,
    graph_url: String,
    token: Mutex<Option<Token>>,
    retry: Retry,
}

struct Token {
    text: String,
    expires: Instant,
}

/// The answer of the token endpoint (RFC 6749 sections 5.1 and 5.2).
#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: u64,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

impl Client {
    pub(super) fn new(provider: &Provider) -> Result<Self, DirectoryError> {
        let http = reqwest::Client::builder()
            // A token must not be sent elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(100))
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            http,
            provider: provider.clone(),
            graph_url: provider.graph_url.trim_end_matches('/').to_owned(),
            token: Mutex::new(None),
            retry: retry(),
        })
    }

    /// Reads JSON from a path, or from a link that Graph has returned. `None` if there is nothing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path_or_link: &str,
    ) -> Result<Option<T>, DirectoryError> {
        let Some(answer) = self.answer(path_or_link).await? else { return Ok(None) };
        serde_json::from_slice(answer.body())
            .map(Some)
            .map_err(|error| DirectoryError::Failed(format!("an answer of Graph is not understood: {error}")))
    }

    /// Reads what is at a path. `None` if there is nothing.
    pub(super) async fn answer(
        &self,
        path_or_link: &str,
    ) -> Result<Option<Response<Vec<u8>>>, DirectoryError> {
        let url = self.url(path_or_link)?;
        let mut is_renewed = false;
        loop {
            let token = self.token().await?;
            let request =
                self.http.get(&url).bearer_auth(&token).build().map_err(|error| failed(error.to_string()))?;
            let answer = self
                .retry
                .send(&self.http, request, true)
                .await
                .map_err(|error| failed(error.to_string()))?;
            match answer.status() {
                status if status.is_success() => return Ok(Some(answer)),
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::GONE => return Err(DirectoryError::PositionExpired),
                StatusCode::UNAUTHORIZED if !is_renewed => {
                    is_renewed = true;
                    *self.token.lock().await = None;
                }
                _ => return Err(refused(&answer)),
            }
        }
    }

    /// A link is followed only to Graph itself.
    fn url(&self, path_or_link: &str) -> Result<String, DirectoryError> {
        if path_or_link.starts_with('/') {
            return Ok(format!("{}{path_or_link}", self.graph_url));
        }
        let is_ours = path_or_link.strip_prefix(&self.graph_url).is_some_and(|rest| rest.starts_with('/'));
        match is_ours {
            true => Ok(path_or_link.to_owned()),
            false => Err(DirectoryError::Failed("a link of Graph leads elsewhere".to_owned())),
        }
    }

    /// A token for the application (RFC 6749 section 4.4).
    async fn token(&self) -> Result<String, DirectoryError> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| token.expires > Instant::now() + RENEWAL) {
            return Ok(token.text.clone());
        }
        let Provider { tenant_id, client_id, client_secret, login_url, graph_url, .. } = &self.provider;
        let url = format!("{}/{tenant_id}/oauth2/v2.0/token", login_url.trim_end_matches('/'));
        let scope = format!("{}/.default", origin(graph_url));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("scope", &scope),
        ];
        let request = self.http.post(&url).form(&form).build().map_err(|error| failed(error.to_string()))?;
        // A second token does no harm, so the request may be repeated.
        let answer =
            self.retry.send(&self.http, request, true).await.map_err(|error| failed(error.to_string()))?;
        let body: TokenAnswer = serde_json::from_slice(answer.body())
            .map_err(|_| failed(format!("the token endpoint answered {}", answer.status())))?;
        let Some(text) = body.access_token else {
            let error = body.error_description.or(body.error).unwrap_or_else(|| answer.status().to_string());
            let line = error.lines().next().unwrap_or_default();
            return Err(DirectoryError::Failed(format!("the credentials are refused: {line}")));
        };
        let expires =
            Instant::now() + Duration::from_secs(body.expires_in.clamp(RENEWAL.as_secs() + 1, LONGEST_LIFE));
        *token = Some(Token { text: text.clone(), expires });
        Ok(text)
    }
}

/// What an error of Graph means.
fn refused(answer: &Response<Vec<u8>>) -> DirectoryError {
    let error: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let text = |pointer| error.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let code = text("/error/code");
    if code.eq_ignore_ascii_case("syncStateNotFound") || code.eq_ignore_ascii_case("resyncRequired") {
        return DirectoryError::PositionExpired;
    }
    failed(
        format!("Graph answered {} {code} {}", answer.status(), text("/error/message")).trim_end().to_owned(),
    )
}

fn failed(cause: String) -> DirectoryError {
    DirectoryError::Failed(cause)
}

/// The scheme and the host of a URL.
fn origin(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    let host = rest.split('/').next().unwrap_or_default();
    url.get(..scheme.len() + 3 + host.len()).unwrap_or(url)
}

pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("graph_url", &self.graph_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn the_scope_is_that_of_the_origin() {
        assert_eq!(origin("https://graph.microsoft.us/v1.0"), "https://graph.microsoft.us");
        assert_eq!(origin("http://127.0.0.1:80"), "http://127.0.0.1:80");
    }
}
