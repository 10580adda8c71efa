//! A SCIM service on axum: `cargo run --release -p axum-host`, and paste the `curl` line it prints.
//!
//! Four things are a host's to do, and all of them are in this file: know the client, collect the
//! body, hand the request to [`ScimService::handle`], and send what comes back. Settings, which are
//! environment variables, and what is served are in the package `host-common`, since they are the
//! same on every HTTP stack.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use host_common::{BodyBuffer, InvalidSettings, MAX_BODY, MOUNT, Settings, Token, stop_signal};
use http_body_util::BodyExt;
use scim_core::{Identity, ScimService};
use tokio::net::TcpListener;

/// How long requests that are being served may take when the host is told to stop.
const GRACE: Duration = Duration::from_secs(10);

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
    // Everything below the mount is the service's, unknown paths included: it answers in SCIM.
    let mounted = Router::new().fallback(scim).with_state(host.clone());
    let app = Router::new().nest_service(MOUNT, mounted).fallback(outside).with_state(host);

    let stop = stop_signal()?;
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        stop.await;
        let _ = stopping.send(());
    });
    println!("{}", settings.greeting(address));
    tokio::select! {
        result = server => result?,
        _ = async { stopped.await.ok(); tokio::time::sleep(GRACE).await } => {}
    }
    Ok(())
}

/// Answers a request for what is not below the mount. The target of CONNECT is another host, so it
/// is nowhere below it; the service refuses the method.
async fn outside(host: State<Host>, mut request: Request) -> Response {
    if request.method() != Method::CONNECT {
        return StatusCode::NOT_FOUND.into_response();
    }
    *request.uri_mut() = Uri::default();
    scim(host, request).await
}

/// Answers one request. If it asks for another protocol, that is ignored (RFC 9110 section 7.8).
async fn scim(State(host): State<Host>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // The service answers 401 to whom nobody has identified; so a wrong token needs nothing but this.
    let known = host.token.is_in(parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes()));
    if known {
        parts.extensions.insert(Identity::new("client"));
    }
    // One byte more than the service takes tells it that a body is too large, and it answers 413.
    let Ok(body) = read(body, if known { MAX_BODY + 1 } else { 0 }).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // A client that is refused a tunnel has nothing else to say.
    let close = parts.method == Method::CONNECT && parts.version <= Version::HTTP_11;
    let mut response = host.service.handle(Request::from_parts(parts, body)).await.map(Body::from);
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads a body, and keeps `limit` bytes of it at most.
async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, axum::Error> {
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
