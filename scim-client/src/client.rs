//! A client for one endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};

use crate::retry::{Pause, sleep};
use crate::{Retry, Unanswered};

/// The media type of SCIM (RFC 7644 section 8.1).
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Sends requests to one endpoint, with one bearer token (RFC 7644 section 2). Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<HeaderValue>,
    retry: Retry,
    pause: Arc<Pause>,
}

/// The URL or the token of an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidEndpoint(String);

impl Client {
    /// A client for the endpoint with this base URL. Without a token, it sends none.
    ///
    /// ```
    /// use scim_client::Client;
    ///
    /// assert!(Client::new("https://app.example.com/scim/v2", Some("secret".to_owned())).is_ok());
    /// assert!(Client::new("http://app.example.com/scim/v2", Some("secret".to_owned())).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If the URL is none, if it has a name and password, a query or a fragment, if a token would be sent without TLS to another
    /// machine, if the token cannot be a header, or if the root certificates of the system cannot be used. The error does not
    /// show a URL that may have a password.
    pub fn new(base_url: &str, token: Option<String>) -> Result<Self, InvalidEndpoint> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let invalid = |text: String| Err(InvalidEndpoint(text));
        let after_scheme = base_url.split_once("://").map_or(base_url.as_str(), |(_, rest)| rest);
        if after_scheme.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return invalid("the URL has a name or password in it; give the bearer token instead".to_owned());
        }
        // The paths of requests are added to its end.
        if base_url.contains(['?', '#']) {
            return invalid(
                "the URL has a query or a fragment; leave out what begins with ? or #".to_owned(),
            );
        }
        let shown = if base_url.contains('@') { "the URL".to_owned() } else { format!("`{base_url}`") };
        let Ok(url) = base_url.parse::<http::Uri>() else {
            return invalid(format!("{shown} is not a URL"));
        };
        let is_loopback = url.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback || token.is_none() => {}
            Some("http") => return invalid("a token is sent only with TLS; write https://".to_owned()),
            _ => return invalid(format!("{shown} does not begin with https://")),
        }
        let token = match token.map(|token| HeaderValue::try_from(format!("Bearer {token}"))) {
            Some(Err(_)) => return invalid("the token has a character that a header cannot have".to_owned()),
            Some(Ok(mut value)) => {
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let http = reqwest::Client::builder()
            // A token must not be sent elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(100));
        // A proxy must not see the token of a service on this machine.
        let http = if url.scheme_str() == Some("http") { http.no_proxy() } else { http };
        let http = http.build().map_err(|error| InvalidEndpoint(error.to_string()))?;
        Ok(Self { http, base_url, token, retry: Retry::default(), pause: Arc::new(sleep) })
    }

    /// Repeats requests like this.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Waits like this before a request is sent again. The function gets the length of the pause; its future may end earlier, and
    /// says whether the request is sent again. If not, the last answer counts.
    ///
    /// ```
    /// use scim_client::Client;
    ///
    /// let client = Client::new("https://app.example.com/scim/v2", None)?.with_pause(|time| async move {
    ///     eprintln!("waiting {} s", time.as_secs());
    ///     tokio::time::sleep(time).await;
    ///     true
    /// });
    /// # Ok::<(), scim_client::InvalidEndpoint>(())
    /// ```
    #[must_use]
    pub fn with_pause<F>(mut self, pause: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.pause = Arc::new(move |time| Box::pin(pause(time)));
        self
    }

    /// The same client without a token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The base URL, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request, whose path is relative to the base URL, and returns the response, whatever its status. A header that the
    /// request does not have is added: `Accept`, `Content-Type` if there is a body, and `Authorization`.
    ///
    /// # Errors
    ///
    /// If the URI of the request is not a path, or if there is no response after the last attempt. Then the request may have had an
    /// effect.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unanswered> {
        let (mut parts, body) = request.into_parts();
        let headers = &mut parts.headers;
        headers.entry(ACCEPT).or_insert(MEDIA_TYPE);
        if !body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(MEDIA_TYPE);
        }
        if let Some(token) = &self.token {
            headers.entry(AUTHORIZATION).or_insert(token.clone());
        }
        // A POST or PATCH that is not answered, or answered with 503, may have had an effect.
        let is_repeatable = matches!(parts.method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE);
        // Behind a base URL without a path, anything else could be the rest of a host name.
        if parts.uri.authority().is_some() || !parts.uri.path().starts_with('/') {
            return Err(Unanswered::unsent("the path of the request does not begin with a slash"));
        }
        let url = format!("{}{}", self.base_url, parts.uri);
        let request = self.http.request(parts.method, url).headers(parts.headers).body(body).build()?;
        self.retry.send_with_pauses(&self.http, request, is_repeatable, &*self.pause).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            ("https://app.example.com", Some("a\nb".to_owned()), false),
        ] {
            let client = Client::new(url, token);
            assert_eq!(client.is_ok(), is_right, "{url}");
            assert!(!format!("{client:?}").contains("secret"));
        }
    }

    #[test]
    fn a_url_with_a_password_a_query_or_a_fragment_is_refused() {
        for (url, reason) in [
            ("https://bea:secret@app.example.com/scim/v2", "a name or password"),
            ("https://secret@app.example.com", "a name or password"),
            ("bea:secret@app.example.com/scim", "a name or password"),
            ("https:/bea:secret@app.example.com", "the URL"),
            ("https://app.example.com/scim?aadOptscim062020", "a query or a fragment"),
            ("https://app.example.com/scim#users", "a query or a fragment"),
        ] {
            let error = Client::new(url, None).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("secret"), "{url}: {error}");
        }
        assert!(Client::new("https://app.example.com/@bea/scim", None).is_ok());
    }
}
