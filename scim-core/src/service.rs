//! The service: what a host mounts.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, Response, StatusCode};
use scim_schema::ResourceType;

use crate::execute::execute;
use crate::parse::{Route, admit, parse};
use crate::respond::{respond, respond_error};
use crate::setup::{BuildError, ScimServiceBuilder, Setup};
use crate::{Action, Authenticate, Error, Identity, Operation, Outcome, Result, trace};

/// A SCIM service provider: resource types, their providers, and the protocol between them and
/// clients. Cheap to clone.
///
/// [`handle`](Self::handle) answers a request. It goes through three stages, which a host may call one by one:
/// [`parse`](Self::parse), [`execute`](Self::execute) and [`response`](Self::response).
#[derive(Clone)]
pub struct ScimService(Arc<Setup>);

/// What a request is about; see [`ScimService::target`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestTarget<'s> {
    /// What the client wants to do; `None` if it is no operation on resources, or if the method is not allowed there.
    pub action: Option<Action>,
    /// The type of the resources.
    pub resource_type: Option<&'s ResourceType>,
    /// The id in the path.
    pub id: Option<String>,
}

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

    /// The resource types, in the order in which they were registered.
    pub fn resource_types(&self) -> impl ExactSizeIterator<Item = &ResourceType> {
        self.0.registrations().map(|(_, registration)| &registration.resource_type)
    }

    /// The size of the largest body that the service accepts, in bytes. The host should stop reading there.
    pub fn max_payload(&self) -> usize {
        self.0.config.max_payload
    }

    /// Asks who makes a request, before its body is read, and puts the [`Identity`] into its extensions. For hosts that do
    /// not use the feature `tower`.
    ///
    /// A refusal with 401 is no error if the service admits the request without an identity: if it
    /// [allows that](ScimServiceBuilder::allow_anonymous), or if the request is for
    /// [public discovery](ScimServiceBuilder::public_discovery). The request then has no identity.
    ///
    /// ```
    /// use scim_core::{BearerTokens, BodyBuffer, Identity, MemoryProvider, ScimService};
    ///
    /// # pollster::block_on(async {
    /// let service = ScimService::builder()
    ///     .base_url("https://example.com/scim/v2")
    ///     .users(MemoryProvider::new())
    ///     .build()?;
    /// let tokens = BearerTokens::new().token("secret", Identity::new("entra"));
    ///
    /// let (mut parts, body) = http::Request::get("/Users").body(b"")?.into_parts();
    /// let response = match service.authenticate(&mut parts, &tokens).await {
    ///     Ok(()) => service.handle(http::Request::from_parts(parts, body)).await,
    ///     Err(refused) => refused,
    /// };
    /// assert_eq!(response.status(), 401);
    /// assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"scim\"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The response to the refusal. Nobody needs the body any more, but many clients read a response only after they
    /// have sent it all; [`BodyBuffer::discarding`](crate::BodyBuffer::discarding) reads it without keeping it.
    pub async fn authenticate(
        &self,
        parts: &mut Parts,
        authenticate: &(impl Authenticate + ?Sized),
    ) -> Result<(), Response<Vec<u8>>> {
        let refusal = match authenticate.authenticate(parts).await {
            Ok(identity) => {
                parts.extensions.insert(identity);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        // An identity that middleware has left there must not count after a refusal.
        parts.extensions.remove::<Identity>();
        if refusal.status() == StatusCode::UNAUTHORIZED && admit(&self.0, parts).is_ok() {
            return Ok(());
        }
        let is_head = parts.method == http::Method::HEAD;
        let response = async {
            let error = refusal.into();
            trace::refusal(&error);
            respond_error(&self.0, &error, is_head)
        };
        Err(trace::request(&parts.method, None, response).await)
    }

    /// Answers a request. Never fails: an error becomes a response.
    ///
    /// The host collects the body, up to [`max_payload`](Self::max_payload), and [`authenticate`](Self::authenticate) or
    /// its middleware puts an [`Identity`] into the request's extensions. With the feature `tower`, `tower::Mount` does
    /// both.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: http::Request<B>) -> Response<Vec<u8>> {
        let (parts, body) = request.into_parts();
        let response = self.answer(&parts, body.as_ref());
        trace::request(&parts.method, parts.extensions.get(), response).await
    }

    async fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Vec<u8>> {
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

    /// What a request is about, by its method and its path only, for a log of requests that cannot be parsed. `None` if
    /// there is no such endpoint.
    ///
    /// ```
    /// use scim_core::{Action, MemoryProvider, ScimService};
    ///
    /// let service = ScimService::builder().base_url("https://example.com").users(MemoryProvider::new()).build()?;
    /// let (parts, ()) = http::Request::patch("/Users/42").body(())?.into_parts();
    /// let target = service.target(&parts).ok_or("there is such an endpoint")?;
    /// assert_eq!((target.action, target.id.as_deref()), (Some(Action::Patch), Some("42")));
    /// assert_eq!(target.resource_type.map(|of| of.name()), Some("User"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn target(&self, parts: &Parts) -> Option<RequestTarget<'_>> {
        let route = Route::find(&self.0, self.0.base_url(&parts.extensions), parts.uri.path()).ok()?;
        let registration = route.type_index().and_then(|index| self.0.registration(index).ok());
        Some(RequestTarget {
            action: route.action(&parts.method),
            resource_type: registration.map(|registration| &registration.resource_type),
            id: match route {
                Route::Resource(_, id) => Some(id),
                _ => None,
            },
        })
    }

    /// Parses a request: the first stage of [`handle`](Self::handle). No provider is called.
    ///
    /// The path may or may not begin with the path of the base URL.
    ///
    /// # Errors
    ///
    /// Whatever can be refused without asking a provider. A request without an identity is refused first, so
    /// that its sender learns nothing else.
    pub fn parse(&self, parts: &Parts, body: &[u8]) -> Result<Operation> {
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
        let types = self.resource_types().map(ResourceType::name);
        f.debug_struct("ScimService")
            .field("base_url", &self.0.config.base_url)
            .field("resource_types", &types.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
