//! What is noted of a request: a line in the log, metrics, and a row of the provisioning log. The first two have no values
//! of attributes, and none of them has tokens.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use scim_auth::Client;
use scim_console::{Entry, ProvisioningLog};
use scim_core::schema::ToleratedQuirk;
use scim_core::{Error, Identity, Operation, Outcome, RequestTarget, with_causes};

use super::Metrics;

pub(super) struct Record {
    pub(super) id: String,
    pub(super) address: IpAddr,
    /// What the client wants to do, as far as it is known.
    pub(super) operation: &'static str,
    client: Option<String>,
    tenant: Option<String>,
    resource_type: Option<String>,
    quirks: Vec<&'static str>,
    scim_type: Option<&'static str>,
    cause: Option<String>,
    /// For the provisioning log, if there is one.
    entry: Option<Entry>,
}

impl Record {
    /// Begins the record of a request; with an entry for the provisioning log, if there is one.
    pub(super) fn new(id: String, address: IpAddr, parts: &Parts, log: Option<&ProvisioningLog>) -> Self {
        let mut entry = log.and_then(|log| log.begin(parts));
        if let Some(entry) = &mut entry {
            entry.set_id(&id);
            entry.set_address(address);
        }
        Self {
            id,
            address,
            operation: "unknown",
            client: None,
            tenant: None,
            resource_type: None,
            quirks: Vec::new(),
            scim_type: None,
            cause: None,
            entry,
        }
    }

    /// Leaves the request out of the provisioning log.
    pub(super) fn leave_out(&mut self) {
        self.entry = None;
    }

    /// Notes that there is nothing at the URL. If the client has a token, it is a provider with a wrong URL.
    pub(super) fn unknown_path(&mut self, parts: &Parts) {
        self.operation = "unknown path";
        match &mut self.entry {
            Some(entry) if parts.headers.contains_key(AUTHORIZATION) => entry.set_unknown_path(),
            _ => self.leave_out(),
        }
    }

    /// Whether the request is recorded in the provisioning log.
    pub(super) fn is_logged(&self) -> bool {
        self.entry.is_some()
    }

    /// Notes that the request is for the token endpoint, and which client it claims to come from.
    pub(super) fn token_request(&mut self, client: Option<&Client>) {
        self.operation = "token";
        if let Some(entry) = &mut self.entry {
            entry.set_token_request(client);
        }
    }

    /// Notes what a request is about that cannot be parsed.
    pub(super) fn target(&mut self, target: Option<&RequestTarget<'_>>) {
        if let Some(entry) = &mut self.entry {
            entry.set_target(target);
        }
    }

    /// Notes which tenant the URL names.
    pub(super) fn tenant(&mut self, tenant: &str) {
        if let Some(entry) = &mut self.entry {
            entry.set_tenant(tenant);
        }
    }

    /// Notes the body of a request that writes.
    pub(super) fn body(&mut self, method: &Method, body: &[u8]) {
        if let Some(entry) = self.entry.as_mut().filter(|_| method != Method::GET) {
            entry.set_body(body);
        }
    }

    /// Notes the response to a request that was refused before it was read.
    pub(super) fn refusal(&mut self, response: &Response<Vec<u8>>) {
        if let Some(entry) = &mut self.entry {
            entry.set_refusal(response);
        }
    }

    /// Notes what came of the operation.
    pub(super) fn outcome(&mut self, outcome: &Outcome) {
        self.quirks(outcome.tolerated());
        if let Some(entry) = &mut self.entry {
            entry.set_outcome(outcome);
        }
    }

    fn quirks(&mut self, tolerated: &[ToleratedQuirk]) {
        for name in tolerated.iter().map(|tolerated| tolerated.quirk.name()) {
            if !self.quirks.contains(&name) {
                self.quirks.push(name);
            }
        }
    }

    /// Notes who sends the request.
    pub(super) fn identity(&mut self, identity: &Identity) {
        if let Some(entry) = &mut self.entry {
            entry.set_identity(identity);
        }
        self.client = Some(identity.principal.clone());
        self.tenant = identity.tenant.clone();
    }

    /// Notes an operation.
    pub(super) fn operation(&mut self, operation: &Operation) {
        if let Some(entry) = &mut self.entry {
            entry.set_operation(operation);
        }
        self.operation = match operation.action() {
            Some(action) => action.as_str(),
            None if operation.is_discovery() => "discovery",
            None if operation.bulk_operations().is_some() => "bulk",
            None => "redirect",
        };
        self.resource_type = operation.resource_type().map(|resource_type| resource_type.name().to_owned());
        self.quirks(operation.tolerated());
    }

    /// Notes an error, and its cause, which the client does not see.
    pub(super) fn error(&mut self, error: &Error) {
        if let Some(entry) = &mut self.entry {
            entry.set_error(error);
        }
        self.scim_type = error.scim_type().map(|scim_type| scim_type.as_str());
        if error.status().is_server_error() {
            self.cause = error.source().map(with_causes);
        }
    }

    /// Writes the line, and counts the request.
    fn finish(&self, status: u16, time: Duration, metrics: &Metrics) {
        let Self {
            id,
            address,
            operation,
            client,
            tenant,
            resource_type,
            quirks,
            scim_type,
            cause,
            entry: _,
        } = self;
        let tenant = tenant.as_deref();
        metrics.count(operation, status, tenant, time);
        for quirk in quirks {
            metrics.count_quirk(quirk);
        }
        if cause.is_some() {
            metrics.count_store_error();
        }
        let client = client.as_deref();
        let milliseconds = (time.as_secs_f64() * 1e6).round() / 1e3;
        let quirks = (!quirks.is_empty()).then(|| quirks.join(","));
        let resource_type = resource_type.as_deref();
        let address = tracing::field::display(address);
        let cause = cause.as_deref();
        // What is `None` is left out.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    operation,
                    resource_type,
                    tenant,
                    client,
                    status,
                    scim_type,
                    milliseconds,
                    quirks,
                    address,
                    id,
                    cause,
                    "request"
                )
            };
        }
        if cause.is_none() {
            line!(info);
        } else {
            line!(error);
        }
    }
}

/// The status in the log of a request whose client has gone before the response.
const CLIENT_GONE: u16 = 499;

/// A request that runs. If it is dropped, since its client has gone, it is recorded all the same.
pub(super) struct Recording<'h> {
    record: Record,
    begun: Instant,
    metrics: &'h Metrics,
    log: Option<&'h ProvisioningLog>,
    is_finished: bool,
}

impl<'h> Recording<'h> {
    pub(super) fn new(
        record: Record,
        begun: Instant,
        metrics: &'h Metrics,
        log: Option<&'h ProvisioningLog>,
    ) -> Self {
        Self { record, begun, metrics, log, is_finished: false }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn finish(mut self, status: StatusCode) {
        self.is_finished = true;
        self.write(status.as_u16());
    }

    fn write(&mut self, status: u16) {
        let time = self.begun.elapsed();
        self.record.finish(status, time, self.metrics);
        let status = StatusCode::from_u16(status).unwrap_or_default();
        if let (Some(log), Some(entry)) = (self.log, self.record.entry.take()) {
            log.record(entry, status, time);
        }
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.write(CLIENT_GONE);
        }
    }
}
