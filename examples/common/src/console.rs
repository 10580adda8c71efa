//! The pages of administrators, and the log that they show.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::Utc;
use scim_auth::{Auth, Token};
use scim_console::{Console, ConsoleOptions, LogOptions, ProvisioningLog};
use scim_core::ScimService;
use scim_store::Database;

use crate::settings::AdminSettings;
use crate::{Settings, Tenants};

/// The pages, and what belongs to them.
pub(crate) struct Pages {
    pub(crate) console: Console,
    pub(crate) log: ProvisioningLog,
    /// A token for administrators that is valid until the host stops, if there is no other.
    pub(crate) token: Option<String>,
    pub(crate) has_administrators: bool,
}

/// Opens the log in the database of the host, or in memory if the host has none, and makes the pages. If somebody tries the
/// host out, and nobody else can sign in, there is a token that is valid until the host stops.
pub(crate) async fn open(
    settings: &Settings,
    admin: &AdminSettings,
    service: &ScimService,
    auth: &Auth,
    database: Option<Arc<dyn Database>>,
    is_tried_out: bool,
) -> Result<Pages, Box<dyn Error>> {
    // Without a database, there is no command that creates a token.
    let prints_token = admin.listen.ip().is_loopback() && (is_tried_out || database.is_none());
    let database = match database {
        Some(database) => database,
        None => scim_store::open("sqlite::memory:").await?,
    };
    let log = ProvisioningLog::open(database, log_options(settings, service)).await?;
    let credentials = auth.credentials().clone();
    let options = console_options(settings, admin, service, auth);
    let now = Utc::now();
    let is_valid = |token: &Token| token.expires.is_none_or(|expires| now < expires);
    let has_administrators = credentials.admin_tokens().await?.iter().any(is_valid);
    if has_administrators || !prints_token {
        let console = Console::new(log.clone(), credentials, options);
        return Ok(Pages { console, log, token: None, has_administrators });
    }
    let (console, token) = Console::with_temporary_token(log.clone(), credentials, options).await?;
    Ok(Pages { console, log, token: Some(token.expose().to_owned()), has_administrators })
}

fn log_options(settings: &Settings, service: &ScimService) -> LogOptions {
    let log = settings.log;
    let options = LogOptions::new().keep_days(log.days).keep_requests(log.requests);
    let options = options.resource_types(service.resource_types());
    let options = if log.names { options } else { options.without_names() };
    if log.values { options.with_values() } else { options }
}

fn console_options(
    settings: &Settings,
    admin: &AdminSettings,
    service: &ScimService,
    auth: &Auth,
) -> ConsoleOptions {
    let options = ConsoleOptions::new(auth.base_url(), auth.token_url());
    let options = options.resource_types(service.resource_types());
    let options = if settings.tenants == Tenants::Off { options } else { options.tenants() };
    let is_plain = admin.listen.ip().is_loopback() && !admin.is_https;
    let options = if is_plain { options } else { options.secure_cookies() };
    match &admin.host {
        Some(host) => options.host(host),
        None => options,
    }
}

/// What the host prints of the pages: their URL, and the token or how to create one.
pub(crate) fn greeting(
    settings: &AdminSettings,
    listening: SocketAddr,
    program: &str,
    token: Option<&str>,
    has_administrators: bool,
) -> String {
    let scheme = if settings.is_https { "https" } else { "http" };
    let url = match &settings.host {
        Some(host) => format!("{scheme}://{host}/"),
        None => format!("{scheme}://{}/", crate::settings::local_address(listening)),
    };
    match token {
        Some(token) => format!(
            "pages for administrators: {url}\nSign in with this token, which is valid until the host stops:\n{token}"
        ),
        None if has_administrators => format!("pages for administrators: {url}"),
        None => format!(
            "pages for administrators: {url}\nCreate a token for them with `{program} admin create NAME`."
        ),
    }
}
