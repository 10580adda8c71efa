//! What administrators ask for, on an address of their own: the pages, `/healthz`, `/readyz` and `/metrics`.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use scim_console::{ConsoleBody, ProvisioningLog};
use scim_store::{Database, Mode, Statement};

use crate::serve::{Connections, accept};
use crate::{AdminSettings, Host, LimitSettings};

/// The time that the database has to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest number of connections of administrators.
const MAX_CONNECTIONS: usize = 64;

/// How long a connection may be idle. A page that is open waits for new requests on one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Listens until the process ends. Returns the address.
pub(crate) async fn start(host: Host, settings: &AdminSettings) -> Result<SocketAddr, Box<dyn Error>> {
    let address = settings.listen;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address} (SCIM_ADMIN_LISTEN): {error}"))?;
    let listening = listener.local_addr()?;
    tracing::info!(address = %listening, "administrators are served");
    let limits = LimitSettings { idle_timeout: IDLE_TIMEOUT, ..host.0.settings.limits.clone() };
    let connections = Connections::new(&limits, MAX_CONNECTIONS);
    let tls = host.tls().filter(|_| settings.tls);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let host = host.clone();
        async move { Ok::<_, Infallible>(answer(&host, request).await) }
    });
    tokio::spawn(accept(listener, tls, connections, service, std::future::pending()));
    Ok(listening)
}

async fn answer(host: &Host, request: Request<hyper::body::Incoming>) -> Response<ConsoleBody> {
    let (method, path) = (request.method(), request.uri().path());
    let (status, text) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => match unready(host).await {
            None => (StatusCode::OK, "ready\n".to_owned()),
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        (&Method::GET | &Method::HEAD, "/metrics") => {
            let pool = host.0.database.as_ref().and_then(|database| database.pool_status());
            (
                StatusCode::OK,
                host.0.metrics.text(pool, host.0.log.as_ref().map_or(0, ProvisioningLog::dropped)),
            )
        }
        (_, "/healthz" | "/readyz" | "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => match &host.0.console {
            Some(console) => return console.handle(request).await,
            None => (StatusCode::NOT_FOUND, String::new()),
        },
    };
    let media_type = match path {
        "/metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let text = if method == Method::HEAD { String::new() } else { text };
    let mut response = Response::new(ConsoleBody::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Why requests cannot be answered at the moment.
async fn unready(host: &Host) -> Option<&'static str> {
    if !host.has_keys() {
        return Some("the keys of an issuer have not been fetched");
    }
    let database = host.0.database.as_deref()?;
    match tokio::time::timeout(DATABASE_TIMEOUT, ask(database)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::warn!(cause = %error, "the database is not available");
            Some("the database is not available")
        }
        Err(_) => Some("the database does not answer"),
    }
}

async fn ask(database: &dyn Database) -> Result<(), scim_store::DatabaseError> {
    let statement = Statement::new("SELECT 1 FROM scim_credential WHERE collection = ''", []);
    database.begin(Mode::Single).await?.query(vec![statement]).await.map(drop)
}
