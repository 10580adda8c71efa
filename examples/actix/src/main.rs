//! A SCIM service on actix-web. Run `cargo run --release -p actix-host` and paste the `curl` line that it prints.
//!
//! A host does four things, all in this file: it asks who the client is, reads the body, passes the request to
//! [`ScimService::handle`], and sends the response. The settings, which are environment variables, and the service
//! are in the package `host-common`, since they do not depend on the HTTP framework.
//!
//! actix-web uses the types of http 0.2, and the library those of http 1. [`convert_request`] and
//! [`convert_response`] convert between them.

use std::error::Error;
use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::rt::System;
use actix_web::web::{Data, Payload, scope, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt;
use host_common::{InvalidSettings, MOUNT_PATH, Settings, stop_signal};
use scim_core::{BearerTokens, BodyBuffer, Error as ScimError, ScimService};

/// The seconds that running requests have to finish when the host stops.
const SHUTDOWN_TIMEOUT: u64 = 10;

#[derive(Clone)]
struct Host {
    service: ScimService,
    tokens: BearerTokens,
}

fn main() -> ExitCode {
    match System::new().block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("actix-host: {error}");
            ExitCode::from(if error.is::<InvalidSettings>() { 2 } else { 1 })
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let listener = TcpListener::bind(settings.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    let address = listener.local_addr()?;
    let service = host_common::service(&settings, &settings.base_url(address)).await?;
    let host = Host { service, tokens: settings.tokens.clone() };
    // The service gets all requests below the mount path. For unknown paths it returns a SCIM error.
    let app = move || {
        let mounted = scope(MOUNT_PATH).default_service(to(scim));
        App::new().app_data(Data::new(host.clone())).service(mounted).default_service(to(not_mounted))
    };

    let stop = stop_signal()?;
    let server = HttpServer::new(app).shutdown_signal(stop).shutdown_timeout(SHUTDOWN_TIMEOUT);
    let server = server.listen_auto_h2c(listener)?.run();
    println!("{}", settings.greeting(address));
    Ok(server.await?)
}

/// Answers a request whose path is not below the mount path. CONNECT has no path, since its target is another server;
/// the service refuses the method.
async fn not_mounted(host: Data<Host>, request: HttpRequest, body: Payload) -> HttpResponse {
    match *request.method() {
        Method::CONNECT => scim(host, request, body).await,
        _ => finish_response(&request, HttpResponse::NotFound().finish()),
    }
}

/// Answers a request below the mount path.
async fn scim(host: Data<Host>, request: HttpRequest, body: Payload) -> HttpResponse {
    let Ok(converted) = convert_request(&request) else {
        return finish_response(&request, HttpResponse::BadRequest().finish());
    };
    let (mut parts, ()) = converted.into_parts();
    let refused = host.service.authenticate(&mut parts, &host.tokens).await.err();
    let buffer = match &refused {
        None => BodyBuffer::new(host.service.max_payload()),
        Some(_) => BodyBuffer::discarding(),
    };
    let body = read_body(body, body_length(&request), buffer).await;
    let response = match (refused, body) {
        (Some(refused), _) => refused,
        (None, Ok(body)) => host.service.handle(http::Request::from_parts(parts, body)).await,
        (None, Err(_)) => {
            let detail = "the body ended before it was complete, or is malformed";
            host.service.error_response(&ScimError::new(http::StatusCode::BAD_REQUEST, detail))
        }
    };
    finish_response(&request, convert_response(response))
}

/// Finishes the response to a request. If the request [asks for another protocol](asks_for_upgrade), the connection is
/// closed after the response. Otherwise actix-web would send `Connection: upgrade`, as the client did.
fn finish_response(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    if asks_for_upgrade(request) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// Whether a request asks for another protocol on its connection. The host ignores that (RFC 9110 section 7.8), but
/// actix-web may treat everything that follows as the body.
fn asks_for_upgrade(request: &HttpRequest) -> bool {
    request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) || request.head().upgrade()
}

/// The length of the body in bytes; `None` if the body itself marks its end. For a request that
/// [asks for another protocol](asks_for_upgrade), the body that actix-web passes on ends only with the connection. So
/// it must be read by its `Content-Length`; without that header there is no body (RFC 9112 section 6.3).
fn body_length(request: &HttpRequest) -> Option<u64> {
    if request.method() == Method::CONNECT {
        return Some(0);
    }
    // The frames of HTTP/2 and chunks mark the end of the body.
    if request.version() == Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(length.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}

/// Reads a body to its end, or until the buffer is overfull.
async fn read_body(
    mut body: Payload,
    length: Option<u64>,
    mut buffer: BodyBuffer,
) -> Result<Vec<u8>, PayloadError> {
    let mut remaining = length.unwrap_or(u64::MAX);
    while remaining > 0 && !buffer.is_overfull() {
        let Some(data) = body.next().await else {
            return if length.is_none() {
                Ok(buffer.into_bytes())
            } else {
                Err(PayloadError::Incomplete(None))
            };
        };
        let mut data = data?;
        data.truncate(usize::try_from(remaining).unwrap_or(usize::MAX));
        remaining -= data.len() as u64;
        buffer.push(&data);
    }
    Ok(buffer.into_bytes())
}

/// Converts a request without its body from http 0.2 to http 1, and removes the mount path from its target, which scopes of
/// actix-web do not do. The target of CONNECT, which is another server, becomes `/`.
fn convert_request(request: &HttpRequest) -> http::Result<http::Request<()>> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let target = match target.strip_prefix(MOUNT_PATH) {
        None if request.method() == Method::CONNECT => "/",
        below => below.unwrap_or(target),
    };
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(format!("{slash}{target}"));
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    converted.body(())
}

/// Converts a response from http 1 to http 0.2.
fn convert_response(response: http::Response<Vec<u8>>) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16());
    let mut converted = HttpResponse::build(status.unwrap_or_default());
    for (name, value) in response.headers() {
        converted.append_header((name.as_str(), value.as_bytes()));
    }
    converted.body(response.into_body())
}
