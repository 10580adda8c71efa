//! The service: what a host mounts.

use std::borrow::Cow;
use std::sync::{Arc, Weak};

use http::{Extensions, StatusCode};
use scim_filter::Budget;
use scim_schema::{Projection, Schema};

use crate::assemble::capabilities;
use crate::bulk;
use crate::call::Call;
use crate::config::{Builder, Config, Registration};
use crate::discovery::{Discovery, Documents};
use crate::operation::{Kind, Operation};
use crate::response;
use crate::trace;
use crate::{BaseUrl, Capabilities, ETag, Error, Identity, Resource, Result};

/// A SCIM service provider: resource types, their providers, and the protocol between them and
/// clients. Cheap to clone.
#[derive(Clone)]
pub struct ScimService(Arc<Inner>);

/// Which service something was made by.
pub(crate) struct WeakService(Weak<Inner>);

impl WeakService {
    pub(crate) fn is(&self, service: &ScimService) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(&service.0))
    }
}

struct Inner {
    config: Config,
    registrations: Vec<Registration>,
    capabilities: Capabilities,
    discovery: Discovery,
}

/// What came of an operation, ready to be shown.
#[derive(Debug)]
pub struct Outcome {
    pub(crate) answer: Answer,
    pub(crate) base: String,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Resource { on: usize, resource: Resource, projection: Projection, created: bool },
    List(List),
    Documents(Documents),
    NoContent { version: Option<ETag> },
    NotModified { version: ETag },
    Redirect(String),
    Bulk(Vec<bulk::Done>),
}

/// A page of resources, perhaps of several types.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// The types, and what of each is shown.
    pub(crate) types: Vec<(usize, Projection)>,
    /// The resources in order, each with the place of its type in `types`.
    pub(crate) resources: Vec<(usize, Resource)>,
    pub(crate) total: Option<u64>,
    pub(crate) start: Option<u64>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Resource { created: true, .. } => StatusCode::CREATED,
            Self::NoContent { .. } => StatusCode::NO_CONTENT,
            Self::NotModified { .. } => StatusCode::NOT_MODIFIED,
            Self::Redirect(_) => StatusCode::PERMANENT_REDIRECT,
            _ => StatusCode::OK,
        }
    }
}

impl List {
    /// The list of so many discovery documents, which are kept elsewhere.
    pub(crate) fn of_documents(count: usize) -> Self {
        Self { total: Some(count as u64), start: Some(1), ..Self::default() }
    }
}

impl From<List> for Answer {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl ScimService {
    /// Begins a service.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(config: Config, registrations: Vec<Registration>, schemas: Vec<Schema>) -> Self {
        let capabilities = capabilities(&registrations);
        let discovery = Discovery::new(&config, capabilities, &registrations, &schemas);
        Self(Arc::new(Inner { config, registrations, capabilities, discovery }))
    }

    pub(crate) fn downgrade(&self) -> WeakService {
        WeakService(Arc::downgrade(&self.0))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn registrations(&self) -> &[Registration] {
        &self.0.registrations
    }

    pub(crate) fn registration(&self, on: usize) -> Result<&Registration> {
        self.0.registrations.get(on).ok_or_else(|| Error::internal("the operation is another service's"))
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.0.capabilities
    }

    pub(crate) fn discovery(&self) -> &Discovery {
        &self.0.discovery
    }

    pub(crate) fn base_url<'a>(&'a self, extensions: &'a Extensions) -> Cow<'a, str> {
        match extensions.get::<BaseUrl>() {
            Some(BaseUrl(url)) => Cow::Borrowed(url.trim_end_matches('/')),
            None => Cow::Borrowed(&self.0.config.base_url),
        }
    }

    /// The largest body that the service reads, in bytes: where the host should stop reading.
    pub fn max_payload(&self) -> usize {
        self.0.config.max_payload
    }

    /// Answers a request. Never fails: what goes wrong becomes a response.
    ///
    /// The host collects the body, up to [`max_payload`](Self::max_payload), and its authentication
    /// puts an [`Identity`] into the request's extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: http::Request<B>) -> http::Response<Vec<u8>> {
        let (parts, body) = request.into_parts();
        let work = self.answer(&parts, body.as_ref());
        trace::request(&parts.method, parts.extensions.get(), work).await
    }

    async fn answer(&self, parts: &http::request::Parts, body: &[u8]) -> http::Response<Vec<u8>> {
        let head = parts.method == http::Method::HEAD;
        let outcome = async {
            let operation = self.parse(parts, body)?;
            trace::quirks(operation.fired());
            self.execute(operation, &parts.extensions).await
        };
        match outcome.await {
            Ok(outcome) => response::respond(self, &outcome, head),
            Err(error) => self.refuse(&error, head),
        }
    }

    /// The response that shows an outcome of [`execute`](Self::execute).
    pub fn response(&self, outcome: &Outcome) -> http::Response<Vec<u8>> {
        response::respond(self, outcome, false)
    }

    /// The response that tells a client of an error, for errors that the host finds itself, such as
    /// a body that is too large.
    pub fn error_response(&self, error: &Error) -> http::Response<Vec<u8>> {
        self.refuse(error, false)
    }

    fn refuse(&self, error: &Error, head: bool) -> http::Response<Vec<u8>> {
        response::refuse(self, error, head)
    }

    /// A request that nobody is identified for goes no further, not even to its parsing.
    pub(crate) fn admit(&self, extensions: &Extensions, discovers: bool) -> Result<()> {
        let config = self.config();
        match extensions.get::<Identity>() {
            Some(identity) if config.multi_tenant && identity.tenant.is_none() => {
                Err(Error::internal("the identity has no tenant, but the service is multi-tenant"))
            }
            Some(_) => Ok(()),
            None if config.allow_anonymous && !config.multi_tenant => Ok(()),
            None if config.public_discovery && discovers => Ok(()),
            None => Err(Error::unauthorized()),
        }
    }

    /// Executes an operation: the second half of [`handle`](Self::handle), with one call of a
    /// provider for each resource type.
    ///
    /// # Errors
    ///
    /// What the provider returns, as the response to send.
    pub async fn execute(&self, operation: Operation, extensions: &Extensions) -> Result<Outcome> {
        self.admit(extensions, matches!(operation.kind, Kind::Discover { .. }))?;
        let base = self.base_url(extensions).into_owned();
        let budget = Arc::new(Budget::new(self.config().max_work));
        let answer = match operation.kind {
            Kind::Bulk(job) => Answer::Bulk(job.run(self, &base, extensions, &budget).await),
            kind => Call::new(self, &base, extensions, &budget, operation.fired).execute(kind).await?,
        };
        Ok(Outcome { answer, base })
    }
}
