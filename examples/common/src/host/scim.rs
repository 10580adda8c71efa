//! Requests to the SCIM service.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body::Body;
use scim_auth::Auth;
use scim_core::tower::read_body;
use scim_core::{BaseUrl, BodyBuffer, Error, Identity, Result};

use super::Shared;
use super::failures::Admission;
use super::limits::whole_seconds;
use super::record::Record;
use crate::{MOUNT_PATH, Tenants};

/// The time for the body of a request that is refused. Nobody may hold a connection for long without a credential.
const REFUSED_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Authenticates the client, reads the body and executes the operation, within the limits.
pub(super) async fn answer<B: Body>(
    shared: &Arc<Shared>,
    auth: &Auth,
    mut parts: Parts,
    body: B,
    record: &mut Record,
) -> Response<Vec<u8>> {
    let is_head = parts.method == Method::HEAD;
    if let Some(tenant) = auth.tenant() {
        record.tenant(tenant);
    }
    let mut response = match admit(shared, auth, &mut parts, record).await {
        Ok(()) => executed(shared, parts, body, record).await.unwrap_or_else(|error| {
            record.error(&error);
            shared.service.error_response(&error)
        }),
        Err(refused) => {
            record.refusal(&refused);
            // Most clients read the response only after they have sent the whole body. Those that wait for it send nothing.
            if !waits_for_answer(&parts.headers) {
                let discarded = read_body(body, BodyBuffer::discarding());
                let _ = tokio::time::timeout(REFUSED_BODY_TIMEOUT, discarded).await;
            }
            refused
        }
    };
    if is_head {
        let length = HeaderValue::from(response.body().len());
        if response.status() != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
        response.body_mut().clear();
    }
    response
}

/// Finds out who sends the request, and whether the tenant may send one more.
///
/// # Errors
///
/// The response to a request that is refused.
async fn admit(
    shared: &Shared,
    auth: &Auth,
    parts: &mut Parts,
    record: &mut Record,
) -> Result<(), Response<Vec<u8>>> {
    record.operation = "refused";
    let refuse = |error: Error| shared.service.error_response(&error);
    let too_many =
        |wait, detail: &str| refuse(Error::too_many_requests(whole_seconds(wait)).with_detail(detail));
    let admission = shared.limits.failures.admit(record.address);
    let too_many_failures =
        |wait| too_many(wait, "too many requests without a good credential came from this address");
    if let Admission::Refused(wait) = admission {
        return Err(too_many_failures(wait));
    }
    target(shared, auth, parts).map_err(refuse)?;
    if let Err(refused) = shared.service.authenticate(parts, auth).await {
        if refused.status() != StatusCode::UNAUTHORIZED {
            return Err(refused);
        }
        shared.limits.failures.note(record.address);
        return Err(match admission {
            Admission::Blocked(wait, _) => too_many_failures(wait),
            _ => refused,
        });
    }
    drop(admission);
    let identity = parts.extensions.get::<Identity>();
    if let Some(identity) = identity {
        record.identity(identity);
    }
    let tenant = identity.and_then(|identity| identity.tenant.as_deref());
    match shared.limits.exceeds_rate(tenant) {
        Some(wait) => Err(too_many(wait, "the tenant sends too many requests; send the next one later")),
        None => Ok(()),
    }
}

/// Removes the mount path from the target of the request, which then is below the base URL. The target of CONNECT is
/// another server.
fn target(shared: &Shared, auth: &Auth, parts: &mut Parts) -> Result<()> {
    let below = match parts.uri.path_and_query() {
        Some(target) if parts.method != Method::CONNECT => below_mount(auth, target.as_str()).unwrap_or("/"),
        _ => "/",
    };
    let slash = if below.starts_with('/') { "" } else { "/" };
    parts.uri = format!("{slash}{below}").parse::<Uri>().map_err(Error::internal)?;
    if shared.settings.tenants == Tenants::Path {
        parts.extensions.insert(BaseUrl::new(auth.base_url()).map_err(Error::internal)?);
    }
    Ok(())
}

/// The part of a path, with or without a query, below the mount path; `None` if it is not below it.
pub(super) fn below_mount<'p>(auth: &Auth, path: &'p str) -> Option<&'p str> {
    let path = match auth.tenant() {
        Some(tenant) => path.strip_prefix('/')?.strip_prefix(tenant)?,
        None => path,
    };
    let below = path.strip_prefix(MOUNT_PATH)?;
    (below.is_empty() || below.starts_with(['/', '?'])).then_some(below)
}

/// Reads the body and executes the operation.
async fn executed<B: Body>(
    shared: &Shared,
    parts: Parts,
    body: B,
    record: &mut Record,
) -> Result<Response<Vec<u8>>> {
    record.operation = "invalid";
    let service = &shared.service;
    let body = read_body(body, BodyBuffer::new(service.max_payload()));
    let body = match tokio::time::timeout(shared.settings.limits.body_timeout, body).await {
        Ok(body) => body.map_err(|broken| Error::new(StatusCode::BAD_REQUEST, broken.to_string()))?,
        Err(_) => {
            let seconds = shared.settings.limits.body_timeout.as_secs();
            let detail = format!("the body did not arrive within {seconds} seconds");
            return Err(Error::new(StatusCode::REQUEST_TIMEOUT, detail));
        }
    };
    let Ok(_permit) = shared.limits.running.try_acquire() else {
        return Err(Error::unavailable(1).with_detail("too many requests are running; try again later"));
    };
    record.body(&parts.method, &body);
    let operation =
        service.parse(&parts, &body).inspect_err(|_| record.target(service.target(&parts).as_ref()))?;
    record.operation(&operation);
    let executed = service.execute(operation, &parts.extensions);
    match tokio::time::timeout(shared.settings.limits.request_timeout, executed).await {
        Ok(outcome) => {
            let outcome = outcome?;
            record.outcome(&outcome);
            Ok(service.response(&outcome))
        }
        Err(_) => {
            let error = Error::unavailable(5).with_detail("the request takes too long; try again later");
            Err(error.with_source("the operation did not end within SCIM_REQUEST_TIMEOUT"))
        }
    }
}

/// Whether the client sends the body only when the server asks for it, which the server does by reading it.
fn waits_for_answer(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
