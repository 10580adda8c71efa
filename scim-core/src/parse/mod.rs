//! Parsing: from an HTTP request to an [`Operation`]. Whatever can be refused without asking a provider is
//! refused here.

mod body;
mod bulk;
mod bulk_operation;
mod dispatch;
mod json;
mod negotiation;
mod parameters;
mod request;
mod route;
mod search;

use http::{Extensions, Method};
use scim_schema::ReadContext;
use serde_json::Value;

use crate::policy::check_scopes;
use crate::setup::Setup;
use crate::{Operation, Precondition, Result, authorization_header};
use request::{Body, Request};

pub(crate) use bulk_operation::{BULK_ID_PREFIX, BulkOperation, may_refer};
pub(crate) use route::Route;

/// Refuses a request without an [`Identity`](crate::Identity), unless the options allow it. Returns the endpoint, or the
/// error if there is none; an unknown sender learns neither.
pub(crate) fn admit(setup: &Setup, parts: &http::request::Parts) -> Result<Result<Route>> {
    let route = Route::find(setup, setup.base_url(&parts.extensions), parts.uri.path());
    setup
        .admit(&parts.extensions, matches!(route, Ok(Route::Discovery(_))))
        .map_err(|error| authorization_header::explain(error, &parts.headers))?;
    Ok(route)
}

/// Parses a request.
pub(crate) fn parse(setup: &Setup, parts: &http::request::Parts, body: &[u8]) -> Result<Operation> {
    let base_url = setup.base_url(&parts.extensions);
    let route = admit(setup, parts)??;
    // Checked again when the operation is executed, but a caller who may not change anything gets no further.
    if let Some(action) = route.action(&parts.method) {
        check_scopes(&parts.extensions, action)?;
    }
    negotiation::check_accepted(&parts.headers)?;
    let request = Request {
        setup,
        base_url,
        extensions: &parts.extensions,
        query: parts.uri.query().unwrap_or_default(),
        body: Body::Bytes(&parts.headers, body),
        precondition: Precondition::from_headers(&parts.headers)?,
        through_me: false,
        read_context: ReadContext::new(&setup.config.tolerance),
    };
    request.into_operation(&parts.method, route)
}

/// Parses one operation of a bulk request as if it had come alone.
pub(crate) fn parse_bulk_operation(
    setup: &Setup,
    method: &Method,
    route: Route,
    data: Option<Value>,
    precondition: Precondition,
    extensions: &Extensions,
) -> Result<Operation> {
    let request = Request {
        setup,
        base_url: setup.base_url(extensions),
        extensions,
        query: "",
        body: Body::Value(data),
        precondition,
        through_me: false,
        read_context: ReadContext::new(&setup.config.tolerance),
    };
    request.into_operation(method, route)
}
