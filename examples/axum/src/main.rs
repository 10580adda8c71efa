//! A SCIM service on axum. Run `cargo run --release -p axum-host` and paste the `curl` line that it prints.
//!
//! A host does four things, all in this file: it identifies the client, reads the body, passes the request to
//! [`ScimService::handle`], and sends the response. The settings, which are environment variables, and the service
//! are in the package `host-common`, since they do not depend on the HTTP framework.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use host_common::{BodyBuffer, InvalidSettings, MAX_BODY, MOUNT_PATH, Settings, Token, stop_signal};
use http_body_util::BodyExt;
use scim_core::{Identity, ScimService};
use tokio::net::TcpListener;

/// How long running requests have to finish when the host stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Host {
    service: ScimService,
    token: Token,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum-host: {error}");
            ExitCode::from(if error.is::<InvalidSettings>() { 2 } else { 1 })
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    let address = listener.local_addr()?;
    let service = host_common::service(&settings, &settings.base_url(address)).await?;
    let host = Host { service, token: settings.token.clone() };
    // The service gets all requests below the mount path. For unknown paths it returns a SCIM error.
    let mounted = Router::new().fallback(scim).with_state(host.clone());
    let app = Router::new().nest_service(MOUNT_PATH, mounted).fallback(not_mounted).with_state(host);

    let stop = stop_signal()?;
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        stop.await;
        let _ = stopping.send(());
    });
    println!("{}", settings.greeting(address));
    tokio::select! {
        result = server => result?,
        _ = async { stopped.await.ok(); tokio::time::sleep(SHUTDOWN_TIMEOUT).await } => {}
    }
    Ok(())
}

/// Answers a request whose path is not below the mount path. CONNECT has no path, since its target is another server;
/// the service refuses the method.
async fn not_mounted(host: State<Host>, mut request: Request) -> Response {
    if request.method() != Method::CONNECT {
        return StatusCode::NOT_FOUND.into_response();
    }
    *request.uri_mut() = Uri::default();
    scim(host, request).await
}

/// Answers a request below the mount path. If the request asks for another protocol, that is ignored (RFC 9110 section
/// 7.8).
async fn scim(State(host): State<Host>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // The service answers 401 if the request has no `Identity`, so a wrong token needs no further handling.
    let is_authorized =
        host.token.is_carried_by(parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes()));
    if is_authorized {
        parts.extensions.insert(Identity::new("client"));
    }
    // If the body is too large, the service gets one byte more than it accepts, and answers 413.
    let Ok(body) = read_body(body, if is_authorized { MAX_BODY + 1 } else { 0 }).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // After a refused CONNECT, what the client sends on the connection may not be HTTP, so the connection is closed.
    let closes_connection = parts.method == Method::CONNECT && parts.version <= Version::HTTP_11;
    let mut response = host.service.handle(Request::from_parts(parts, body)).await.map(Body::from);
    if closes_connection {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads a body, and keeps at most `limit` bytes of it.
async fn read_body(mut body: Body, limit: usize) -> Result<Vec<u8>, axum::Error> {
    let mut buffer = BodyBuffer::new(limit);
    while !buffer.is_overfull()
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            buffer.push(&data);
        }
    }
    Ok(buffer.into_bytes())
}
