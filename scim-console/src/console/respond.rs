//! Responses: pages, files, redirects and errors.

use askama::Template;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use scim_store::DatabaseError;

use super::administrators::Administrator;
use super::{ConsoleBody, ConsoleOptions};

/// What all pages of a signed-in administrator show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    pub(super) options: &'a ConsoleOptions,
    pub(super) administrator: &'a Administrator,
}

impl Page<'_> {
    /// The path below which the pages are.
    pub(super) fn root(&self) -> &str {
        &self.options.root
    }
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no such page, or the administrator may not see it.
    NotFound,
    /// The administrator may not change anything.
    ReadOnly,
    /// The database is not available.
    Unavailable(String),
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable(scim_core::with_causes(&error))
    }
}

impl From<scim_auth::Error> for Failure {
    fn from(error: scim_auth::Error) -> Self {
        Self::Unavailable(scim_core::with_causes(&error))
    }
}

/// A page without content.
#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    root: &'a str,
    title: &'static str,
    text: &'static str,
}

impl Failure {
    pub(super) fn respond(self, options: &ConsoleOptions) -> Response<ConsoleBody> {
        let (status, title, text) = match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "Not found", "There is no such page, or it was deleted.")
            }
            Self::ReadOnly => (
                StatusCode::FORBIDDEN,
                "Not allowed",
                "Your token allows you to look, but not to change anything.",
            ),
            Self::Unavailable(cause) => {
                tracing::error!(cause, "a page of administrators cannot be shown");
                let text = "The database is not available. Try again later.";
                (StatusCode::SERVICE_UNAVAILABLE, "Not available", text)
            }
        };
        html(status, &FailurePage { root: &options.root, title, text })
    }
}

/// A page.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response<ConsoleBody> {
    match template.render() {
        Ok(html) => response(status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "a page of administrators cannot be made");
            text(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be shown.\n")
        }
    }
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Response<ConsoleBody> {
    response(status, "text/plain; charset=utf-8", text)
}

pub(super) fn response(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<ConsoleBody>,
) -> Response<ConsoleBody> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Sends the browser to another page, which it gets.
pub(super) fn redirect(to: &str) -> Response<ConsoleBody> {
    let mut response = text(StatusCode::SEE_OTHER, "");
    match HeaderValue::from_str(to) {
        Ok(location) => _ = response.headers_mut().insert(LOCATION, location),
        Err(_) => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

pub(super) fn unexpected_host() -> Response<ConsoleBody> {
    text(
        StatusCode::MISDIRECTED_REQUEST,
        "These pages are not reached by this host. Use an IP address or localhost, or set the URL of the pages \
         (SCIM_ADMIN_URL).\n",
    )
}

pub(super) fn foreign_form() -> Response<ConsoleBody> {
    text(
        StatusCode::FORBIDDEN,
        "This form was not sent by one of these pages. If a proxy is in front of them, let it pass the header Host on, or \
         set the URL of the pages (SCIM_ADMIN_URL).\n",
    )
}

/// The stylesheet, the script and the icon.
pub(super) fn file(path: &str) -> Option<Response<ConsoleBody>> {
    let (media_type, content) = match path {
        "/console.css" => ("text/css; charset=utf-8", include_str!("../../static/console.css")),
        "/console.js" => ("text/javascript; charset=utf-8", include_str!("../../static/console.js")),
        "/console.svg" => ("image/svg+xml", include_str!("../../static/console.svg")),
        _ => return None,
    };
    let mut file = response(StatusCode::OK, media_type, content);
    file.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(file)
}

/// Adds the headers that keep pages from being misused.
pub(super) fn protect(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                  form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Without a referrer, browsers would not say where a form comes from, either.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
