//! A SCIM service on actix-web: `cargo run --release -p actix-host`, and paste the `curl` line it prints.
//!
//! Four things are a host's to do, and all of them are in this file: know the client, collect the
//! body, hand the request to [`ScimService::handle`], and send what comes back. Settings, which are
//! environment variables, and what is served are in the package `host-common`, since they are the
//! same on every HTTP stack.
//!
//! actix-web speaks the types of http 0.2 and the library those of http 1; [`converted`] and
//! [`answer`] are what lies between.

use std::error::Error;
use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::error::PayloadError;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::rt::System;
use actix_web::web::{Data, Payload, scope, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt;
use host_common::{BodyBuffer, InvalidSettings, MAX_BODY, MOUNT, Settings, Token, stop_signal};
use scim_core::{Identity, ScimService};

/// How many seconds requests that are being served may take when the host is told to stop.
const GRACE: u64 = 10;

#[derive(Clone)]
struct Host {
    service: ScimService,
    token: Token,
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
    let host = Host { service, token: settings.token.clone() };
    // Everything below the mount is the service's, unknown paths included: it answers in SCIM.
    let app = move || {
        let mounted = scope(MOUNT).default_service(to(scim));
        App::new().app_data(Data::new(host.clone())).service(mounted).default_service(to(outside))
    };

    let stop = stop_signal()?;
    let server = HttpServer::new(app).shutdown_signal(stop).shutdown_timeout(GRACE);
    let server = server.listen_auto_h2c(listener)?.run();
    println!("{}", settings.greeting(address));
    Ok(server.await?)
}

/// Answers a request for what is not below the mount. The target of CONNECT is another host, so it
/// is nowhere below it; the service refuses the method.
async fn outside(host: Data<Host>, request: HttpRequest, body: Payload) -> HttpResponse {
    match *request.method() {
        Method::CONNECT => scim(host, request, body).await,
        _ => sent(&request, HttpResponse::NotFound().finish()),
    }
}

/// Answers one request.
async fn scim(host: Data<Host>, request: HttpRequest, body: Payload) -> HttpResponse {
    // The service answers 401 to whom nobody has identified; so a wrong token needs nothing but this.
    let known = host.token.is_in(request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()));
    // One byte more than the service takes tells it that a body is too large, and it answers 413.
    let Ok(body) = read(body, length(&request), if known { MAX_BODY + 1 } else { 0 }).await else {
        return sent(&request, HttpResponse::BadRequest().finish());
    };
    let Ok(mut converted) = converted(&request, body) else {
        return sent(&request, HttpResponse::BadRequest().finish());
    };
    if known {
        converted.extensions_mut().insert(Identity::new("client"));
    }
    sent(&request, answer(host.service.handle(converted).await))
}

/// The answer as it is sent to that request. One that [asks to switch](asks_to_switch) is the last of
/// its connection; and actix-web would say `Connection: upgrade` because the client does.
fn sent(request: &HttpRequest, mut answer: HttpResponse) -> HttpResponse {
    if asks_to_switch(request) {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    answer
}

/// Whether a request asks for another protocol on its connection. That is ignored (RFC 9110
/// section 7.8), but actix-web may have taken all that follows for the body.
fn asks_to_switch(request: &HttpRequest) -> bool {
    request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) || request.head().upgrade()
}

/// How many bytes the body has, if that is known before it is read. What actix-web takes for the body
/// of a request that [asks to switch](asks_to_switch) ends with the connection only. It may not be
/// waited for, and without a length there is no body (RFC 9112 section 6.3).
fn length(request: &HttpRequest) -> Option<u64> {
    if request.method() == Method::CONNECT {
        return Some(0);
    }
    // Frames and chunks say themselves which of them is the last.
    if request.version() == Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let given = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(given.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}

/// Reads a body of a length, and keeps `limit` bytes of it at most.
async fn read(mut body: Payload, length: Option<u64>, limit: usize) -> Result<Vec<u8>, PayloadError> {
    let mut buffer = BodyBuffer::new(limit);
    let mut left = length.unwrap_or(u64::MAX);
    while left > 0 && !buffer.is_overfull() {
        let Some(data) = body.next().await else {
            return if length.is_none() {
                Ok(buffer.into_bytes())
            } else {
                Err(PayloadError::Incomplete(None))
            };
        };
        let mut data = data?;
        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= data.len() as u64;
        buffer.push(&data);
    }
    Ok(buffer.into_bytes())
}

/// A request of http 0.2 as one of http 1, with a target below the mount: scopes do not take it off.
/// Other hosts, which CONNECT names, are the root of the service.
fn converted(request: &HttpRequest, body: Vec<u8>) -> http::Result<http::Request<Vec<u8>>> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let target = match target.strip_prefix(MOUNT) {
        None if request.method() == Method::CONNECT => "/",
        below => below.unwrap_or(target),
    };
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(format!("{slash}{target}"));
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    converted.body(body)
}

/// A response of http 1 as one of http 0.2.
fn answer(response: http::Response<Vec<u8>>) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16());
    let mut answer = HttpResponse::build(status.unwrap_or_default());
    for (name, value) in response.headers() {
        answer.append_header((name.as_str(), value.as_bytes()));
    }
    answer.body(response.into_body())
}
