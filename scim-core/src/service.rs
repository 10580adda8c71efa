//! The service: what a host mounts.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Extensions, StatusCode};
use scim_schema::{Fired, Projection, ResourceType, Schema, Target};

use crate::bulk;
use crate::config::{Builder, Config, Registration, capabilities};
use crate::context::Secrets;
use crate::discovery::Discovery;
use crate::monitor;
use crate::operation::{Change, Documents, Kind, Operation};
use crate::response;
use crate::trace;
use crate::route::Route;
use crate::{
    Access, Action, BaseUrl, Capabilities, Context, ETag, Error, Event, Identity, Permit, Provider, Query,
    Resource, Result,
};

/// A SCIM service provider: resource types, their providers, and the protocol between them and
/// clients. Cheap to clone.
#[derive(Clone)]
pub struct ScimService(Arc<Inner>);

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
    pub(crate) pages: Vec<(usize, Projection, Vec<Resource>)>,
    pub(crate) total: Option<u64>,
    pub(crate) start: Option<u64>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
}

impl Answer {
    pub(crate) fn list(start: Option<u64>) -> List {
        List { start, total: Some(0), ..List::default() }
    }

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
    pub(crate) fn add(&mut self, on: usize, query: Query, resources: Vec<Resource>, total: Option<u64>) {
        self.total = self.total.zip(total).map(|(all, of_type)| all.saturating_add(of_type));
        self.pages.push((on, query.projection, resources));
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
            self.check_identity(parts)?;
            let operation = self.parse(parts, body)?;
            trace::quirks(operation.fired());
            self.execute(operation, &parts.extensions).await
        };
        match outcome.await {
            Ok(outcome) => response::respond(self, &outcome, head),
            Err(error) => self.refuse(&error, head),
        }
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
    fn check_identity(&self, parts: &http::request::Parts) -> Result<()> {
        let config = self.config();
        match parts.extensions.get::<Identity>() {
            Some(identity) if config.multi_tenant && identity.tenant.is_none() => {
                Err(Error::internal("the identity has no tenant, but the service is multi-tenant"))
            }
            Some(_) => Ok(()),
            None if config.allow_anonymous && !config.multi_tenant => Ok(()),
            None => {
                let base = self.base_url(&parts.extensions);
                match Route::find(self, &base, parts.uri.path()) {
                    Ok(Route::Discovery(_)) if config.public_discovery => Ok(()),
                    _ => Err(Error::unauthorized()),
                }
            }
        }
    }

    /// Executes an operation: the second half of [`handle`](Self::handle), with one call of a
    /// provider for each resource type.
    ///
    /// # Errors
    ///
    /// What the provider returns, as the response to send.
    pub async fn execute(&self, operation: Operation, extensions: &Extensions) -> Result<Outcome> {
        let base = self.base_url(extensions).into_owned();
        let answer = match operation.kind {
            Kind::Bulk(job) => Answer::Bulk(job.run(self, &base, extensions).await),
            kind => {
                let call = Call::new(self, &base, extensions, Secrets::default(), operation.fired);
                call.execute(kind).await?
            }
        };
        Ok(Outcome { answer, base })
    }
}

/// What the provider calls of one operation have in common.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a ScimService,
    base: &'a str,
    extensions: &'a Extensions,
    secrets: Secrets,
    permit: Permit,
    fired: Vec<Fired>,
    pub(crate) now: DateTime<Utc>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        service: &'a ScimService,
        base: &'a str,
        extensions: &'a Extensions,
        secrets: Secrets,
        fired: Vec<Fired>,
    ) -> Self {
        Self { service, base, extensions, secrets, permit: Permit::all(), fired, now: Utc::now() }
    }

    pub(crate) fn provider(&self, on: usize) -> Result<&'a dyn Provider> {
        Ok(&*self.service.registration(on)?.provider)
    }

    fn resource_type(&self, on: usize) -> Result<&'a ResourceType> {
        Ok(&self.service.registration(on)?.resource_type)
    }

    pub(crate) fn context(&self, on: usize) -> Result<Context<'_>> {
        Ok(Context {
            resource_type: self.resource_type(on)?,
            base_url: self.base,
            identity: self.extensions.get(),
            secrets: &self.secrets,
            permit: &self.permit,
            extensions: self.extensions,
            now: self.now,
        })
    }

    /// Asks the host's policy.
    pub(crate) fn permit(
        &self,
        action: Action,
        on: usize,
        id: Option<&str>,
        writes: &[Target],
    ) -> Result<Permit> {
        self.service.config().policy.check(&Access {
            action,
            resource_type: self.resource_type(on)?,
            id,
            writes,
            identity: self.extensions.get(),
            extensions: self.extensions,
        })
    }

    pub(crate) async fn execute(mut self, kind: Kind) -> Result<Answer> {
        match kind {
            Kind::Search(search) => self.search(search).await,
            Kind::Create { on, resource, secrets, mut projection, writes } => {
                self.permit = self.permit(Action::Create, on, None, &writes)?;
                self.permit.restrict(&mut projection, self.resource_type(on)?);
                self.secrets = secrets;
                let cx = self.context(on)?;
                let call = self.provider(on)?.create(&cx, resource);
                let resource = trace::provider(Action::Create, cx.resource_type, call).await?;
                check_id(&resource)?;
                let answer = Answer::Resource { on, resource, projection, created: true };
                if let Answer::Resource { resource, .. } = &answer {
                    let after = resource.version();
                    let change = monitor::Change::Created(resource);
                    self.tell(Action::Create, on, resource.id(), None, after.as_ref(), change, &answer)?;
                }
                Ok(answer)
            }
            Kind::Retrieve { on, id, mut projection, precondition } => {
                self.permit = self.permit(Action::Retrieve, on, Some(&id), &[])?;
                self.permit.restrict(&mut projection, self.resource_type(on)?);
                let cx = self.context(on)?;
                let call = self.provider(on)?.retrieve(&cx, &id, &projection);
                let found = trace::provider(Action::Retrieve, cx.resource_type, call).await?;
                let resource = found.ok_or_else(|| Error::not_found(&id))?;
                Ok(match resource.version() {
                    Some(version) if precondition.is_known(&version) => Answer::NotModified { version },
                    _ => Answer::Resource { on, resource, projection, created: false },
                })
            }
            Kind::Update(change) => self.update(*change).await,
            Kind::Delete { on, id, precondition } => {
                self.permit = self.permit(Action::Delete, on, Some(&id), &[])?;
                let cx = self.context(on)?;
                let call = self.provider(on)?.delete(&cx, &id, &precondition);
                let deleted = trace::provider(Action::Delete, cx.resource_type, call).await?;
                let answer = Answer::NoContent { version: None };
                self.tell(
                    Action::Delete,
                    on,
                    &id,
                    Some(&deleted.version),
                    None,
                    monitor::Change::Deleted,
                    &answer,
                )?;
                Ok(answer)
            }
            Kind::Discover { documents, precondition } => Ok(match documents.of(self.service) {
                [one] if !documents.is_list() && precondition.is_known(one.version()) => {
                    Answer::NotModified { version: one.version().clone() }
                }
                _ => Answer::Documents(documents),
            }),
            Kind::Redirect(location) => Ok(Answer::Redirect(location)),
            Kind::Bulk(_) => Err(Error::invalid_syntax("a bulk request cannot be part of another")),
        }
    }

    async fn update(mut self, change: Change) -> Result<Answer> {
        let Change { on, id, action, update, secrets, mut options, writes } = change;
        self.permit = self.permit(action, on, Some(&id), &writes)?;
        if let Some(projection) = &mut options.returning {
            self.permit.restrict(projection, self.resource_type(on)?);
        }
        self.secrets = secrets;
        let cx = self.context(on)?;
        let call = self.provider(on)?.update(&cx, &id, &update, &options);
        let updated = trace::provider(action, cx.resource_type, call).await?;
        let answer = match (options.returning, updated.resource) {
            (Some(projection), Some(resource)) => {
                Answer::Resource { on, resource, projection, created: false }
            }
            (Some(_), None) => return Err(Error::internal("the provider did not return the resource")),
            (None, _) => Answer::NoContent { version: Some(updated.version.clone()) },
        };
        if updated.before != updated.version {
            let change = monitor::Change::Updated(&update);
            self.tell(action, on, &id, Some(&updated.before), Some(&updated.version), change, &answer)?;
        }
        Ok(answer)
    }

    /// Tells the host's monitor of a change.
    #[expect(clippy::too_many_arguments, reason = "each is a member of the event")]
    fn tell(
        &self,
        action: Action,
        on: usize,
        id: &str,
        before: Option<&ETag>,
        after: Option<&ETag>,
        change: monitor::Change<'_>,
        answer: &Answer,
    ) -> Result<()> {
        if let Some(monitor) = &self.service.config().monitor {
            monitor.finished(&Event {
                action,
                resource_type: self.resource_type(on)?,
                id,
                identity: self.extensions.get(),
                before,
                after,
                change,
                secrets: !self.secrets.is_empty(),
                fired: &self.fired,
                status: answer.status(),
            });
        }
        Ok(())
    }
}

/// RFC 7643 section 3.1: an id is not empty, and never holds the word that bulk requests use.
fn check_id(resource: &Resource) -> Result<()> {
    if resource.id().is_empty() || resource.id().contains("bulkId") {
        return Err(Error::internal("the provider made an id that is empty or holds `bulkId`"));
    }
    Ok(())
}
