//! The page with the latest requests.

use askama::Template;
use http::{Response, StatusCode};
use scim_core::schema::{Quirk, ResourceType};

use super::form::{Form, query};
use super::respond::{Failure, Page, html};
use super::{Administrator, ConsoleBody, Shared};
use crate::log::{LoggedRequest, Search, StatusFilter};

/// How many requests a page shows.
const PAGE: u32 = 100;

/// The fields of the filter.
const FIELDS: [&str; 5] = ["tenant", "client", "status", "type", "person"];

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage<'a> {
    page: Page<'a>,
    form: &'a Form,
    shows_tenants: bool,
    types: Vec<&'a str>,
    clients: Vec<String>,
    rows: Vec<RequestRow>,
    /// The query of the next page with older requests.
    older: Option<String>,
    /// The URL of the events; `None` if the page does not show the latest requests.
    events: Option<String>,
    is_filtered: bool,
    dropped: u64,
    days: i64,
    kept: String,
}

/// The rows alone, for requests that come while the page is open.
#[derive(Template)]
#[template(path = "rows.html")]
pub(super) struct Rows<'a> {
    pub(super) root: &'a str,
    pub(super) shows_tenants: bool,
    pub(super) rows: Vec<RequestRow>,
}

/// A request in the table.
pub(super) struct RequestRow {
    pub(super) request: LoggedRequest,
    pub(super) time: String,
    pub(super) milliseconds: String,
    /// What each quirk is, for a tooltip.
    pub(super) quirks: Vec<(String, &'static str)>,
}

impl From<LoggedRequest> for RequestRow {
    fn from(request: LoggedRequest) -> Self {
        Self {
            time: request.time.format("%Y-%m-%d %H:%M:%S").to_string(),
            milliseconds: milliseconds(request.microseconds),
            quirks: request.quirks.iter().map(|name| (name.clone(), description(name))).collect(),
            request,
        }
    }
}

impl RequestRow {
    pub(super) fn is_refused(&self) -> bool {
        self.request.status >= 400
    }
}

/// What a quirk is; empty for one of a version before this one.
pub(super) fn description(quirk: &str) -> &'static str {
    Quirk::from_name(quirk).map(Quirk::description).unwrap_or_default()
}

pub(super) fn milliseconds(microseconds: i64) -> String {
    format!("{}.{:01}", microseconds / 1000, microseconds % 1000 / 100)
}

pub(super) async fn page(
    shared: &Shared,
    page: Page<'_>,
    form: &Form,
) -> Result<Response<ConsoleBody>, Failure> {
    let Page { options, administrator } = page;
    let search = Search { before: form.get("before").parse().ok(), ..search(administrator, form) };
    let found = shared.log.search(&search).await?;
    let is_full = found.len() == PAGE as usize;
    let older = found.last().filter(|_| is_full).map(|oldest| {
        let position = oldest.position.to_string();
        query(fields(form).chain([("before", position.as_str())]))
    });
    let events = search.before.is_none().then(|| {
        let position = found.first().map_or(0, |newest| newest.position).to_string();
        format!("{}/events?{}", options.root, query(fields(form).chain([("after", position.as_str())])))
    });
    let milestones = shared.log.milestones(administrator.tenant()).await?;
    let mut clients: Vec<String> = milestones.into_iter().map(|known| known.client).collect();
    clients.sort();
    clients.dedup();
    let log_options = shared.log.options();
    Ok(html(
        StatusCode::OK,
        &RequestsPage {
            page,
            form,
            shows_tenants: shows_tenants(shared, administrator),
            types: options.resource_types.iter().map(ResourceType::name).collect(),
            clients,
            rows: found.into_iter().map(RequestRow::from).collect(),
            older,
            events,
            is_filtered: fields(form).any(|(_, value)| !value.is_empty()),
            dropped: shared.log.dropped(),
            days: log_options.max_age.num_days(),
            kept: thousands(log_options.max_requests),
        },
    ))
}

/// A number with commas between the thousands.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the filter of a page looks for. An administrator of a tenant finds only what belongs to it.
pub(super) fn search(administrator: &Administrator, form: &Form) -> Search {
    let text = |name: &str| form.filled(name).map(str::to_owned);
    Search {
        tenant: administrator.tenant().map(str::to_owned).or_else(|| text("tenant")),
        client: text("client"),
        status: form.filled("status").and_then(StatusFilter::from_text),
        resource_type: text("type"),
        person: text("person"),
        before: None,
        after: None,
        limit: PAGE,
    }
}

/// Whether rows say to which tenant they belong.
pub(super) fn shows_tenants(shared: &Shared, administrator: &Administrator) -> bool {
    shared.options.tenants && administrator.tenant().is_none()
}

fn fields(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    FIELDS.into_iter().map(|name| (name, form.get(name)))
}
