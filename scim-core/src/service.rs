//! The service: what a host mounts.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::Utc;
use http::Extensions;
use scim_schema::{Projection, Schema};

use crate::config::{Builder, Config, Registration, capabilities};
use crate::context::Secrets;
use crate::discovery::Discovery;
use crate::operation::{Documents, Kind, Operation};
use crate::response;
use crate::{
    BaseUrl, Capabilities, Context, ETag, Error, Identity, Page, Query, Resource, Result, Sort, Window,
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
    pub(crate) kind: Answer,
    pub(crate) base: String,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Resource { on: usize, resource: Resource, projection: Projection, created: bool },
    List { pages: Vec<(usize, Projection, Vec<Resource>)>, total: u64, start: u64 },
    Documents(Documents),
    NoContent { version: Option<ETag> },
    NotModified { version: ETag },
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

    /// Answers a request. Never fails: what goes wrong becomes a response.
    ///
    /// The host collects the body, up to [`Builder::max_payload`], and its authentication puts an
    /// [`Identity`] into the request's extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: http::Request<B>) -> http::Response<Vec<u8>> {
        let (parts, body) = request.into_parts();
        self.answer(&parts, body.as_ref()).await
    }

    async fn answer(&self, parts: &http::request::Parts, body: &[u8]) -> http::Response<Vec<u8>> {
        let head = parts.method == http::Method::HEAD;
        let outcome = async {
            self.check_identity(parts)?;
            self.execute(self.parse(parts, body)?, &parts.extensions).await
        };
        match outcome.await {
            Ok(outcome) => response::respond(self, &outcome, head),
            Err(error) => response::refuse(self, &error, head),
        }
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
                let route = crate::route::Route::find(self, &base, parts.uri.path());
                match route {
                    Ok(crate::route::Route::Discovery(_)) if config.public_discovery => Ok(()),
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
        let base = self.base_url(extensions);
        let call = Call { service: self, base: &base, extensions };
        let kind = match operation.kind {
            Kind::Query { queries, start, count } => call.query(queries, start, count).await?,
            Kind::Create { on, resource, secrets, projection } => {
                let cx = call.context(on, &secrets)?;
                let resource = self.registration(on)?.provider.create(&cx, resource).await?;
                check_id(&resource)?;
                Answer::Resource { on, resource, projection, created: true }
            }
            Kind::Retrieve { on, id, projection, precondition } => {
                let secrets = Secrets::default();
                let cx = call.context(on, &secrets)?;
                let found = self.registration(on)?.provider.retrieve(&cx, &id, &projection).await?;
                let resource = found.ok_or_else(|| Error::not_found(&id))?;
                match resource.version() {
                    Some(version) if precondition.is_known(&version) => Answer::NotModified { version },
                    _ => Answer::Resource { on, resource, projection, created: false },
                }
            }
            Kind::Update { on, id, update, secrets, options } => {
                let cx = call.context(on, &secrets)?;
                let updated = self.registration(on)?.provider.update(&cx, &id, &update, &options).await?;
                match (options.returning, updated.resource) {
                    (Some(projection), Some(resource)) => {
                        Answer::Resource { on, resource, projection, created: false }
                    }
                    (Some(_), None) => return Err(Error::internal("the provider did not return the resource")),
                    (None, _) => Answer::NoContent { version: Some(updated.version) },
                }
            }
            Kind::Delete { on, id, precondition } => {
                let secrets = Secrets::default();
                let cx = call.context(on, &secrets)?;
                self.registration(on)?.provider.delete(&cx, &id, &precondition).await?;
                Answer::NoContent { version: None }
            }
            Kind::Discover { documents, precondition } => match documents.of(self) {
                [one] if !documents.is_list() && precondition.is_known(one.version()) => {
                    Answer::NotModified { version: one.version().clone() }
                }
                _ => Answer::Documents(documents),
            },
        };
        Ok(Outcome { kind, base: base.into_owned() })
    }
}

/// What the provider calls of one request have in common.
struct Call<'a> {
    service: &'a ScimService,
    base: &'a str,
    extensions: &'a Extensions,
}

impl<'a> Call<'a> {
    fn context(&self, on: usize, secrets: &'a Secrets) -> Result<Context<'a>> {
        Ok(Context {
            resource_type: &self.service.registration(on)?.resource_type,
            base_url: self.base,
            identity: self.extensions.get(),
            secrets,
            extensions: self.extensions,
            now: Utc::now(),
        })
    }

    async fn query(&self, queries: Vec<(usize, Query)>, start: u64, count: usize) -> Result<Answer> {
        let sorted = queries.iter().any(|(_, query)| query.sort.is_some());
        match queries.as_slice() {
            [(on, query)] => {
                let page = self.page(*on, query).await?;
                let total = page.total.unwrap_or_default();
                Ok(Answer::List { pages: vec![(*on, query.projection.clone(), page.resources)], total, start })
            }
            _ if sorted => self.merge(queries, start, count).await,
            _ => self.concatenate(queries, start, count).await,
        }
    }

    async fn page(&self, on: usize, query: &Query) -> Result<Page> {
        let secrets = Secrets::default();
        let mut page = self.service.registration(on)?.provider.query(&self.context(on, &secrets)?, query).await?;
        page.resources.truncate(query.count);
        Ok(page)
    }

    /// A page over several types: theirs, one after the other in the order of registration.
    async fn concatenate(&self, queries: Vec<(usize, Query)>, start: u64, count: usize) -> Result<Answer> {
        let mut pages = Vec::new();
        let (mut total, mut left) = (0_u64, count);
        for (on, mut query) in queries {
            query.window = Window::Start(start.saturating_sub(total).max(1));
            query.count = left;
            let page = self.page(on, &query).await?;
            let of_type = page.total.unwrap_or_default();
            // A page that begins after this type's last resource begins in a later type.
            let reached = start <= total.saturating_add(of_type);
            total = total.saturating_add(of_type);
            if reached {
                left = left.saturating_sub(page.resources.len());
                pages.push((on, query.projection, page.resources));
            }
        }
        Ok(Answer::List { pages, total, start })
    }

    /// A sorted page over several types: all candidates, merged by key, then type, then id.
    async fn merge(&self, queries: Vec<(usize, Query)>, start: u64, count: usize) -> Result<Answer> {
        let max = self.service.config().max_page_size;
        let mut candidates: Vec<(usize, Option<Sort>, Projection, Resource)> = Vec::new();
        let mut total = 0;
        for (on, mut query) in queries {
            (query.window, query.count) = (Window::Start(1), max);
            let page = self.page(on, &query).await?;
            total += page.total.unwrap_or_default();
            if total > max as u64 {
                let detail = format!("more than {max} resources match; narrow the filter or leave out sortBy");
                return Err(Error::too_many(detail));
            }
            candidates.extend(page.resources.into_iter().map(|r| (on, query.sort.clone(), query.projection.clone(), r)));
        }
        candidates.sort_by(|(a_on, a_sort, _, a), (b_on, b_sort, _, b)| {
            Sort::order_keys(a_sort.as_ref(), a, b_sort.as_ref(), b).then(a_on.cmp(b_on)).then_with(|| a.id().cmp(b.id()))
        });
        let skip = usize::try_from(start - 1).unwrap_or(usize::MAX);
        let page = candidates.into_iter().skip(skip).take(count);
        let pages = page.map(|(on, _, projection, resource)| (on, projection, vec![resource])).collect();
        Ok(Answer::List { pages, total, start })
    }
}

/// RFC 7643 section 3.1: an id is not empty, and never holds the word that bulk requests use.
fn check_id(resource: &Resource) -> Result<()> {
    if resource.id().is_empty() || resource.id().contains("bulkId") {
        return Err(Error::internal("the provider made an id that is empty or holds `bulkId`"));
    }
    Ok(())
}
