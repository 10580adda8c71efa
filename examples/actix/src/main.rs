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
use actix_web::http::header::AUTHORIZATION;
use actix_web::rt::System;
use actix_web::web::{Data, Payload, scope, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt;
use host_common::{InvalidSettings, MAX_BODY, MOUNT, Settings, Token, stop_signal};
use scim_core::{Identity, ScimService};

/// What a client may send that is not kept, before the connection is given up.
const MAX_IGNORED: usize = 64 * 1024 * 1024;

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
    let app =
        move || App::new().app_data(Data::new(host.clone())).service(scope(MOUNT).default_service(to(scim)));

    let stop = stop_signal()?;
    let server = HttpServer::new(app).shutdown_signal(stop).shutdown_timeout(GRACE);
    let server = server.listen_auto_h2c(listener)?.run();
    println!("{}", settings.greeting(address));
    Ok(server.await?)
}

/// Answers one request.
async fn scim(host: Data<Host>, request: HttpRequest, body: Payload) -> HttpResponse {
    // The service answers 401 to whom nobody has identified; so a wrong token needs nothing but this.
    let known = host.token.is_in(request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()));
    // One byte more than the service takes tells it that a body is too large, and it answers 413.
    let Ok(body) = read(body, if known { MAX_BODY + 1 } else { 0 }).await else {
        return HttpResponse::BadRequest().finish();
    };
    let Ok(mut request) = converted(&request, body) else {
        return HttpResponse::BadRequest().finish();
    };
    if known {
        request.extensions_mut().insert(Identity::new("client"));
    }
    answer(host.service.handle(request).await)
}

/// Reads a body, and keeps so many bytes of it. The rest is read as well, within reason: most clients
/// do not look for an answer before they have sent everything.
async fn read(mut body: Payload, keep: usize) -> Result<Vec<u8>, PayloadError> {
    let (mut kept, mut ignored) = (Vec::new(), 0);
    while let Some(data) = body.next().await {
        let mut data = data?;
        ignored += data.len();
        data.truncate(keep - kept.len());
        ignored -= data.len();
        kept.extend_from_slice(&data);
        if ignored > MAX_IGNORED {
            break;
        }
    }
    Ok(kept)
}

/// A request of http 0.2 as one of http 1, with a target below the mount: scopes do not take it off.
fn converted(request: &HttpRequest, body: Vec<u8>) -> http::Result<http::Request<Vec<u8>>> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let target = target.strip_prefix(MOUNT).unwrap_or(target);
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
