//! A SCIM service on axum. Run `cargo run --release -p axum-host` and paste the `curl` lines that it prints.
//!
//! What does not depend on the HTTP framework is in the package `host-common`: options and commands, credentials, limits, TLS,
//! logs and metrics, and the service itself.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use host_common::{Host, Program, RawListener, users_and_groups};

const PROGRAM: Program = Program {
    name: "axum-host",
    about: "A SCIM service on axum",
    default_database: "sqlite:scim.db",
    has_store: true,
};

#[tokio::main]
async fn main() -> ExitCode {
    host_common::run(PROGRAM, users_and_groups, serve).await
}

async fn serve(host: Host, listener: RawListener) -> Result<(), Box<dyn Error>> {
    // An application adds its own routes here. The host answers everything else.
    let app = Router::new().fallback_service(host.clone().into_service());
    host.serve(listener, app).await
}
