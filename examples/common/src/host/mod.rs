//! What happens to a request, in any HTTP framework: who may send it, how long it may take, and what is noted of it.

mod address;
mod build;
mod failures;
mod limits;
mod metrics;
mod record;
mod requests;
mod scim;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use http::header::{CONNECTION, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use scim_auth::{Auth, Client, KeyCache, claimed_client_id};
use scim_console::{Console, ProvisioningLog};
use scim_core::tower::{ResponseBody, read_body};
use scim_core::{BodyBuffer, Error, ScimService, new_id};
use scim_store::Database;
use tower::{Service, service_fn};
use tracing::Instrument;

use crate::Settings;
pub use address::Peer;
use address::client_address;
use failures::Admission;
use limits::Limits;
pub(crate) use metrics::Metrics;
use record::{Record, Recording};
pub(crate) use requests::Requests;

/// The time for the body of a request to the OAuth endpoints, which is small, and whose sender is not known yet.
const OAUTH_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The id of a request, which is in the log and in the response.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The service of a host, with authentication, limits, metrics and a log. Cheap to clone.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    service: ScimService,
    auth: Auth,
    keys: KeyCache,
    limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    pub(crate) database: Option<Arc<dyn Database>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    /// What is recorded for the pages of administrators; `None` if there are no pages.
    pub(crate) log: Option<ProvisioningLog>,
    pub(crate) console: Option<Console>,
}

impl Host {
    /// The settings of the host.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The database; `None` if the resources are in memory.
    #[must_use]
    pub fn database(&self) -> Option<Arc<dyn Database>> {
        self.0.database.clone()
    }

    /// The configuration of TLS; `None` if it is off. New files of the certificate are taken up by it.
    #[must_use]
    pub fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.0.tls.clone()
    }

    /// The host as a tower service, which answers every request: below `/scim/v2`, at the OAuth endpoints, and with 404
    /// elsewhere.
    pub fn into_service<B>(
        self,
    ) -> impl Service<Request<B>, Response = Response<ResponseBody>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    where
        B: Body<Data: Send, Error: Send> + Send + 'static,
    {
        service_fn(move |request| {
            let host = self.clone();
            // It is large, and what is around it would copy it several times.
            Box::pin(async move { Ok(host.handle(request).await) })
        })
    }

    /// Answers a request. Its extensions have the [`Peer`].
    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<ResponseBody> {
        let begun = Instant::now();
        let running = self.0.requests.begin();
        let (parts, body) = request.into_parts();
        // What the client sends after CONNECT may not be HTTP.
        let closes = parts.method == Method::CONNECT && parts.version <= Version::HTTP_11;
        let address = client_address(&parts, &self.0.settings.limits.trusted_proxies);
        let log = self.0.log.as_ref();
        let record = Record::new(new_id(), address, &parts, log);
        let mut recording = Recording::new(record, begun, &self.0.metrics, log);
        let record = recording.record();
        let span = tracing::debug_span!("request", id = record.id);
        let mut response = self.answer(parts, body, record).instrument(span).await;
        if let Ok(id) = HeaderValue::from_str(&recording.record().id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        recording.finish(response.status());
        running.completed();
        response.map(ResponseBody::from)
    }

    async fn answer<B: Body>(
        &self,
        parts: http::request::Parts,
        body: B,
        record: &mut Record,
    ) -> Response<Vec<u8>> {
        if !self.0.limits.allows(record.address) {
            record.operation = "refused";
            let error = Error::forbidden("requests from this address are not accepted");
            record.error(&error);
            return self.0.service.error_response(&error);
        }
        match self.target(&parts) {
            Some(auth) => scim::answer(&self.0, &auth, parts, body, record).await,
            None => self.answer_beside(parts, body, record).await,
        }
    }

    /// The client that a request to the token endpoint claims to come from.
    async fn claimed_client(&self, id: Option<&str>) -> Option<Result<Option<Client>, scim_auth::Error>> {
        // The key of a credential has at most 256 bytes.
        let id = id.filter(|id| id.len() <= 256 && !id.contains('\0'))?;
        Some(self.0.auth.credentials().client(id).await)
    }

    /// The authentication for a request to the SCIM service; `None` for other requests. CONNECT has no path, since its
    /// target is another server; the service refuses the method.
    fn target(&self, parts: &http::request::Parts) -> Option<Auth> {
        if parts.method == Method::CONNECT {
            return Some(self.0.auth.clone());
        }
        let auth = self.0.auth.for_path(parts.uri.path())?;
        scim::below_mount(&auth, parts.uri.path()).map(|_| auth)
    }

    /// Answers a request that is not for the SCIM service.
    async fn answer_beside<B: Body>(
        &self,
        parts: http::request::Parts,
        body: B,
        record: &mut Record,
    ) -> Response<Vec<u8>> {
        let path = parts.uri.path();
        if self.0.settings.credentials.development_token && path == "/scim/token" {
            record.operation = "development token";
            record.leave_out();
            return self.0.auth.development_token(&parts, Utc::now()).await;
        }
        if !self.0.auth.has_endpoint(path) {
            record.unknown_path(&parts);
            return empty(StatusCode::NOT_FOUND);
        }
        let is_token_request = path.ends_with("/oauth/token");
        if is_token_request {
            record.token_request(None);
        } else {
            record.operation = "metadata";
            record.leave_out();
        }
        let Ok(_permit) = self.0.limits.running.try_acquire() else {
            return limits::unavailable();
        };
        let buffer = BodyBuffer::new(self.0.auth.token_endpoint().max_body());
        let body = match tokio::time::timeout(OAUTH_BODY_TIMEOUT, read_body(body, buffer)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return empty(StatusCode::BAD_REQUEST),
            Err(_) => return empty(StatusCode::REQUEST_TIMEOUT),
        };
        let failures = &self.0.limits.failures;
        let admission = failures.admit(record.address);
        if let Admission::Refused(wait) = admission {
            return limits::too_many_failures(wait);
        }
        if is_token_request && record.is_logged() {
            let claimed = claimed_client_id(&parts, &body);
            if let Some(Ok(client)) = self.claimed_client(claimed.as_deref()).await {
                record.token_request(client.as_ref());
            }
        }
        let response = self.0.auth.respond(&parts, &body, Utc::now()).await;
        let response = response.unwrap_or_else(|| empty(StatusCode::NOT_FOUND));
        if !response.status().is_success() {
            record.refusal(&response);
        }
        if response.status() != StatusCode::UNAUTHORIZED {
            return response;
        }
        failures.note(record.address);
        match admission {
            Admission::Blocked(wait, _) => limits::too_many_failures(wait),
            _ => response,
        }
    }
}

/// A response without a body.
fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("service", &self.0.service).finish_non_exhaustive()
    }
}
