//! The page of one request.

use askama::Template;
use http::{Response, StatusCode};

use super::form::query;
use super::requests::{description, milliseconds, shows_tenants};
use super::respond::{Failure, Page, html};
use super::{ConsoleBody, Shared};
use crate::log::{Line, LoggedRequest, advice};

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage<'a> {
    page: Page<'a>,
    shows_tenants: bool,
    request: LoggedRequest,
    time: String,
    milliseconds: String,
    quirks: Vec<(String, &'static str)>,
    advice: Option<&'static str>,
    lines: Vec<Line>,
    shows_values: bool,
    /// The query that finds all requests about the same resource.
    same_resource: String,
    /// The query of the page of the client.
    connection: String,
}

pub(super) async fn page(
    shared: &Shared,
    page: Page<'_>,
    position: i64,
) -> Result<Response<ConsoleBody>, Failure> {
    let found = shared.log.request(position, page.administrator.tenant()).await?;
    let (request, lines) = found.ok_or(Failure::NotFound)?;
    Ok(html(
        StatusCode::OK,
        &RequestPage {
            page,
            shows_tenants: shows_tenants(shared, page.administrator),
            time: request.time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            milliseconds: milliseconds(request.microseconds),
            quirks: request.quirks.iter().map(|name| (name.clone(), description(name))).collect(),
            advice: advice(&request),
            lines,
            shows_values: shared.log.options().values,
            same_resource: query([("person", request.resource_id.as_str())]),
            connection: query([("tenant", request.tenant.as_str()), ("name", request.client.as_str())]),
            request,
        },
    ))
}
