//! What is recorded of a request, while it is answered.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{Method, Response};
use scim_auth::Client;
use scim_core::schema::{ResourceType, ToleratedQuirk};
use scim_core::{Action, Error, Identity, Operation, Outcome, RequestTarget, Resource};
use serde_json::Value;
use zeroize::Zeroizing;

use super::milestone::Milestones;

/// The operation of a request that was refused before anybody looked at what it wants.
pub(super) const REFUSED: &str = "refused";
/// The operation of a request to the token endpoint.
pub(super) const TOKEN: &str = "token";
/// The operation of a request for which there is no endpoint.
pub(super) const UNKNOWN_PATH: &str = "unknown path";
/// The operation of a request whose method is not allowed at its path.
const INVALID: &str = "invalid";
/// The largest body that is recorded, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// The largest number of lines that are recorded of a request.
pub(super) const MAX_LINES: usize = 200;
/// The longest text that is recorded, in bytes.
const MAX_TEXT: usize = 1_000;

/// A request that is being answered. [`ProvisioningLog::begin`](crate::ProvisioningLog::begin) makes it, the host tells it
/// what it learns about the request, in any order, and hands it to [`record`](crate::ProvisioningLog::record).
///
/// It belongs to the stages of [`ScimService`](scim_core::ScimService):
///
/// ```
/// use std::time::Instant;
///
/// use http::Response;
/// use scim_console::ProvisioningLog;
/// use scim_core::{Identity, ScimService};
///
/// async fn answer(
///     service: &ScimService,
///     log: &ProvisioningLog,
///     request: http::Request<Vec<u8>>,
/// ) -> Response<Vec<u8>> {
///     let begun = Instant::now();
///     let (parts, body) = request.into_parts();
///     let mut entry = log.begin(&parts);
///     if let (Some(entry), Some(identity)) = (&mut entry, parts.extensions.get::<Identity>()) {
///         entry.set_identity(identity);
///         entry.set_body(&body);
///     }
///     let outcome = match service.parse(&parts, &body) {
///         Ok(operation) => {
///             entry.iter_mut().for_each(|entry| entry.set_operation(&operation));
///             service.execute(operation, &parts.extensions).await
///         }
///         Err(error) => Err(error),
///     };
///     let response = match &outcome {
///         Ok(outcome) => service.response(outcome),
///         Err(error) => service.error_response(error),
///     };
///     if let Some(mut entry) = entry {
///         match &outcome {
///             Ok(outcome) => entry.set_outcome(outcome),
///             Err(error) => entry.set_error(error),
///         }
///         log.record(entry, response.status(), begun.elapsed());
///     }
///     response
/// }
/// ```
#[derive(Debug)]
pub struct Entry {
    pub(super) time: DateTime<Utc>,
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) address: Option<IpAddr>,
    pub(super) client: String,
    pub(super) tenant: String,
    pub(super) operation: &'static str,
    pub(super) resource_type: String,
    pub(super) resource_id: String,
    pub(super) name: Option<String>,
    pub(super) quirks: Vec<&'static str>,
    pub(super) scim_type: &'static str,
    pub(super) detail: String,
    pub(super) milestones: Milestones,
    pub(super) bulk: Vec<BulkLine>,
    pub(super) body: Body,
    /// Whether the client has proved who it is.
    pub(super) is_verified: bool,
}

/// The result of an operation of a bulk request.
#[derive(Debug)]
pub(super) struct BulkLine {
    pub(super) method: String,
    pub(super) location: String,
    pub(super) status: u16,
    pub(super) detail: String,
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum Body {
    /// There is none, or it has not been read.
    None,
    /// It may contain passwords.
    Read(Zeroizing<Vec<u8>>),
    /// It has more bytes than are recorded.
    TooLarge(usize),
}

impl Entry {
    /// Begins with the method, the path and the query of a request.
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            time: Utc::now(),
            id: String::new(),
            method: parts.method.clone(),
            path: shortened(parts.uri.path()),
            query: parts.uri.query().map(shortened).unwrap_or_default(),
            address: None,
            client: String::new(),
            tenant: String::new(),
            operation: REFUSED,
            resource_type: String::new(),
            resource_id: String::new(),
            name: None,
            quirks: Vec::new(),
            scim_type: "",
            detail: String::new(),
            milestones: Milestones::default(),
            bulk: Vec::new(),
            body: Body::None,
            is_verified: false,
        }
    }

    /// Sets the id by which the host names the request in its own log.
    pub fn set_id(&mut self, id: &str) {
        self.id = shortened(id);
    }

    /// Sets the address of the client.
    pub fn set_address(&mut self, address: IpAddr) {
        self.address = Some(address);
    }

    /// Sets the tenant that the URL names, until the [identity](Self::set_identity) is known.
    pub fn set_tenant(&mut self, tenant: &str) {
        self.tenant = shortened(tenant);
    }

    /// Sets who makes the request.
    pub fn set_identity(&mut self, identity: &Identity) {
        self.is_verified = true;
        self.client = shortened(&identity.principal);
        if let Some(tenant) = &identity.tenant {
            self.tenant = shortened(tenant);
        }
    }

    /// Sets that the request is for the token endpoint, and which client it claims to come from.
    pub fn set_token_request(&mut self, client: Option<&Client>) {
        self.operation = TOKEN;
        if let Some(client) = client {
            self.client = shortened(&client.name);
            self.tenant = client.tenant.as_deref().map(shortened).unwrap_or_default();
        }
    }

    /// Sets that there is nothing at the URL.
    pub fn set_unknown_path(&mut self) {
        self.operation = UNKNOWN_PATH;
    }

    /// Sets what the client wants to do, as far as the path and the method say it, if the rest of the request cannot be
    /// understood, or is not allowed.
    pub fn set_target(&mut self, target: Option<&RequestTarget<'_>>) {
        let Some(target) = target else { return self.set_unknown_path() };
        self.operation = target.action.map_or(INVALID, Action::as_str);
        self.resource_type = target.resource_type.map(ResourceType::name).unwrap_or_default().to_owned();
        self.resource_id = target.id.as_deref().map(shortened).unwrap_or_default();
    }

    /// Sets what the client wants to do.
    pub fn set_operation(&mut self, operation: &Operation) {
        self.operation = match operation.action() {
            Some(action) => action.as_str(),
            None if operation.is_discovery() => "discovery",
            None if operation.bulk_operations().is_some() => "bulk",
            None => "redirect",
        };
        self.resource_type = operation.resource_type().map(ResourceType::name).unwrap_or_default().to_owned();
        self.resource_id = operation.id().map(shortened).unwrap_or_default();
        self.add_quirks(operation.tolerated());
        self.milestones.add_operation(operation);
    }

    /// Sets the body, of which the operations of a PATCH and the paths of attributes are recorded.
    pub fn set_body(&mut self, body: &[u8]) {
        self.body = match body.len() {
            0 => Body::None,
            length if length > MAX_BODY => Body::TooLarge(length),
            _ => Body::Read(Zeroizing::new(body.to_vec())),
        };
    }

    fn add_quirks(&mut self, tolerated: &[ToleratedQuirk]) {
        for name in tolerated.iter().map(|tolerated| tolerated.quirk.name()) {
            if !self.quirks.contains(&name) {
                self.quirks.push(name);
            }
        }
    }

    /// Sets what came of it.
    pub fn set_outcome(&mut self, outcome: &Outcome) {
        self.add_quirks(outcome.tolerated());
        if let Some(resource) = outcome.resource() {
            self.resource_id = shortened(resource.id());
            self.name = name(resource);
        }
        for result in outcome.bulk_results() {
            self.milestones.add_bulk_result(&result);
            if self.bulk.len() == MAX_LINES {
                continue;
            }
            self.bulk.push(BulkLine {
                method: shortened(result.method),
                location: result.location.map(shortened).unwrap_or_default(),
                status: result.status.as_u16(),
                detail: result.error.map(|error| shortened(error.detail())).unwrap_or_default(),
            });
        }
    }

    /// Sets why it was refused.
    pub fn set_error(&mut self, error: &Error) {
        self.scim_type = error.scim_type().map(|scim_type| scim_type.as_str()).unwrap_or_default();
        self.set_detail(error.detail());
    }

    /// Sets why it was refused, from a response that the service or the token endpoint has made itself, such as that of
    /// [`authenticate`](scim_core::ScimService::authenticate).
    pub fn set_refusal(&mut self, response: &Response<Vec<u8>>) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let members = ["detail", "error_description", "error"];
        if let Some(detail) = members.iter().find_map(|member| body.get(member)?.as_str()) {
            self.set_detail(detail);
        }
    }

    fn set_detail(&mut self, detail: &str) {
        self.detail = shortened(detail);
    }

    /// Whether the request has only read.
    pub(super) fn is_read(&self) -> bool {
        let actions = [Action::Query, Action::Retrieve].map(Action::as_str);
        actions.contains(&self.operation) || ["discovery", "redirect"].contains(&self.operation)
    }

    /// The bytes that the body and the results of a bulk request take.
    pub(super) fn size(&self) -> usize {
        let body = match &self.body {
            Body::Read(body) => body.len(),
            Body::None | Body::TooLarge(_) => 0,
        };
        let of_line = |line: &BulkLine| line.method.len() + line.location.len() + line.detail.len();
        body + self.bulk.iter().map(of_line).sum::<usize>()
    }

    /// Drops the body and the results of a bulk request.
    pub(super) fn drop_content(&mut self) {
        if let Body::Read(body) = &self.body {
            self.body = Body::TooLarge(body.len());
        }
        self.bulk = Vec::new();
    }
}

/// The `userName` or `displayName` of a resource.
fn name(resource: &Resource) -> Option<String> {
    let name = resource.get("userName").or_else(|| resource.get("displayName"))?;
    name.as_str().map(shortened)
}

/// The beginning of a text, without U+0000, which PostgreSQL does not store.
pub(super) fn shortened(text: &str) -> String {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let start = text.get(..end.unwrap_or(0)).unwrap_or_default().replace('\0', "");
    if start.len() < text.len() && text.len() > MAX_TEXT { start + "…" } else { start }
}
