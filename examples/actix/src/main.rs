//! A SCIM service on actix-web. Run `cargo run --release -p actix-host` and paste the `curl` lines that it prints.
//!
//! What does not depend on the HTTP framework is in the package `host-common`: options and commands, credentials, limits, the
//! configuration of TLS, logs and metrics, and the service itself.
//!
//! actix-web uses the types of http 0.2, and the library those of http 1. The module [`convert`] is between them.

mod convert;

use std::error::Error;
use std::process::ExitCode;
use std::thread::available_parallelism;

use actix_web::rt::System;
use actix_web::web::{Data, Payload, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use host_common::{Host, Program, RawListener, stop_signal, users_and_groups};

const PROGRAM: Program = Program {
    name: "actix-host",
    about: "A SCIM service on actix-web",
    default_database: "sqlite:scim.db",
    has_store: true,
};

fn main() -> ExitCode {
    System::new().block_on(host_common::run(PROGRAM, users_and_groups, serve))
}

async fn serve(host: Host, listener: RawListener) -> Result<(), Box<dyn Error>> {
    let settings = host.settings().clone();
    let workers = available_parallelism().map_or(1, usize::from);
    let connections = listener.max_connections(&settings) / workers;
    let listener = listener.into_std()?;

    let tls = host.tls();
    let data = Data::new(host.clone());
    // An application adds its own routes here. The host answers everything else.
    let app = move || App::new().app_data(data.clone()).default_service(to(answer));
    let stop = stop_signal()?;
    let server = HttpServer::new(app)
        .workers(workers)
        .max_connections(connections.max(1))
        .client_request_timeout(settings.limits.head_timeout)
        .tls_handshake_timeout(settings.limits.head_timeout)
        .keep_alive(settings.limits.idle_timeout)
        .shutdown_timeout(settings.stop_timeout.as_secs())
        .shutdown_signal(async move {
            stop.await;
            host.stopping();
        });
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, (*tls).clone())?,
        None => server.listen_auto_h2c(listener)?,
    };
    Ok(server.run().await?)
}

/// Answers a request.
async fn answer(host: Data<Host>, request: HttpRequest, payload: Payload) -> HttpResponse {
    match convert::request(&request, payload) {
        Ok(converted) => convert::response(&request, host.handle(converted).await),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}
