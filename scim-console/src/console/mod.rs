//! The pages.

mod administrators;
mod body;
pub(crate) mod code;
mod connection;
mod connections;
mod credential_forms;
mod events;
mod form;
mod guard;
mod mapping;
mod options;
mod providers;
mod request;
mod requests;
mod respond;
mod sent_forms;
mod sign_in;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use scim_auth::{Credentials, MemoryCredentials, NewToken, Secret};
use scim_core::BodyBuffer;
use scim_core::tower::read_body;

use crate::ProvisioningLog;
use administrators::{Administrator, Administrators};
pub use body::ConsoleBody;
use form::Form;
use guard::Intrusion;
pub use options::ConsoleOptions;
use respond::{Failure, Page};
use sent_forms::SentForms;

/// The largest form in bytes.
const MAX_FORM: usize = 16 * 1024;
/// The time in which a form arrives.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// The pages of administrators: what the identity providers have sent, and how each is connected. Cheap to clone.
///
/// It is a service that answers any request of the crate `http`; mount it where only administrators can reach it.
///
/// ```
/// use scim_auth::{Credentials, MemoryCredentials};
/// use scim_console::{Console, ConsoleOptions, LogOptions, ProvisioningLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = scim_store::open("sqlite::memory:").await?;
/// let log = ProvisioningLog::open(database, LogOptions::new()).await?;
/// let credentials = Credentials::new(MemoryCredentials::new());
/// let options = ConsoleOptions::new("https://app.example.com/scim/v2", "https://app.example.com/oauth/token");
/// let console = Console::new(log, credentials, options);
///
/// let request = http::Request::get("/").header("host", "localhost:9090").body(String::new())?;
/// let response = console.handle(request).await;
/// assert_eq!(response.headers()["location"], "/login");
/// # Ok(())
/// # }
/// ```
///
/// # Who may see it
///
/// An administrator signs in with a token of [`Credentials::create_admin_token`], and stays signed in for eight hours, by a
/// cookie that scripts cannot read and other sites cannot send. If the token has a tenant, the pages show this tenant only.
/// An administrator whose token has only the scope `read` cannot create or revoke credentials.
///
/// Requests with a host that is [not expected](ConsoleOptions::host), and forms of other web sites, are refused. The pages
/// contain no inline scripts or styles, and may not be shown in frames.
#[derive(Clone)]
pub struct Console(Arc<Shared>);

struct Shared {
    log: ProvisioningLog,
    credentials: Credentials,
    administrators: Administrators,
    options: ConsoleOptions,
    forms: SentForms,
}

impl Console {
    /// The pages about the requests in a log, and about these credentials.
    pub fn new(log: ProvisioningLog, credentials: Credentials, options: ConsoleOptions) -> Self {
        let administrators = Administrators { stored: credentials.clone(), temporary: None };
        Self(Arc::new(Shared { log, credentials, administrators, options, forms: SentForms::default() }))
    }

    /// As [`new`](Self::new), with a token for an administrator that is valid until the process ends. It is returned, too.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub async fn with_temporary_token(
        log: ProvisioningLog,
        credentials: Credentials,
        options: ConsoleOptions,
    ) -> Result<(Self, Secret), scim_auth::Error> {
        let temporary = Credentials::new(MemoryCredentials::new());
        let (_, token) = temporary.create_admin_token(NewToken::new("administrator"), Utc::now()).await?;
        let administrators = Administrators { stored: credentials.clone(), temporary: Some(temporary) };
        let forms = SentForms::default();
        Ok((Self(Arc::new(Shared { log, credentials, administrators, options, forms })), token))
    }

    /// Answers a request.
    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<ConsoleBody> {
        let (parts, body) = request.into_parts();
        let mut response = self.answer(&parts, body).await;
        respond::protect(response.headers_mut());
        // With HTTP/2, hyper sends the body of every response, and clients break off if one follows a HEAD.
        if parts.method == Method::HEAD {
            *response.body_mut() = ConsoleBody::from("");
        }
        response
    }

    async fn answer<B: Body>(&self, parts: &Parts, body: B) -> Response<ConsoleBody> {
        let Shared { options, .. } = &*self.0;
        match guard::check(options, parts) {
            Ok(()) => {}
            Err(Intrusion::Host) => return respond::unexpected_host(),
            Err(Intrusion::Origin) => return respond::foreign_form(),
        }
        let path = parts.uri.path();
        let path = path.strip_prefix(options.root.as_str()).unwrap_or(path);
        if let Some(file) = respond::file(path) {
            return file;
        }
        let form = match parts.method {
            Method::POST => {
                match tokio::time::timeout(FORM_TIMEOUT, read_body(body, BodyBuffer::new(MAX_FORM))).await {
                    Ok(Ok(form)) if form.len() <= MAX_FORM => Form::parse(&form),
                    Ok(Ok(_)) => {
                        return respond::text(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large.\n");
                    }
                    _ => return respond::text(StatusCode::BAD_REQUEST, "The form did not arrive.\n"),
                }
            }
            Method::GET | Method::HEAD => Form::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            _ => return respond::text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and POST are supported.\n"),
        };
        match self.route(parts, path, &form).await {
            Ok(response) => response,
            Err(failure) => failure.respond(options),
        }
    }

    async fn route(&self, parts: &Parts, path: &str, form: &Form) -> Result<Response<ConsoleBody>, Failure> {
        let shared = &*self.0;
        let is_post = parts.method == Method::POST;
        let secret = guard::session_secret(&shared.options, parts);
        match (path, is_post) {
            ("/login", false) => return Ok(sign_in::page(shared, None)),
            ("/login", true) => return sign_in::sign_in(shared, parts, form).await,
            ("/logout", true) => return sign_in::sign_out(shared, secret).await,
            _ => {}
        }
        let administrator = match secret {
            Some(secret) => shared.administrators.session(secret, Utc::now()).await?,
            None => None,
        };
        let Some(administrator) = administrator else {
            return Ok(match path {
                "/events" => respond::text(StatusCode::UNAUTHORIZED, "Sign in again.\n"),
                _ => respond::redirect(&format!("{}/login", shared.options.root)),
            });
        };
        let page = Page { options: &shared.options, administrator: &administrator };
        match (path, is_post) {
            ("" | "/", false) => requests::page(shared, page, form).await,
            ("/events", false) => Ok(events::stream(self, &administrator, secret, parts, form)),
            ("/connections", false) => connections::page(shared, page, None).await,
            ("/connection", false) => connection::page(shared, page, form, None).await,
            ("/connections", true) => credential_forms::create(shared, page, form).await,
            ("/connection", true) => credential_forms::change(shared, page, form).await,
            (path, false) => match path.strip_prefix("/requests/").and_then(|position| position.parse().ok())
            {
                Some(position) => request::page(shared, page, position).await,
                None => Err(Failure::NotFound),
            },
            _ => Err(Failure::NotFound),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("log", &self.0.log).finish_non_exhaustive()
    }
}
