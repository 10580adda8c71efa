//! What administrators ask for: `/healthz`, `/readyz` and `/metrics`, on an address of their own.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use scim_core::tower::ResponseBody;
use scim_store::{Database, Mode, Statement};

use crate::Host;
use crate::serve::{Connections, accept};

/// The time that the database has to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest number of connections of administrators.
const MAX_CONNECTIONS: usize = 64;

/// Listens until the process ends.
pub(crate) async fn start(host: Host, address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address} (SCIM_ADMIN_LISTEN): {error}"))?;
    tracing::info!(address = %listener.local_addr()?, "administrators are served");
    let limits = host.0.settings.limits.clone();
    let connections = Connections::new(&limits, MAX_CONNECTIONS);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let host = host.clone();
        async move { Ok::<_, Infallible>(answer(&host, request.method(), request.uri().path()).await) }
    });
    tokio::spawn(accept(listener, None, connections, service, std::future::pending()));
    Ok(())
}

async fn answer(host: &Host, method: &Method, path: &str) -> Response<ResponseBody> {
    let (status, text) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => match unready(host).await {
            None => (StatusCode::OK, "ready\n".to_owned()),
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        (&Method::GET | &Method::HEAD, "/metrics") => {
            let pool = host.0.database.as_ref().and_then(|database| database.pool_status());
            (StatusCode::OK, host.0.metrics.text(pool))
        }
        (_, "/healthz" | "/readyz" | "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(ResponseBody::from(text.into_bytes()));
    *response.status_mut() = status;
    let media_type = match path {
        "/metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
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
