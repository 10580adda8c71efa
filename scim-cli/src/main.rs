//! `scim`: see the README of this package.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    scim_cli::run(scim_cli::Arguments::parse()).await
}
