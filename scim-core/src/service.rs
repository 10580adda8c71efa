//! The service: what a host mounts.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Response};

use crate::execute::execute;
use crate::parse::parse;
use crate::respond::{respond, respond_error};
use crate::setup::{BuildError, ScimServiceBuilder, Setup};
use crate::{Error, Operation, Outcome, Result, trace};

/// A SCIM service provider: resource types, their providers, and the protocol between them and
/// clients. Cheap to clone.
///
/// [`handle`](Self::handle) answers a request. It goes through three stages, which a host may call one by one:
/// [`parse`](Self::parse), [`execute`](Self::execute) and [`response`](Self::response).
#[derive(Clone)]
pub struct ScimService(Arc<Setup>);

impl ScimServiceBuilder {
    /// Makes the service; its discovery documents are computed here, once.
    ///
    /// # Errors
    ///
    /// If the options or resource types contradict each other; see [`BuildError`].
    pub fn build(self) -> Result<ScimService, BuildError> {
        Ok(ScimService(Arc::new(Setup::new(self.config, self.registrations)?)))
    }
}

impl ScimService {
    /// Begins to configure a service.
    pub fn builder() -> ScimServiceBuilder {
        ScimServiceBuilder::new()
    }

    /// What the providers can do together.
    #[cfg(feature = "testing")]
    pub(crate) fn capabilities(&self) -> crate::Capabilities {
        self.0.capabilities
    }

    /// The size of the largest body that the service accepts, in bytes. The host should stop reading there.
    pub fn max_payload(&self) -> usize {
        self.0.config.max_payload
    }

    /// Answers a request. Never fails: an error becomes a response.
    ///
    /// The host collects the body, up to [`max_payload`](Self::max_payload), and its authentication
    /// puts an [`Identity`](crate::Identity) into the request's extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: http::Request<B>) -> Response<Vec<u8>> {
        let (parts, body) = request.into_parts();
        let response = self.answer(&parts, body.as_ref());
        trace::request(&parts.method, parts.extensions.get(), response).await
    }

    async fn answer(&self, parts: &http::request::Parts, body: &[u8]) -> Response<Vec<u8>> {
        let is_head = parts.method == http::Method::HEAD;
        let outcome = async {
            let operation = self.parse(parts, body)?;
            trace::quirks(operation.tolerated());
            self.execute(operation, &parts.extensions).await
        };
        match outcome.await {
            Ok(outcome) => respond(&self.0, &outcome, is_head),
            Err(error) => respond_error(&self.0, &error, is_head),
        }
    }

    /// Parses a request: the first stage of [`handle`](Self::handle). No provider is called.
    ///
    /// The path may or may not begin with the path of the base URL.
    ///
    /// # Errors
    ///
    /// Whatever can be refused without asking a provider. A request without an identity is refused first, so
    /// that its sender learns nothing else.
    pub fn parse(&self, parts: &http::request::Parts, body: &[u8]) -> Result<Operation> {
        parse(&self.0, parts, body)
    }

    /// Executes an operation: the second stage of [`handle`](Self::handle), with one call of a
    /// provider for each resource type.
    ///
    /// # Errors
    ///
    /// What the policy or the provider returns.
    pub async fn execute(&self, operation: Operation, extensions: &Extensions) -> Result<Outcome> {
        execute(&self.0, operation, extensions).await
    }

    /// The response that shows an outcome of [`execute`](Self::execute): the third stage of
    /// [`handle`](Self::handle).
    pub fn response(&self, outcome: &Outcome) -> Response<Vec<u8>> {
        respond(&self.0, outcome, false)
    }

    /// The response that reports an error, for errors that the host finds itself, such as a body that is too
    /// large.
    pub fn error_response(&self, error: &Error) -> Response<Vec<u8>> {
        respond_error(&self.0, error, false)
    }
}

impl fmt::Debug for ScimService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.0.registrations().map(|(_, registration)| registration.resource_type.name());
        f.debug_struct("ScimService")
            .field("base_url", &self.0.config.base_url)
            .field("resource_types", &types.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
