//! Requests to a SCIM endpoint.

mod discovery;
mod message;
mod retry;

pub(crate) use discovery::Discovery;
pub(crate) use message::{Answer, Request};

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use message::Unanswered;
use retry::Retry;

/// The media type of SCIM (RFC 7644 section 8.1).
const MEDIA_TYPE: &str = "application/scim+json";
/// The largest answer in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Sends requests to one endpoint, with one bearer token. It waits and sends a request again after 429 and 503, and sends what may
/// be repeated again after other faults.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<String>,
    retry: Retry,
}

impl Client {
    /// A client for an endpoint. Without a token, it sends none.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used: a token is sent only with TLS, or to this machine.
    pub(crate) fn new(base_url: &str, token: Option<String>) -> Result<Self, String> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let url: http::Uri = base_url.parse().map_err(|_| format!("`{base_url}` is not a URL"))?;
        let is_loopback = url.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback || token.is_none() => {}
            Some("http") => return Err("a token is sent only with TLS; write https://".to_owned()),
            _ => return Err(format!("`{base_url}` does not begin with https://")),
        }
        let http = reqwest::Client::builder()
            // A token must not be sent elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, base_url, token, retry: Retry::default() })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// If there is no answer. The request may have had an effect.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, String> {
        let mut attempt = 1;
        loop {
            let answer = self.send_once(request).await;
            match self.retry.pause(attempt, &request.method, &answer) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return answer.map_err(|unanswered| unanswered.cause),
            }
            attempt += 1;
        }
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, Unanswered> {
        let url = format!("{}{}", self.base_url, request.path);
        let mut builder = self.http.request(request.method.clone(), url).header(ACCEPT, MEDIA_TYPE);
        if let Some(token) = self.token.as_ref().filter(|_| !request.is_anonymous) {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, MEDIA_TYPE).body(body.to_string());
        }
        let mut prepared = builder.build()?;
        // These replace the ones above.
        prepared.headers_mut().extend(request.headers.iter().cloned());
        let mut response = self.http.execute(prepared).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Unanswered {
                    cause: "the answer is larger than 64 MiB".to_owned(),
                    is_unsent: false,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Client;

    #[test]
    fn a_token_is_sent_with_tls_or_to_this_machine() {
        let token = || Some("secret".to_owned());
        for (url, token, is_right) in [
            ("https://app.example.com/scim/v2/", token(), true),
            ("http://127.0.0.1:8080/scim/v2", token(), true),
            ("http://app.example.com/scim/v2", token(), false),
            ("http://app.example.com/scim/v2", None, true),
            ("ftp://app.example.com", None, false),
            ("app.example.com", None, false),
        ] {
            let client = Client::new(url, token);
            assert_eq!(client.is_ok(), is_right, "{url}");
            assert!(!format!("{client:?}").contains("secret"));
        }
    }
}
