//! What is noted of a request: a line in the log, and metrics. Neither has values of attributes or tokens.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::StatusCode;
use scim_core::{Error, Identity, Operation, with_causes};

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
    cause: Option<String>,
}

impl Record {
    pub(super) fn new(id: String, address: IpAddr) -> Self {
        Self {
            id,
            address,
            operation: "unknown",
            client: None,
            tenant: None,
            resource_type: None,
            quirks: Vec::new(),
            cause: None,
        }
    }

    /// Notes who sends the request.
    pub(super) fn identity(&mut self, identity: &Identity) {
        self.client = Some(identity.principal.clone());
        self.tenant = identity.tenant.clone();
    }

    /// Notes an operation.
    pub(super) fn operation(&mut self, operation: &Operation) {
        self.operation = match operation.action() {
            Some(action) => action.as_str(),
            None if operation.is_discovery() => "discovery",
            None if operation.bulk_operations().is_some() => "bulk",
            None => "redirect",
        };
        self.resource_type = operation.resource_type().map(|resource_type| resource_type.name().to_owned());
        self.quirks = operation.tolerated().iter().map(|tolerated| tolerated.quirk.name()).collect();
    }

    /// Notes the cause of an error, which the client does not see.
    pub(super) fn error(&mut self, error: &Error) {
        if error.status().is_server_error() {
            self.cause = error.source().map(with_causes);
        }
    }

    /// Writes the line, and counts the request.
    fn finish(&self, status: u16, time: Duration, metrics: &Metrics) {
        let Self { id, address, operation, client, tenant, resource_type, quirks, cause } = self;
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
    is_finished: bool,
}

impl<'h> Recording<'h> {
    pub(super) fn new(record: Record, begun: Instant, metrics: &'h Metrics) -> Self {
        Self { record, begun, metrics, is_finished: false }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn finish(mut self, status: StatusCode) {
        self.is_finished = true;
        self.record.finish(status.as_u16(), self.begun.elapsed(), self.metrics);
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.record.finish(CLIENT_GONE, self.begun.elapsed(), self.metrics);
        }
    }
}
