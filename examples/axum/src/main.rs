//! A SCIM service on axum. Run `cargo run --release -p axum-host` and paste the `curl` line that it prints.
//!
//! [`Mount`] authenticates the client, reads the body and answers, and axum serves it. The settings, which are environment
//! variables, and the service are in the package `host-common`, since they do not depend on the HTTP framework.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use host_common::{InvalidSettings, MOUNT_PATH, Settings, stop_signal};
use scim_core::tower::Mount;
use tokio::net::TcpListener;

/// How long running requests have to finish when the host stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

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
    let mount = Mount::new(service, settings.tokens.clone());
    // The service gets all requests below the mount path. For unknown paths it returns a SCIM error.
    let app = Router::new()
        .nest_service(MOUNT_PATH, mount.clone())
        .fallback(not_mounted)
        .with_state(mount)
        .layer(from_fn(close_after_connect));

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
async fn not_mounted(State(mount): State<Mount>, mut request: Request) -> Response {
    if request.method() != Method::CONNECT {
        return StatusCode::NOT_FOUND.into_response();
    }
    *request.uri_mut() = Uri::default();
    mount.handle(request).await.into_response()
}

/// Closes the connection after the response to CONNECT, since what the client sends then may not be HTTP. In all other
/// requests, that they ask for another protocol is ignored (RFC 9110 section 7.8).
async fn close_after_connect(request: Request, next: Next) -> Response {
    let closes = request.method() == Method::CONNECT && request.version() <= Version::HTTP_11;
    let mut response = next.run(request).await;
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
